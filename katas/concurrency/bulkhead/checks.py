"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario

QUIET = {"schedules": 30, "race_timeouts": False}


class Down(BaseException):
    """What `fn` raises: no Exception, as a cancellation."""


def caught(call, *args, **kwargs):
    """What a call returns, or the name of what it raises."""
    try:
        return call(*args, **kwargs)
    except (Exception, Down) as error:
        return type(error).__name__


@scenario(level=1, kills=["w03"], schedules=100, smoke=True)
def look_and_count_are_one_step(make):
    """Two threads both see the last place, and the service gets more than it can bear."""
    bulkhead, seen = make(1), {"inside": 0, "clashes": 0}

    def inside():
        seen["inside"] += 1
        seen["clashes"] += seen["inside"] > 1
        seen["inside"] -= 1

    def body():
        caught(bulkhead.run, inside)

    return {"Ann": body, "Bob": body}, lambda: make.expect([seen["clashes"], bulkhead.active()], [0, 0])


@scenario(level=1, kills=["w01"], schedules=1)
def a_permit_comes_back_however_it_ends(make):
    """Every error makes the pool smaller, until at night nobody gets in."""
    bulkhead, told = make(1), []

    def fail(error):
        raise error

    def alone():
        told.extend(caught(bulkhead.run, fail, error) for error in (ValueError(), Down()))
        told.append(bulkhead.run(sum, (1, 2)))

    return {"alone": alone}, lambda: make.expect([*told, bulkhead.active()], ["ValueError", "Down", 3, 0])


@scenario(level=1, kills=["w02"], schedules=1)
def the_limit_is_never_raised(make):
    """Every refusal lets one more in: just when the service is overloaded."""
    bulkhead, told = make(2), []

    def deeper(depth):
        told.append(bulkhead.active())
        if depth < 2:
            bulkhead.run(deeper, depth + 1)
        else:
            told.extend(caught(bulkhead.run, list) for _ in range(3))

    def alone():
        bulkhead.run(deeper, 1)

    def invariant():
        return make.expect([*told, bulkhead.active()], [1, 2, *["BulkheadFull"] * 3, 0])

    return {"alone": alone}, invariant


@scenario(level=1, schedules=1)
def a_bulkhead_without_room_is_refused(make):
    """A limit of 0 that is taken quietly: the service answers nobody."""
    told = []

    def alone():
        told.extend(caught(make, limit) for limit in (0, -1))

    return {"alone": alone}, lambda: make.expect(told, ["ValueError", "ValueError"])


@scenario(level=1, kills=["w04"], **QUIET)
def who_finds_it_full_is_told_at_once(make):
    """The slow service takes all threads of the server with it, one after the other."""
    bulkhead, clock, told = make(1), make.clock(), []

    def slow():
        bulkhead.run(clock.sleep, 8)

    def other():
        clock.sleep(1)
        told.extend([caught(bulkhead.run, list), clock.monotonic()])

    return {"slow": slow, "other": other}, lambda: make.expect(told, ["BulkheadFull", 1])


@scenario(level=1, schedules=60)
def no_place_is_left_empty(make):
    """Room for two, and two come."""
    bulkhead, told = make(2), []

    def body():
        told.append(caught(bulkhead.run, list, "a"))

    return {"Ann": body, "Bob": body}, lambda: make.expect(told, [["a"], ["a"]])


@scenario(level=1, kills=["w08"], schedules=60)
def the_count_is_of_those_inside(make):
    """Two pass the door at once, and only one is counted: it has a place too few from then on, or one too many."""
    bulkhead, seen = make(2), []

    def body():
        caught(bulkhead.run, lambda: seen.append(bulkhead.active()))

    def invariant():
        return make.expect([f"{max(2, *seen, 0)} inside at most", bulkhead.active()], ["2 inside at most", 0])

    return {"Ann": body, "Bob": body, "Cyd": body}, invariant


@scenario(level=2, kills=["w07"], schedules=100)
def no_more_wait_than_may(make):
    """A queue of one in which two wait is not bounded, and grows on the day on which it matters."""
    bulkhead, told = make(1, queue=1), []

    def body():
        told.append(caught(bulkhead.run, look))

    def look():
        seen.append(bulkhead.waiting())

    seen = []
    bodies = {name: body for name in ("Ann", "Bob", "Cyd", "Dan")}
    return bodies, lambda: make.expect(f"{min(2, max(seen))} wait at most", "1 wait at most") if max(seen) > 1 else True


@scenario(level=2, **QUIET)
def the_queue_is_as_long_as_asked(make):
    """One may wait; the next one is told at once."""
    bulkhead, clock, told = make(1, queue=1), make.clock(), {}

    def comes_at(second):
        def body():
            clock.sleep(second)
            told[second] = [caught(bulkhead.run, clock.sleep, 8, timeout=7.5), clock.monotonic()]

        return body

    def look():
        clock.sleep(4)
        told["seen"] = [bulkhead.active(), bulkhead.waiting()]

    def invariant():
        wanted = {0: [None, 8], 1: [None, 16], 2: ["BulkheadFull", 2], "seen": [1, 1]}
        return make.expect([told, bulkhead.active(), bulkhead.waiting()], [wanted, 0, 0])

    return {"first": comes_at(0), "second": comes_at(1), "third": comes_at(2), "looks": look}, invariant


@scenario(level=2, kills=["w05"], **QUIET)
def who_gives_up_leaves_his_place(make):
    """The queue is full of people who have gone home."""
    bulkhead, clock, told = make(1, queue=1), make.clock(), []

    def slow():
        bulkhead.run(clock.sleep, 8)

    def impatient():
        clock.sleep(1)
        told.extend([caught(bulkhead.run, list, timeout=3), clock.monotonic(), bulkhead.waiting()])

    def patient():
        clock.sleep(6)
        told.append(caught(bulkhead.run, list))

    bodies = {"slow": slow, "impatient": impatient, "patient": patient}
    return bodies, lambda: make.expect(told, ["BulkheadFull", 4, 0, []])


@scenario(level=2, kills=["w06"], **QUIET)
def in_time_or_not_no_permit_is_lost(make):
    """The permit comes in the very moment in which the time is over, and is never seen again."""
    bulkhead, clock, told = make(1, queue=1), make.clock(), []

    def slow():
        bulkhead.run(clock.sleep, 4)

    def impatient():
        clock.sleep(1)
        told.append(caught(bulkhead.run, list, timeout=3))

    def last():
        clock.sleep(9)
        told.append(caught(bulkhead.run, list, timeout=0))

    bodies = {"slow": slow, "impatient": impatient, "last": last}
    return bodies, lambda: make.expect([told[-1], bulkhead.active(), bulkhead.waiting()], [[], 0, 0])


@scenario(level=2, kills=["w09"], **QUIET)
def one_deadline_however_often_he_is_woken(make):
    """He is woken for a permit that another one gets, and his five seconds begin anew, each time."""
    bulkhead, clock, told = make(1, queue=2), make.clock(), []

    def stays(at, seconds):
        clock.sleep(at)
        bulkhead.run(clock.sleep, seconds)

    def ours():
        clock.sleep(2)
        told.extend([caught(bulkhead.run, list, timeout=5), clock.monotonic()])

    bodies = {"first": lambda: stays(0, 4), "second": lambda: stays(1, 20), "ours": ours}
    expected = ["BulkheadFull", 7]
    return bodies, lambda: make.expect(expected if told == [[], 4] else told, expected)


@scenario(level=2, kills=["w10"], **QUIET)
def two_places_are_for_two(make):
    """Two leave at once, and only one of those in line is told; the other one sleeps beside a free place."""
    bulkhead, clock, told = make(2, queue=2), make.clock(), []

    def stays(name, at):
        clock.sleep(at)
        bulkhead.run(clock.sleep, 4)
        told.append((name, clock.monotonic()))

    times = {"Ann": 0, "Bob": 0, "Cyd": 1, "Dan": 1, "Eve": 5}
    ends = {"Ann": 4, "Bob": 4, "Cyd": 8, "Dan": 8, "Eve": 12}
    bodies = {name: lambda name=name, at=at: stays(name, at) for name, at in times.items()}
    return bodies, lambda: make.expect([dict(told), bulkhead.active()], [ends, 0])


@scenario(level=2, **QUIET)
def who_gives_up_takes_no_wake_up_along(make):
    """The wake-up went to one who was just giving up, and whoever stood behind him was never called."""
    bulkhead, clock, told = make(1, queue=2), make.clock(), []

    def comes(at, **limits):
        clock.sleep(at)
        told.append(caught(bulkhead.run, clock.sleep, 4, **limits))

    bodies = {"slow": lambda: comes(0), "impatient": lambda: comes(1, timeout=3), "patient": lambda: comes(2)}
    return bodies, lambda: make.expect(len(told), 3)


@scenario(level=2, schedules=60, spurious_wakeups=True, max_steps=4_000)
def who_waits_gets_in(make):
    """A queue of two for one place, and wake-ups without cause: each gets in, one at a time."""
    bulkhead, seen = make(1, queue=2), {"inside": 0, "clashes": 0, "served": 0}

    def inside():
        seen["inside"] += 1
        seen["clashes"] += seen["inside"] > 1
        seen["served"] += 1
        seen["inside"] -= 1

    def body():
        bulkhead.run(inside)

    return {"Ann": body, "Bob": body, "Cyd": body}, lambda: make.expect(seen, {"inside": 0, "clashes": 0, "served": 3})


@scenario(level=2, schedules=1)
def a_queue_of_less_than_nothing_is_refused(make):
    """-1 does not mean without bound; nothing here is without bound."""
    told = []

    def alone():
        told.append(caught(make, 1, queue=-1))
        told.append(caught(make(1, queue=0).run, list))

    return {"alone": alone}, lambda: make.expect(told, ["ValueError", []])
