"""What look-ahead imagines, by hand, and what it does for it: take a call away, pass a caller, stand apart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from elevator.helpers import TIMING, building
from lldkit.elevator import (
    Building,
    Car,
    CarView,
    Direction,
    GroupView,
    HallCall,
    LookAhead,
    OracleView,
    Phase,
    Transfer,
)
from lldkit.elevator.rollout import LOST, Rollout

UP, DOWN = Direction
IDLE, MOVING, STOPPING, OPEN = Phase
NOW = 100.0


def car(number: int, floor: int, phase: Phase = IDLE, **known: Any) -> CarView:
    fields: dict[str, Any] = {
        "direction": UP,
        "load": 0,
        "capacity": 3,
        "car_calls": frozenset(),
        "next_floor": floor,
        "next_seconds": 0.0,
        "heading": None,
        "in_service": True,
    }
    return CarView(id=number, floor=floor, phase=phase, **{**fields, **known})


def call(floor: int, direction: Direction = DOWN, age: float = 0.0) -> HallCall:
    return HallCall(floor, direction, NOW - age)


def view(
    cars: list[CarView],
    calls: list[HallCall],
    deciding: int | None = None,
    rates: Mapping[tuple[int, Direction], float] | None = None,
) -> GroupView:
    oldest_first = tuple(sorted(calls, key=lambda call: call.since))
    return GroupView(NOW, building(cars=len(cars)), tuple(cars), oldest_first, rates or {}, deciding)


def patient(wait: float) -> float:
    """What one person costs who waits so long in all."""
    return wait**2 * (1 + (wait / 200.0) ** 2)


def cost(seen: GroupView, heads: dict[int, int] | None = None, passing: int | None = None) -> float:
    return Rollout(seen).cost(heads or {}, passing=passing)[0]


def test_an_idle_car_fetches_a_caller() -> None:
    # 3 floors of 2 s, a turn of 1 s, 6 s to open: 13 s after 10 s
    seen = view([car(0, 0)], [call(3, age=10.0)])
    costs, answered = Rollout(seen).cost({})
    assert costs == pytest.approx(patient(23.0))
    assert answered == {0: 0}


def test_those_who_join_a_queue_wait_less() -> None:
    # Doors open in 6 s for a call of 10 s; one in 5 s joined and joins: the squares of 16 s ... 0 s, five a second
    seen = view([car(0, 3, direction=DOWN)], [call(3, age=10.0)], rates={(3, DOWN): 0.2})
    assert cost(seen) == pytest.approx(patient(16.0) + 0.2 * 16.0**3 / 3)


def test_queues_that_are_known_are_not_guessed() -> None:
    seen = view([car(0, 3, direction=DOWN)], [call(3, age=10.0)], rates={(3, DOWN): 0.2})
    fields = (seen.now, seen.building, seen.cars, seen.hall_calls, seen.rates)
    alone = OracleView(*fields, queues={(3, DOWN): 1})
    assert cost(alone) == pytest.approx(patient(16.0) + 0.2 * 6.0**3 / 3)


def test_a_car_with_riders_picks_up_on_its_way_and_brings_them_first_when_it_is_full() -> None:
    # From 5 to the call at 3: 2 floors, 4 s, and 6 s to open.
    calls = [call(3)]
    down = car(0, 5, MOVING, direction=DOWN, load=1, car_calls=frozenset({0}))
    assert cost(view([down], calls)) == pytest.approx(patient(10.0))
    # Full: 5 floors, 10 s; 6 s to open, 3 get out in 3 s, 2 s to close; 1 s to turn, 3 floors, 6 s; 1 s, 6 s to open.
    full = down._replace(load=3)
    assert cost(view([full], calls)) == pytest.approx(patient(35.0))


def test_riders_behind_a_car_are_brought_after_it_has_turned() -> None:
    # 1 s to turn, 1 floor, 2 s; 6 s to open, 1 s out, and the call is there: it waits 9 s, for the doors are open.
    seen = view([car(0, 3, OPEN, load=1, car_calls=frozenset({2}))], [call(2)])
    assert cost(seen) == pytest.approx(patient(2.0 + 1.0 + 2.0 + 6.0 + 1.0))


def test_a_car_that_opens_for_a_caller_goes_to_the_lobby_with_one_more() -> None:
    # Open in 4 s, 1 s in, 2 s to close; 4 floors down in 8 s, 6 s, 1 s out, 2 s; then up to 5: 1 + 10 + 1 + 6 s.
    stops = car(0, 4, STOPPING, direction=DOWN, next_seconds=4.0, heading=call(4))
    assert cost(view([stops], [call(5)])) == pytest.approx(patient(42.0))
    opened = stops._replace(phase=OPEN)
    assert cost(view([opened], [call(5)])) == pytest.approx(patient(42.0))
    for_riders = stops._replace(heading=None)  # empty when the doors have closed: 6 s, a turn, a floor, a turn, 6 s
    assert cost(view([for_riders], [call(5)])) == pytest.approx(patient(16.0))


def test_the_best_of_three_rules_counts() -> None:
    # Callers at 1 and 5, alike old. The highest first: 5 at 10 + 1 + 6 = 17 s; 1 s in, 2 s, 4 floors, 6 s: 1 at 34 s.
    seen = view([car(0, 0)], [call(1), call(5)])
    assert cost(seen) == pytest.approx(patient(17.0) + patient(34.0))
    # The oldest first: 1 at 2 + 1 + 6 = 9 s; 1 s, 2 s, to the lobby, 2 + 6 + 1 + 2 s; 1 + 10 + 1 + 6 s: 5 at 41 s.
    seen = view([car(0, 0)], [call(1, age=200.0), call(5)])
    assert cost(seen) == pytest.approx(patient(209.0) + patient(41.0))


def test_whom_nobody_answers_waits_very_long() -> None:
    seen = view([car(0, 0, in_service=False)], [call(3)])
    costs, answered = Rollout(seen).cost({})
    assert costs == pytest.approx(patient(LOST))
    assert answered == {}
    assert LookAhead().plan(seen).targets == {}


def test_a_car_is_not_imagined_where_it_does_not_stop() -> None:
    low = Car(capacity=3, timing=TIMING, transfer=Transfer.fixed(1.0), serves=frozenset({0, 1, 2}))
    house = Building(floors=6, cars=[low, replace(low, serves=None)])
    near = car(0, 2, direction=DOWN)
    seen = replace(view([near, car(1, 0)], [call(3)]), building=house)
    costs, answered = Rollout(seen).cost({})
    assert costs == pytest.approx(patient(13.0))
    assert answered == {0: 1}
    # On its way down from 5 the low one stops at 2, not at 3: doors open there in 6 + 6 s; at 3, the other's, in 13 s
    riding = car(0, 5, MOVING, direction=DOWN, load=1, car_calls=frozenset({0}))
    seen = replace(view([riding, car(1, 0)], [call(3), call(2)]), building=house)
    assert Rollout(seen).cost({})[0] == pytest.approx(patient(13.0) + patient(12.0))


def test_of_cars_that_are_alike_the_first_one_keeps_the_call() -> None:
    plan = LookAhead(park=False).plan(view([car(0, 0), car(1, 0)], [call(3)]))
    assert plan.targets == {0: (call(3),)}


def test_a_car_that_comes_free_nearby_takes_a_call_away() -> None:
    far = car(0, 1, MOVING, next_floor=2, next_seconds=2.0, heading=call(5))
    near = car(1, 4, MOVING)
    plan = LookAhead(park=False).plan(view([far, near], [call(5)], deciding=1))
    assert plan.targets == {1: (call(5),)}
    alone = LookAhead(park=False).plan(view([far, near._replace(floor=0, next_floor=0)], [call(5)], deciding=1))
    assert alone.targets == {0: (call(5),)}


@pytest.mark.parametrize(("age", "stops"), [(20.0, False), (0.0, True)])
def test_a_car_passes_a_caller_for_an_older_one_below_while_another_is_near(age: float, stops: bool) -> None:
    here = call(4)
    riding = car(0, 4, MOVING, direction=DOWN, load=1, car_calls=frozenset({0}))
    near = car(1, 5 if not stops else 0, direction=DOWN)
    plan = LookAhead().plan(view([riding, near], [here, call(1, age=age)], deciding=0))
    assert plan.pick_up == (frozenset({(0, here)}) if stops else frozenset())


def test_idle_cars_stand_as_high_in_their_shares_as_people_go_down() -> None:
    cars = [car(0, 0), car(1, 0)]
    leaving = {(floor, DOWN): 0.1 for floor in range(1, 6)}
    assert LookAhead().plan(view([*cars, car(2, 0)], [], rates=leaving)).park == {0: 2, 1: 4, 2: 5}
    assert LookAhead().plan(view(cars, [], rates={(0, UP): 0.1})).park == {0: 0, 1: 0}
    assert LookAhead().plan(view(cars, [])).park == {0: 0, 1: 2}
    assert LookAhead(park=False).plan(view(cars, [], rates=leaving)).park == {}
