"""Cars that fail and come back at bad moments: everybody is delivered all the same."""

import json

import pytest

from elevator.helpers import DISPATCHERS, TIMING, Judge, building
from lldkit.elevator import (
    Building,
    Car,
    DestinationDispatch,
    Look,
    Motion,
    Observation,
    OutOfService,
    Recall,
    Restored,
    Run,
    Traffic,
    Transfer,
    simulate,
)

MOTION = Motion(floor_height_m=3.3, speed=2.5, acceleration=0.8, jerk=1.0, open_seconds=2.0, close_seconds=2.5)


def opened(run: Run, car: int) -> list[int]:
    events = [json.loads(line) for line in run.log.splitlines()]
    return [event["floor"] for event in events if event["event"] == "open" and event["car"] == car]


def test_two_who_came_together_and_were_promised_one_car_after_the_other_failed_arrive() -> None:
    """Both ask at 0 s; the first was promised the car that fails, so the other one is before them in the next car."""
    cars = [Car(capacity=1, timing=MOTION, transfer=Transfer.fixed(1.0)), Car(capacity=1, timing=TIMING)]
    house = Building(floors=3, cars=cars)
    people = Traffic.trace([(0.0, 0, 1), (0.0, 2, 0), (0.0, 2, 1)])
    faults: list[tuple[float, Observation]] = [(1.0, OutOfService(1)), (151.0, Restored(0)), (151.0, Restored(1))]
    run = simulate(house, people, DestinationDispatch(), seed=0, record=True, max_events=1000, faults=faults)
    Judge(house, kiosk=True).read(run.log.splitlines())
    assert run.delivered == 3
    assert all(person.alighted is not None and person.alighted < 100.0 for person in run.passengers)


def test_who_came_first_rides_first_also_in_the_car_that_was_promised_later() -> None:
    """Nobody opens for nobody: the hall and the car agree on whose turn it is."""
    house = building(floors=3, cars=2, capacity=1)
    people = Traffic.trace([(0.0, 0, 1), (0.1, 2, 0), (0.2, 2, 1)])
    run = simulate(house, people, DestinationDispatch(), seed=0, record=True, faults=[(1.0, OutOfService(1))])
    assert run.delivered == 3
    assert opened(run, 0) == [0, 1, 2, 0, 2, 1]


@pytest.mark.parametrize("back", [1.2, 150.0])
@pytest.mark.parametrize("at", [17.5, 18.5, 19.5, 20.5, 21.5])
def test_who_stands_at_the_doors_of_a_car_that_fails_is_fetched(at: float, back: float) -> None:
    """It opens at 18 s; one gets out until 19 s, then the other one steps in until 20 s."""
    house = building(floors=5, capacity=1)
    people = Traffic.trace([(0.0, 0, 2), (0.0, 2, 4)])
    faults: list[tuple[float, Observation]] = [(at, OutOfService(0)), (at + back, Restored(0))]
    run = simulate(house, people, DestinationDispatch(), seed=0, record=True, max_events=1000, faults=faults)
    Judge(house, kiosk=True).read(run.log.splitlines())
    assert run.delivered == 2, run.log.decode()


@pytest.mark.parametrize("back", [0.5, 3.0, 8.0, 20.0])
@pytest.mark.parametrize("dispatcher", [Look(), DestinationDispatch()])
def test_riders_of_a_car_that_is_back_at_once_ride_on(dispatcher: Look | DestinationDispatch, back: float) -> None:
    house = building(floors=5, capacity=1)
    people = Traffic.trace([(0.0, 0, 4), (0.0, 2, 0), (30.0, 1, 3)])
    faults: list[tuple[float, Observation]] = [(10.0, OutOfService(0)), (10.0 + back, Restored(0))]
    run = simulate(house, people, dispatcher, seed=0, record=True, max_events=1000, faults=faults)
    Judge(house).read(run.log.splitlines())
    assert run.delivered == 3, run.log.decode()


@pytest.mark.parametrize("name", DISPATCHERS)
def test_a_fire_alarm_that_ends_while_doors_open_lets_them_open_and_close(name: str) -> None:
    house = building(floors=3)
    run = simulate(
        house,
        Traffic.trace([(0.0, 0, 2)]),
        DISPATCHERS[name](),
        seed=0,
        record=True,
        max_events=1000,
        faults=[(0.0, Recall(0)), (1.0, Restored(0))],
    )
    Judge(house).read(run.log.splitlines())
    assert run.delivered == 1
