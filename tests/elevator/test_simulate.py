"""Runs as a whole: equal bytes, equal people, saturation, starvation, and what a kiosk changes."""

import gc
import hashlib
import os
import subprocess
import sys
import tracemalloc

import pytest

from elevator.helpers import DISPATCHERS, building
from lldkit.elevator import (
    Building,
    Car,
    DestinationDispatch,
    GroupView,
    LongestQueueFirst,
    LookAhead,
    NoCarServes,
    Passenger,
    Plan,
    PlanInvalid,
    RunFailed,
    SaturatedRun,
    Timing,
    Traffic,
    crites_barto,
    simulate,
)
from lldkit.elevator.candidates import can_answer, wanting

BED = crites_barto(), Traffic.crites_barto()


def digest(name: str) -> str:
    run = simulate(*BED, DISPATCHERS[name](), hours=0.5, seed=5, record=True)
    return hashlib.sha256(run.log).hexdigest()


@pytest.mark.parametrize("name", ["lqf", "look-ahead", "destination"])
def test_a_seed_gives_the_same_bytes_under_every_hash_seed(name: str) -> None:
    here = digest(name)
    script = f"from elevator.test_simulate import digest; print(digest({name!r}))"
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": os.pathsep.join([*sys.path])}
    there = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here
    assert digest(name) == here


def test_all_dispatchers_see_the_same_people_who_are_as_slow_under_each() -> None:
    runs = [simulate(*BED, DISPATCHERS[name](), hours=0.5, seed=9) for name in ("lqf", "fcfs", "destination")]
    came = [[(p.arrived, p.origin, p.destination) for p in run.passengers] for run in runs]
    assert came[0] == came[1] == came[2]
    alone = Traffic.trace([(0.0, 0, 3)])
    house = Building(floors=4, cars=[Car(capacity=1, timing=Timing(floor_seconds=1, stop_seconds=4))])
    rides = {name: simulate(house, alone, DISPATCHERS[name](), seed=9).transit.mean for name in DISPATCHERS}
    assert len(set(rides.values())) == 1


def test_a_ride_by_hand() -> None:
    # Pressed at 10; 3 floors, 6 s; 1 s to turn, 6 s to open: boards at 23. 1 s in, 2 s to leave, 3 floors, 6 s, 1 s out
    run = simulate(building(), Traffic.trace([(10.0, 3, 0)]), DISPATCHERS["look"](), seed=0)
    assert list(run.passengers) == [Passenger(0, 10.0, 3, 0, 23.0, 39.0, 0)]
    assert (run.stops, run.floors_travelled, run.delivered) == (2, 6, 1)
    assert (run.wait.mean, run.transit.mean, run.journey.mean) == (13.0, 16.0, 29.0)


def test_littles_law_holds() -> None:
    law = simulate(*BED, LongestQueueFirst(), hours=30, seed=2, warmup_seconds=600).littles_law
    assert pytest.approx(law.rate * law.W, rel=0.01) == law.L


def test_of_an_overloaded_run_only_counts_can_be_read() -> None:
    traffic = Traffic.down_peak(percent_per_5min=40.0, people=1000)
    run = simulate(crites_barto(), traffic, LongestQueueFirst(), hours=1, seed=1)
    assert run.saturated
    assert run.arrived == run.delivered + run.in_system
    for read in ("wait", "transit", "journey", "littles_law"):
        with pytest.raises(SaturatedRun, match="ever more waited"):
            getattr(run, read)
    with pytest.raises(SaturatedRun):
        run.percent_wait_over(60)


def test_a_busy_run_is_not_taken_for_an_overloaded_one() -> None:
    assert not simulate(*BED, LongestQueueFirst(), hours=1, seed=1).saturated


class Chase:
    """Each empty car heads for the nearest call."""

    def plan(self, view: GroupView) -> Plan:
        targets, cars = wanting(view)
        for car in cars:
            calls = [
                call for call in view.hall_calls if can_answer(view, car, call) and (call,) not in targets.values()
            ]
            if calls:
                targets[car.id] = (min(calls, key=lambda call: abs(call.floor - car.floor)),)
        return Plan(targets, pick_up="own")


def endless_below(seconds: int) -> Traffic:
    low = [(at, 1 + at // 4 % 2, 2 - at // 4 % 2) for at in range(0, seconds, 4)]
    return Traffic.trace([*low, (10.0, 9, 0)])


def longest_wait_of_the_caller_at_the_top(dispatcher: object) -> float | None:
    house = building(floors=10, cars=1, capacity=20)
    run = simulate(house, endless_below(1500), dispatcher, hours=1500 / 3600, seed=0)  # type: ignore[arg-type]
    (top,) = (person for person in run.passengers if person.origin == 9)
    return None if top.boarded is None else top.boarded - top.arrived


@pytest.mark.parametrize("name", ["look", "lqf", "eta", "look-ahead", "destination"])
def test_a_caller_at_the_top_is_served_beside_endless_traffic_below(name: str) -> None:
    wait = longest_wait_of_the_caller_at_the_top(DISPATCHERS[name]())
    assert wait is not None
    assert wait <= 300.0


def test_chasing_the_nearest_call_starves_the_caller_at_the_top() -> None:
    assert longest_wait_of_the_caller_at_the_top(Chase()) is None
    chased, served = (simulate(*BED, d, hours=6, seed=0) for d in (Chase(), DISPATCHERS["fcfs"]()))
    assert chased.passengers[-1].id == served.passengers[-1].id
    worst = max((p.boarded or chased.seconds) - p.arrived for p in chased.passengers)
    assert worst > 1500.0
    assert chased.wait.mean_square > 1.5 * served.wait.mean_square


def test_a_kiosk_carries_more_in_an_up_peak_and_makes_people_wait_longer_at_night() -> None:
    timing = Timing(floor_seconds=1.45, stop_seconds=7.19, turn_seconds=1.0)
    house = Building(floors=20, cars=[Car(capacity=24, timing=timing)] * 8)

    class Home(LongestQueueFirst):
        def plan(self, view: GroupView) -> Plan:
            return Plan(super().plan(view).targets, park={car.id: 0 for car in view.cars})

    rush = Traffic.up_peak(percent_per_5min=45.0, people=1000)
    runs = [simulate(house, rush, d, hours=1, seed=3, warmup_seconds=900) for d in (Home(), DestinationDispatch())]
    collective, kiosk = (run.handling_capacity for run in runs)
    assert kiosk >= 1.3 * collective
    night = Traffic.mix(incoming=0.4, outgoing=0.4, interfloor=0.2, percent_per_5min=2.0, people=1000)
    waits = [simulate(house, night, d, hours=2, seed=3).wait.mean for d in (LongestQueueFirst(), DestinationDispatch())]
    assert waits[1] > waits[0]


class Raises:
    def plan(self, view: GroupView) -> Plan:
        raise LookupError("no idea")


def test_a_dispatcher_that_raises_fails_the_run_with_seed_and_time() -> None:
    with pytest.raises(RunFailed, match=r"the run with seed 3 failed after \d+\.\d{3} s: LookupError: no idea"):
        simulate(*BED, Raises(), hours=0.2, seed=3)


@pytest.mark.parametrize(
    ("rule", "plan"),
    [
        ("there is no such car", lambda call: Plan({9: (call,)})),
        ("a call is named twice", lambda call: Plan({0: (call,), 1: (call,)})),
        ("the call is gone, or never was", lambda call: Plan({0: (call._replace(floor=1),)})),
        ("the car cannot answer this call", lambda call: Plan({1: (call,)})),
        ("there is no such car to park", lambda _: Plan({}, park={7: 0})),
        ("the car cannot park at floor 5", lambda _: Plan({}, park={1: 5})),
    ],
)
def test_a_plan_that_breaks_a_rule_is_named(rule: str, plan: object) -> None:
    class Wrong:
        def plan(self, view: GroupView) -> Plan:
            made: Plan = plan(view.hall_calls[0])  # type: ignore[operator]
            return made

    cars = [
        Car(capacity=1, timing=crites_barto().cars[0].timing, serves=served) for served in (None, frozenset({0, 1}))
    ]
    if rule == "a call is named twice":
        cars = [cars[0], cars[0]]
    with pytest.raises(PlanInvalid, match=rule) as caught:
        simulate(Building(floors=6, cars=cars), Traffic.trace([(0.0, 5, 0)]), Wrong(), seed=0)
    assert caught.value.rule == rule


def test_nonsense_is_refused_before_anything_runs() -> None:
    house = building()
    with pytest.raises(ValueError, match="has no end"):
        simulate(*BED, LongestQueueFirst(), seed=1)
    with pytest.raises(ValueError, match="warmup_seconds must be less"):
        simulate(*BED, LongestQueueFirst(), hours=1, warmup_seconds=3600, seed=1)
    with pytest.raises(ValueError, match="origin and destination must differ"):
        simulate(house, Traffic.trace([(0.0, 1, 1)]), LongestQueueFirst(), seed=1)
    with pytest.raises(ValueError, match="destination of a passenger must be from 0 to 5"):
        simulate(house, Traffic.trace([(0.0, 1, 6)]), LongestQueueFirst(), seed=1)
    with pytest.raises(NoCarServes):
        simulate(building(serves=frozenset({0, 1})), Traffic.trace([(0.0, 0, 5)]), LongestQueueFirst(), seed=1)
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        building(capacity=0)
    with pytest.raises(RunFailed, match="more than 10 events"):
        simulate(*BED, LongestQueueFirst(), hours=1, seed=1, max_events=10)


def test_a_run_that_saw_queues_says_so() -> None:
    run = simulate(*BED, LookAhead(), hours=0.5, seed=1, oracle=True)
    assert run.oracle
    assert not simulate(*BED, LookAhead(), hours=0.5, seed=1).oracle


def test_parking_is_counted() -> None:
    parked, idle = (simulate(*BED, LookAhead(park=park), hours=1, seed=1) for park in (True, False))
    assert parked.parked > 0
    assert idle.parked == 0
    assert parked.wait.mean < idle.wait.mean


def test_a_finished_run_keeps_few_bytes_for_each_passenger() -> None:
    tracemalloc.start()
    run = simulate(*BED, LongestQueueFirst(), hours=4, seed=1)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert run.log == b""
    assert kept / run.arrived <= 200
