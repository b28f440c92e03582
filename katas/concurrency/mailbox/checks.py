"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario


def traffic(mailbox, putters, takers):
    """Each putter puts its number, each taker notes what it gets; and the list of what was taken."""
    taken = [None] * takers

    def taker(number):
        def body():
            taken[number] = mailbox.take()

        return body

    def putter(number):
        return lambda: mailbox.put(number)

    bodies = {f"putter {number}": putter(number) for number in range(putters)}
    return bodies | {f"taker {number}": taker(number) for number in range(takers)}, taken


@scenario(level=1, kills=["w04"], proof="free")
def mail_is_handed_over(make):
    """Two threads, one item, whoever comes first."""
    bodies, taken = traffic(make(), 1, 1)
    return bodies, lambda: make.expect(taken, [0])


@scenario(level=1, kills=["w03"], schedules=100, smoke=True)
def nothing_is_overwritten(make):
    """A letter that lies on another one is lost, and its reader waits for ever."""
    mailbox, taken = make(), []

    def read():
        taken.append(mailbox.take())
        taken.append(mailbox.take())

    def invariant():
        return make.expect(sorted(taken), ["a", "b"])

    return {"Ann": lambda: mailbox.put("a"), "Bob": lambda: mailbox.put("b"), "reader": read}, invariant


@scenario(level=1, kills=["w02"], proof="sync")
def the_side_that_can_go_on_is_woken(make):
    """The one thread that is woken cannot go on, and the one that could sleeps: the service stands still, and uses no CPU."""
    bodies, taken = traffic(make(), 2, 2)
    return bodies, lambda: make.expect(sorted(taken), [0, 1])


@scenario(level=1, kills=["w01"], schedules=100, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_promise(make):
    """`wait` may return although nobody has notified; its documentation says so."""
    bodies, taken = traffic(make(), 1, 1)
    return bodies, lambda: make.expect(taken, [0])


@scenario(level=1, kills=["w05"], schedules=20)
def none_is_mail_too(make):
    """A worker that answers None is taken for one that has not answered."""
    mailbox, taken = make(), []

    def put():
        mailbox.put(None)
        mailbox.put("b")

    def take():
        taken.extend([mailbox.take(), mailbox.take()])

    return {"putter": put, "taker": take}, lambda: make.expect(taken, [None, "b"])


@scenario(level=2, kills=["w06"], schedules=60, race_timeouts=False)
def one_deadline_for_the_whole_call(make):
    """A caller who promised an answer in 5 seconds is woken by every letter for somebody else, and waits an hour."""
    mailbox, clock, told = make(), make.clock(), []

    def patient():
        told.extend([make.outcome(mailbox.take, timeout=5), clock.monotonic()])

    def other():
        clock.sleep(3)
        mailbox.put("a")
        make.outcome(mailbox.take, timeout=0)

    def invariant():
        return make.expect(told, ["a", 3] if told[0] == "a" else ["TimeoutError", 5])

    return {"patient": patient, "other": other}, invariant


@scenario(level=2, schedules=40, race_timeouts=False)
def who_gives_up_has_changed_nothing(make):
    """The caller was told that his letter did not go out; it must not arrive later."""
    mailbox, clock, told = make(), make.clock(), []

    def putter():
        mailbox.put("a")
        told.append(make.outcome(mailbox.put, "b", timeout=5))
        told.append(clock.monotonic())

    def taker():
        clock.sleep(8)
        told.append(mailbox.take())
        told.append(make.outcome(mailbox.take, timeout=2))
        told.append(clock.monotonic())

    return {"putter": putter, "taker": taker}, lambda: make.expect(told, ["TimeoutError", 5, "a", "TimeoutError", 10])


@scenario(level=2, schedules=100)
def in_time_or_not_nothing_gets_lost(make):
    """A time-out that meets a letter: either it was taken, or it is still there."""
    mailbox, told = make(), []

    def taker():
        told.append(make.outcome(mailbox.take, timeout=1))

    def putter():
        mailbox.put("a")

    def invariant():
        told.append(make.outcome(mailbox.take, timeout=0))
        return make.expect(sorted(told), ["TimeoutError", "a"])

    return {"taker": taker, "putter": putter}, invariant
