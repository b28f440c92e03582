"""The scenarios: threads under the scheduler."""

from interface import Closed

from lldkit.dojo.author import Desk, check, scenario


@check(level=1)
def a_queue_without_room_is_refused(desk: Desk) -> None:
    """A queue of 0 places blocks its first caller for ever."""
    desk.raises(ValueError, desk.make, 0)
    desk.raises(ValueError, desk.make, -1)


def traffic(queue, putters, getters):
    """Each putter puts its number, each getter notes what it gets; and the list of what was got."""
    got = [None] * getters

    def getter(number):
        def body():
            got[number] = queue.get()

        return body

    def putter(number):
        return lambda: queue.put(number)

    bodies = {f"putter {number}": putter(number) for number in range(putters)}
    return bodies | {f"getter {number}": getter(number) for number in range(getters)}, got


@scenario(level=1, kills=["w02"], proof="sync", smoke=True)
def the_side_that_can_go_on_is_woken(make):
    """The one thread that is woken cannot go on, and the one that could sleeps: the service stands still, and uses no CPU."""
    bodies, got = traffic(make(1), 2, 2)
    return bodies, lambda: make.expect(sorted(got), [0, 1])


@scenario(level=1, kills=["w01"], schedules=100, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_promise(make):
    """`wait` may return although nobody has notified; its documentation says so."""
    bodies, got = traffic(make(1), 1, 1)
    return bodies, lambda: make.expect(got, [0])


@scenario(level=1, kills=["w10"], proof="sync")
def every_item_wakes_somebody(make):
    """Two jobs came at once and one worker was told; the other sleeps beside a job until the next rush."""
    queue, got = make(2), []

    def get():
        got.append(queue.get())

    def put():
        queue.put("a")
        queue.put("b")

    return {"getter A": get, "getter B": get, "putter": put}, lambda: make.expect(sorted(got), ["a", "b"])


@scenario(level=1, proof="sync")
def every_place_wakes_somebody(make):
    """Two places became free at once and one producer was told; the other sleeps beside a free place."""
    queue, got = make(2), []
    queue.put("a")
    queue.put("b")

    def get():
        got.extend([queue.get(), queue.get()])

    def put():
        queue.put("c")

    return {"putter A": put, "putter B": put, "getter": get}, lambda: make.expect([*got, len(queue)], ["a", "b", 2])


@scenario(level=1, schedules=10, granularity="sync", max_steps=500, race_timeouts=False, shrink=False)
def who_waits_sleeps(make):
    """Nothing to do for a minute, and beside it a core is burnt."""
    queue, clock, got = make(1), make.clock(), []

    def put():
        clock.sleep(64)
        queue.put("a")
        queue.put("b")

    def get():
        got.append(queue.get())
        clock.sleep(64)
        got.append(queue.get())

    return {"putter": put, "getter": get}, lambda: make.expect(got, ["a", "b"])


@scenario(level=1, kills=["w03"], schedules=60, granularity="sync")
def never_more_than_capacity(make):
    """The bound is what keeps the memory of a service in bounds when its database is slow."""
    queue, seen = make(1), []

    def put(*items):
        for item in items:
            queue.put(item)
            seen.append(len(queue))

    def get():
        queue.get()
        queue.get()

    bodies = {"putter A": lambda: put("a", "b"), "putter B": lambda: put("c"), "getter": get}
    return bodies, lambda: make.expect(f"{max(seen)} at most", f"{min(1, max(seen))} at most")


@scenario(level=1, kills=["w04"], schedules=60)
def items_leave_in_the_order_in_which_they_entered(make):
    """The order that was paid for last week is still at the bottom."""
    queue, got = make(2), []

    def put():
        for item in ("a", "b", None):
            queue.put(item)

    def get():
        got.extend([queue.get(), queue.get(), queue.get()])

    return {"putter": put, "getter": get}, lambda: make.expect(got, ["a", "b", None])


@scenario(level=1, schedules=100)
def all_answers_fit_one_order(make):
    """Linearizable: there is one order of the calls in which a plain list gives the same answers."""
    queue, history = make.recorded(2)

    def put():
        queue.put("a")
        queue.put("b")

    def get():
        queue.get()
        len(queue)
        queue.get()

    return {"one": put, "two": lambda: queue.put("c"), "getter": get}, lambda: make.linearizable(history, 2)


@scenario(level=2, kills=["w05"], schedules=60, race_timeouts=False)
def one_deadline_for_the_whole_call(make):
    """A caller who promised an answer in 5 seconds is woken by every item that another takes, and waits an hour."""
    queue, clock, told = make(1), make.clock(), []

    def patient():
        told.extend([make.outcome(queue.get, timeout=5), clock.monotonic()])

    def other():
        clock.sleep(3)
        queue.put("a")
        make.outcome(queue.get, timeout=0)

    return {"patient": patient, "other": other}, lambda: make.expect(
        told, ["a", 3] if told[0] == "a" else ["TimeoutError", 5]
    )


@scenario(level=2, kills=["w06"], schedules=40, race_timeouts=False)
def an_item_whose_put_raised_is_never_delivered(make):
    """The customer was told that his order failed, and gets the goods and the bill."""
    queue, clock, told = make(1), make.clock(), []

    def put():
        queue.put("a")
        told.extend([make.outcome(queue.put, "b", timeout=5), clock.monotonic()])

    def get():
        clock.sleep(8)
        told.append(queue.get())
        told.extend([make.outcome(queue.get, timeout=2), clock.monotonic()])

    return {"putter": put, "getter": get}, lambda: make.expect(told, ["TimeoutError", 5, "a", "TimeoutError", 10])


@scenario(level=2, kills=["w11"], schedules=100)
def in_time_or_not_nothing_gets_lost(make):
    """A time-out that meets an item: either it was taken, or it is there for the next one, who hears of it."""
    queue, told = make(1), []

    def hasty():
        if make.outcome(queue.get, timeout=1) == "a":
            queue.put("a")

    def invariant():
        return make.expect([*told, len(queue)], ["a", 0])

    return {"hasty": hasty, "patient": lambda: told.append(queue.get()), "putter": lambda: queue.put("a")}, invariant


@scenario(level=3, kills=["w07"], proof="sync")
def close_wakes_everybody(make):
    """Workers sleep on an empty queue; a program whose workers are not told of the end has to be killed."""
    queue, told = make(1), []

    def get():
        told.append(make.outcome(queue.get))

    bodies = {"getter A": get, "getter B": get, "closer": queue.close}
    return bodies, lambda: make.expect(told, ["Closed", "Closed"])


@scenario(level=3, proof="sync")
def close_wakes_those_who_wait_for_room(make):
    """Producers sleep beside a full queue that nobody will ever empty."""
    queue, told = make(1), []
    queue.put("a")

    def put():
        told.append(make.outcome(queue.put, "b"))

    bodies = {"putter A": put, "putter B": put, "closer": queue.close}
    return bodies, lambda: make.expect(told, ["Closed", "Closed"])


@scenario(level=3, kills=["w08"], schedules=40, race_timeouts=False)
def a_putter_that_waited_is_told(make):
    """What is put after the end is never fetched, and nobody is told."""
    queue, clock, told, left = make(1), make.clock(), [], []

    def put():
        queue.put("a")
        told.append(make.outcome(queue.put, "b"))

    def close():
        clock.sleep(8)
        queue.close()
        left.extend([make.outcome(queue.get), make.outcome(queue.get)])

    return {"putter": put, "closer": close}, lambda: make.expect([*told, *left], ["Closed", "a", "Closed"])


@scenario(level=3, kills=["w12"], proof="sync")
def a_getter_that_waited_gets_what_is_left(make):
    """The last order of the day is for whoever waited for it; he went home, and it lies there."""
    queue, told = make(1), []

    def close():
        queue.put("a")
        queue.close()

    return {"getter": lambda: told.append(make.outcome(queue.get)), "closer": close}, lambda: make.expect(told, ["a"])


@check(level=3, kills=["w09"])
def what_is_left_is_handed_out(desk: Desk) -> None:
    """A queue that is closed for the night must not throw away the work of the day."""
    queue = desk.make(2)
    queue.put("a")
    queue.put("b")
    queue.close()
    queue.close()
    desk.expect(queue.get(), "a")
    desk.expect(queue.get(), "b")
    desk.raises(Closed, queue.get, timeout=9)
    desk.raises(Closed, queue.get, timeout=0)
    desk.raises(Closed, queue.put, "c")


@scenario(level=3, schedules=100)
def who_was_told_that_it_is_in_is_right(make):
    """Close meets put: the item is delivered if put returned, and never if it raised."""
    queue, told = make(2), []

    def put():
        told.append(make.outcome(queue.put, "a"))

    def invariant():
        return make.expect(make.outcome(queue.get), "a" if told == [None] else "Closed")

    return {"putter": put, "closer": queue.close}, invariant
