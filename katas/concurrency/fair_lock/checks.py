"""The scenarios: threads under the scheduler. Arrivals come one second after the other, which is in order."""

from lldkit.dojo.author import scenario

QUIET = {"schedules": 40, "race_timeouts": False, "max_steps": 4_000}


@scenario(level=1, schedules=100, smoke=True)
def one_at_a_time(make):
    """What any lock is for."""
    lock, seen = make(), {"inside": 0, "clashes": 0}

    def body():
        with lock:
            seen["inside"] += 1
            seen["clashes"] += seen["inside"] > 1
            seen["inside"] -= 1

    return {"Ann": body, "Bob": body, "Cyd": body}, lambda: make.expect(seen, {"inside": 0, "clashes": 0})


@scenario(level=1, kills=["w01"], **QUIET)
def who_came_first_is_served_first(make):
    """The oldest request times out, while newer ones are answered."""
    lock, clock, served = make(), make.clock(), []

    def comes_at(second, name):
        def body():
            clock.sleep(second)
            lock.acquire()
            served.append(name)
            clock.sleep(8)
            lock.release()

        return body

    bodies = {name: comes_at(second, name) for second, name in enumerate(("Ann", "Bob", "Cyd", "Dan"))}
    return bodies, lambda: make.expect(served, ["Ann", "Bob", "Cyd", "Dan"])


@scenario(level=1, kills=["w02"], schedules=60, race_timeouts=False, max_steps=4_000)
def the_one_who_released_does_not_overtake(make):
    """A busy thread that gives the lock back and takes it again at once keeps all others out."""
    lock, clock, served = make(), make.clock(), []

    def greedy():
        for _ in range(3):
            with lock:
                served.append("greedy")
                clock.sleep(2)

    def patient():
        clock.sleep(1)
        with lock:
            served.append("patient")

    return {"greedy": greedy, "patient": patient}, lambda: make.expect(served[:2], ["greedy", "patient"])


@scenario(level=1, kills=["w03"], **QUIET)
def each_is_served_once_and_the_line_gets_shorter(make):
    """A length that is wrong: the alarm rings for a line that is not there."""
    lock, clock, lengths = make(), make.clock(), []

    def holder():
        with lock:
            clock.sleep(8)
            lengths.append(lock.waiting())

    def other():
        clock.sleep(4)
        with lock:
            clock.sleep(4)

    def invariant():
        return make.expect([*lengths, lock.waiting()], [2, 0])

    return {"holder": holder, "Ann": other, "Bob": other}, invariant


@scenario(level=1, kills=["w04"], **QUIET)
def only_the_holder_may_release(make):
    """A release too many, in another thread, lets two into what only one may enter."""
    lock, clock, told = make(), make.clock(), []

    def holder():
        with lock:
            clock.sleep(8)
        told.append(make.outcome(lock.release))

    def stranger():
        clock.sleep(4)
        told.append(make.outcome(lock.release))
        lock.acquire()
        told.append(clock.monotonic())
        lock.release()

    return {"holder": holder, "stranger": stranger}, lambda: make.expect(
        sorted(map(str, told)), ["8.0", "RuntimeError", "RuntimeError"]
    )


@scenario(level=1, schedules=60, spurious_wakeups=True, max_steps=4_000)
def a_wake_up_is_no_promise(make):
    """`wait` may return although nobody has notified; then the lock is still another's."""
    lock, seen = make(), {"inside": 0, "clashes": 0}

    def body():
        lock.acquire()
        seen["inside"] += 1
        seen["clashes"] += seen["inside"] > 1
        seen["inside"] -= 1
        lock.release()

    return {"Ann": body, "Bob": body}, lambda: make.expect(seen["clashes"], 0)


@scenario(level=2, kills=["w05"], **QUIET)
def who_gave_up_blocks_nobody(make):
    """One client hangs up, and the line behind him stands still."""
    lock, clock, told = make(), make.clock(), []

    def holder():
        with lock:
            clock.sleep(8)

    def giving_up():
        clock.sleep(1)
        told.extend([lock.acquire(timeout=3), clock.monotonic(), lock.waiting()])

    def patient():
        clock.sleep(2)
        told.append(lock.acquire(timeout=9))
        told.append(clock.monotonic())
        lock.release()

    bodies = {"holder": holder, "giving up": giving_up, "patient": patient}
    return bodies, lambda: make.expect(told, [False, 4, 1, True, 8])


@scenario(level=2, kills=["w06"], schedules=100)
def given_up_and_handed_over_at_once(make):
    """In the same moment the client hangs up and it is his turn: nobody is ever served again."""
    lock, told = make(), []

    def holder():
        lock.acquire()
        lock.release()

    def impatient():
        if lock.acquire(timeout=1):
            lock.release()

    def last():
        told.append(lock.acquire())
        lock.release()

    return {"holder": holder, "impatient": impatient, "last": last}, lambda: make.expect(
        [*told, lock.waiting(), lock.acquire(timeout=0)], [True, 0, True]
    )
