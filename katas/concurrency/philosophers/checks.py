"""The scenarios: threads under the scheduler."""

import threading

from lldkit.dojo.author import scenario

STEPS = 2_000  # within which somebody must have eaten


class Down(BaseException):
    """What `eat` raises: no Exception, as a cancellation."""


def caught(call, *args, **kwargs):
    """What a call returns, or the name of what it raises."""
    try:
        return call(*args, **kwargs)
    except (Exception, Down) as error:
        return type(error).__name__


def diners(table, seats, eaten):
    """A body for each seat, which notes that it has eaten."""
    return {f"seat {seat}": lambda seat=seat: table.dine(seat, lambda: eaten.append(seat)) for seat in seats}


@scenario(level=1, kills=["w01"], schedules=100, max_steps=STEPS, smoke=True)
def everybody_eats(make):
    """Every service waits for the one beside it, and all of them stand still."""
    eaten = []
    return diners(make(3), range(3), eaten), lambda: make.expect(sorted(eaten), [0, 1, 2])


def eaters(make, *seats):
    """Some of four eat for a second each; none may meet his neighbour."""
    table, clock, busy, clashes = make(4), make.clock(), set(), []

    def eat(seat):
        busy.add(seat)
        clashes.extend(busy & {(seat - 1) % 4, (seat + 1) % 4})
        clock.sleep(1)
        busy.discard(seat)

    bodies = {f"seat {seat}": lambda seat=seat: table.dine(seat, lambda: eat(seat)) for seat in seats}
    return bodies, lambda: make.expect(f"{min(1, len(clashes))} clashes", "0 clashes")


@scenario(level=1, kills=["w02"], schedules=60, max_steps=STEPS)
def neighbours_never_eat_at_once(make):
    """Two that must never work on the same thing at the same time do."""
    return eaters(make, 0, 1)


@scenario(level=1, kills=["w11"], schedules=20, max_steps=STEPS)
def the_last_one_and_the_first_are_neighbours(make):
    """The ring is open at one place, and there two work on the same thing."""
    return eaters(make, 3, 0)


@scenario(level=1, kills=["w09"], schedules=40, max_steps=STEPS, spurious_wakeups=True)
def who_was_woken_looks_again(make):
    """Something woke him, perhaps for nothing, and he eats, though a neighbour has his fork."""
    return eaters(make, 0, 1, 2)


@scenario(level=1, kills=["w10"], schedules=20, max_steps=STEPS, race_timeouts=False)
def whoever_can_eat_is_told(make):
    """One was told, could do nothing about it, and kept it to himself; the one who could sleeps on."""
    table, clock, eaten, fed = make(5), make.clock(), [], threading.Event()

    def dine(seat, at, meal):
        def body():
            clock.sleep(at)
            table.dine(seat, meal)
            eaten.append(seat)

        return body

    bodies = {
        "seat 0": dine(0, 0, fed.wait),  # as long as seat 3 has not eaten
        "seat 2": dine(2, 0, lambda: clock.sleep(3)),
        "seat 1": dine(1, 1, lambda: None),
        "seat 3": dine(3, 2, fed.set),
    }
    return bodies, lambda: make.expect(sorted(eaten), [0, 1, 2, 3])


@scenario(level=1, schedules=60, max_steps=STEPS)
def a_table_for_two(make):
    """Two forks, and both are wanted by both."""
    eaten = []
    return diners(make(2), range(2), eaten), lambda: make.expect(sorted(eaten), [0, 1])


@scenario(level=1, kills=["w03"], proof="sync", max_steps=STEPS)
def nobody_steps_back_for_ever(make):
    """Both are busy, both are polite, and nothing is ever done: all cores at 100 %, and no request is answered."""
    eaten = []
    return diners(make(4), (1, 2), eaten), lambda: make.expect(sorted(eaten), [1, 2])


@scenario(level=1, kills=["w04"], schedules=40, max_steps=STEPS, race_timeouts=False)
def who_waits_sleeps(make):
    """The meal takes 8 seconds, and beside it a core is burnt."""
    table, clock, told = make(4), make.clock(), []

    def slow():
        table.dine(0, lambda: clock.sleep(8))

    def neighbour():
        clock.sleep(4)
        table.dine(1, lambda: told.append(clock.monotonic()))

    return {"seat 0": slow, "seat 1": neighbour}, lambda: make.expect(told, [8])


@scenario(level=1, kills=["w05"], schedules=20, max_steps=STEPS)
def who_is_no_neighbour_may_eat_too(make):
    """A table for a hundred at which one eats at a time."""
    table, meeting, told = make(4), threading.Barrier(2), []

    def dine(seat):
        table.dine(seat, meeting.wait)
        told.append(seat)

    return {"seat 0": lambda: dine(0), "seat 2": lambda: dine(2)}, lambda: make.expect(sorted(told), [0, 2])


@scenario(level=1, kills=["w06"], schedules=20, max_steps=STEPS)
def forks_are_free_after_an_exception(make):
    """One request fails, and its neighbours wait for ever."""
    table, told = make(3), []

    def choke():
        raise Down

    def first():
        told.append(caught(table.dine, 0, choke))

    def then():
        told.append(table.dine(1, lambda: "eaten"))

    return {"seat 0": first, "seat 1": then}, lambda: make.expect(sorted(told), ["Down", "eaten"])


@scenario(level=1, schedules=1)
def seats_that_are_not_there_are_refused(make):
    """A seat -1 that quietly takes the forks of another."""
    told = []

    def alone():
        for size in (1, 0):
            told.append(make.outcome(make, size))
        for seat in (-1, 3):
            told.append(make.outcome(make(3).dine, seat, list))

    return {"alone": alone}, lambda: make.expect(told, ["ValueError"] * 4)


def who_gave_up(make, eater, other):
    """Seat `eater` eats for 8 seconds, seat 1 gives up after 2, and then the neighbour on its other side wants to eat."""
    table, clock, told = make(4), make.clock(), []

    def slow():
        table.dine(eater, lambda: clock.sleep(8))

    def giving_up():
        clock.sleep(1)
        told.extend([table.try_dine(1, lambda: told.append("eaten"), timeout=2), clock.monotonic()])

    def neighbour():
        clock.sleep(4)
        table.dine(other, lambda: told.append(clock.monotonic()))

    bodies = {f"seat {eater}": slow, "seat 1": giving_up, f"seat {other}": neighbour}
    return bodies, lambda: make.expect(told, [False, 3, 4])


@scenario(level=2, kills=["w07"], schedules=20, max_steps=STEPS, race_timeouts=False)
def who_gives_up_leaves_both_forks(make):
    """Half of what he needed is blocked by somebody who has long gone."""
    return who_gave_up(make, eater=2, other=0)


@scenario(level=2, schedules=20, max_steps=STEPS, race_timeouts=False)
def who_gives_up_leaves_both_forks_on_either_side(make):
    """The same, seen from the other neighbour."""
    return who_gave_up(make, eater=0, other=2)


@scenario(level=2, kills=["w08"], schedules=20, max_steps=STEPS, race_timeouts=False)
def one_deadline_for_both_forks(make):
    """A caller who promised an answer in 3 seconds gives it after 5."""
    table, clock, told = make(4), make.clock(), []

    def patient():
        clock.sleep(1)
        told.extend([table.try_dine(1, lambda: None, timeout=2.5), clock.monotonic()])

    bodies = {
        "seat 0": lambda: table.dine(0, lambda: clock.sleep(3)),
        "seat 2": lambda: table.dine(2, lambda: clock.sleep(9)),
        "seat 1": patient,
    }
    return bodies, lambda: make.expect(told, [False, 3.5])


@scenario(level=2, schedules=20, max_steps=STEPS, race_timeouts=False)
def who_gets_them_in_time_eats(make):
    """The forks come back in time, also from one who chokes."""
    table, clock, told = make(4), make.clock(), []

    def choke():
        clock.sleep(2)
        raise TimeoutError

    def first():
        told.append(make.outcome(table.try_dine, 4, list, timeout=0))
        told.append(make.outcome(table.try_dine, 0, choke, timeout=0))

    def then():
        clock.sleep(1)
        told.append(table.try_dine(1, lambda: told.append("eaten"), timeout=0))
        told.append(table.try_dine(1, lambda: told.append("eaten"), timeout=4))

    def invariant():
        return make.expect([sorted(map(str, told)), told[1]], [["False", "TimeoutError", "True", "ValueError", "eaten"], False])

    return {"seat 0": first, "seat 1": then}, invariant
