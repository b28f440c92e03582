"""What holds of every run, whoever dispatches: judged from the log alone, over random buildings and people."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elevator.helpers import DISPATCHERS, TIMING, Judge
from lldkit.elevator import (
    Building,
    Car,
    DoorsHeld,
    Input,
    Motion,
    Observation,
    OutOfService,
    Passenger,
    Recall,
    Restored,
    Run,
    Timing,
    Traffic,
    Transfer,
    controller,
    simulate,
    step,
)
from lldkit.elevator.moves import Commands
from lldkit.elevator.plant import Plant
from lldkit.elevator.state import PlanFor, State

MOTION = Motion(floor_height_m=3.3, speed=2.5, acceleration=0.8, jerk=1.0, open_seconds=2.0, close_seconds=2.5)


@st.composite
def buildings(draw: st.DrawFn) -> Building:
    floors = draw(st.integers(2, 8))
    cars = []
    for _ in range(draw(st.integers(1, 3))):
        timing: Timing | Motion = TIMING if draw(st.booleans()) else MOTION
        served = draw(st.none() | st.sets(st.integers(0, floors - 1), min_size=2).map(frozenset))
        start = draw(st.sampled_from(sorted(served or range(floors))))
        cars.append(
            Car(
                capacity=draw(st.integers(1, 4)),
                timing=timing,
                transfer=Transfer.fixed(1.0),
                serves=served,
                start=start,
            )
        )
    cars.append(Car(capacity=draw(st.integers(1, 4)), timing=TIMING))  # one that serves all floors
    return Building(floors=floors, cars=cars)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Building, Traffic]:
    house = draw(buildings())
    floors = st.integers(0, house.floors - 1)
    person = st.tuples(st.floats(0, 400).map(lambda at: round(at, 1)), floors, floors).filter(lambda p: p[1] != p[2])
    return house, Traffic.trace(draw(st.lists(person, max_size=25)))


def judged(house: Building, run: Run, name: str, **options: Any) -> Judge:
    judge = Judge(house, kiosk=name == "destination", **options).read(run.log.splitlines())
    for person in run.passengers:
        seen = judge.people[person.id]
        assert (seen["t"], seen.get("boarded"), seen.get("alighted")) == (
            person.arrived,
            person.boarded,
            person.alighted,
        )
        if person.boarded is not None and person.alighted is not None:
            assert person.arrived <= person.boarded <= person.alighted
    return judge


@pytest.mark.parametrize("name", DISPATCHERS)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_everybody_arrives_and_no_car_breaks_a_rule(name: str, case: tuple[Building, Traffic]) -> None:
    house, traffic = case
    run = simulate(house, traffic, DISPATCHERS[name](), seed=0, record=True, max_events=20_000)
    # Who finds a car that does not serve their floor lets it go: only then somebody stops for nobody.
    alike = all(car.serves is None for car in house.cars)
    judged(house, run, name, vain_stops=not alike)
    assert run.delivered == run.arrived == len(run.passengers)
    assert (run.abandoned, run.in_system) == (0, 0)


@pytest.mark.parametrize("name", DISPATCHERS)
@settings(max_examples=10, deadline=None)
@given(case=cases(), data=st.data())
def test_faults_lose_nobody(name: str, case: tuple[Building, Traffic], data: st.DataObject) -> None:
    house, traffic = case
    car = data.draw(st.integers(0, len(house.cars) - 1))
    at = data.draw(st.floats(0, 300))
    kinds: list[Observation] = [OutOfService(car), DoorsHeld(car, 40.0), Recall(0)]
    what = data.draw(st.sampled_from(kinds))
    away = data.draw(st.floats(0, 200))
    back = [(at + away, Restored(number)) for number in range(len(house.cars))]
    faults = [(at, what), *(back if not isinstance(what, DoorsHeld) else [])]
    run = simulate(house, traffic, DISPATCHERS[name](), seed=0, record=True, max_events=20_000, faults=faults)
    Judge(house, kiosk=name == "destination", vain_stops=True).read(run.log.splitlines())
    assert run.delivered == run.arrived, run.log.decode()


def first_in_line(run: Run, person: Passenger) -> float:
    """When they began to step in who went in just before somebody: whose turn is near does not turn away."""
    beside = [p for p in run.passengers if (p.car, p.origin) == (person.car, person.origin)]
    first = person.boarded or 0.0
    for at in sorted([p.boarded for p in beside if p.boarded is not None], reverse=True):
        if at <= first <= at + Transfer().high:
            first = at
    return first


@pytest.mark.parametrize("name", ["lqf", "destination"])
@settings(max_examples=25, deadline=None)
@given(case=cases(), patience=st.floats(1, 60))
def test_the_impatient_are_counted(name: str, case: tuple[Building, Traffic], patience: float) -> None:
    house, traffic = case
    run = simulate(house, traffic, DISPATCHERS[name](), seed=0, record=True, patience_seconds=patience)
    judged(house, run, name, vain_stops=True)
    assert run.delivered + run.abandoned == run.arrived
    for person in run.passengers:
        if person.boarded is not None:
            assert first_in_line(run, person) <= person.arrived + patience + 1e-9


@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_who_presses_both_buttons_or_the_wrong_one_arrives(case: tuple[Building, Traffic]) -> None:
    house, traffic = case
    odd = traffic.with_manners(both=0.4, wrong=0.4)
    run = simulate(house, odd, DISPATCHERS["look"](), seed=3, record=True, max_events=20_000)
    judged(house, run, "look", vain_stops=True)
    assert run.delivered == run.arrived


@settings(max_examples=30, deadline=None)
@given(case=cases(), name=st.sampled_from(["lqf", "look-ahead", "destination"]))
def test_after_every_event_everybody_is_somewhere(case: tuple[Building, Traffic], name: str) -> None:
    house, traffic = case
    run_one = Plant._let_in

    def counted(plant: Plant, car: Any) -> None:
        run_one(plant, car)
        assert plant.arrived + 1 >= plant.waiting + plant.riding + plant.delivered + plant.abandoned >= plant.arrived
        assert plant.waiting == sum(map(len, plant.queues.values()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plant, "_let_in", counted)
        simulate(house, traffic, DISPATCHERS[name](), seed=0)


@settings(max_examples=20, deadline=None)
@given(case=cases(), name=st.sampled_from(["lqf", "look-ahead", "destination"]), at=st.floats(0, 300))
def test_a_step_leaves_the_state_that_it_was_given_as_it_was(
    name: str, case: tuple[Building, Traffic], at: float
) -> None:
    """Other threads may be reading it: the shell steps outside its lock."""

    def watched(state: State, event: Input, plan_for: PlanFor) -> tuple[State, Commands]:
        before = repr(state)
        result = step(state, event, plan_for)
        assert repr(state) == before
        return result

    house, traffic = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controller, "step", watched)
        simulate(
            house, traffic, DISPATCHERS[name](), seed=0, faults=[(at, Recall(0)), (at + 60, Restored(0))], hours=0.2
        )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(sorted(DISPATCHERS)))
def test_no_car_flies_slower_when_it_may_fly_faster_but_hops_stay_as_they_are(seed: int, name: str) -> None:
    assert seed >= 0
    slow = Motion(floor_height_m=3.0, speed=2.5, acceleration=1.0, jerk=1.0, open_seconds=2.0, close_seconds=2.0)
    fast = Motion(floor_height_m=3.0, speed=9.0, acceleration=1.0, jerk=1.0, open_seconds=2.0, close_seconds=2.0)
    hop = Traffic.trace([(0.0, 0, 1)])
    times = []
    for motion in (slow, fast):
        house = Building(floors=2, cars=[Car(capacity=1, timing=motion, transfer=Transfer.fixed(1.0))])
        (person,) = simulate(house, hop, DISPATCHERS[name](), seed=seed).passengers
        times.append(person.alighted)
    assert times[0] == times[1]
