"""One run: a building, its people and a dispatcher in simulated time."""

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import fields

from lldkit.arguments import check_count, check_number
from lldkit.elevator.building import Building
from lldkit.elevator.controller import GroupController
from lldkit.elevator.interface import Dispatcher, ElevatorError, GroupView, Observation, OracleView, Recall, RunFailed
from lldkit.elevator.plant import NEVER, Plant
from lldkit.elevator.shuttle import PlantClock
from lldkit.elevator.statistics import Passengers, Run
from lldkit.elevator.traffic import Traffic

__all__ = ["simulate"]

QUARTERS = (0.25, 0.5, 0.75, 1.0)


def simulate(
    building: Building,
    traffic: Traffic,
    dispatcher: Dispatcher,
    *,
    hours: float | None = None,
    seed: int,
    warmup_seconds: float = 0.0,
    faults: Sequence[tuple[float, Observation]] = (),
    patience_seconds: float | None = None,
    oracle: bool = False,
    record: bool = False,
    max_events: int | None = 50_000_000,
) -> Run:
    """Play `hours` of traffic (None: until a trace has been carried) with a copy of `dispatcher`.

    The same seed gives the same people, who take the same time to step in and out, for every dispatcher. `faults` are
    (seconds, observation). `patience_seconds`: who has waited so long leaves. With `oracle` the dispatcher sees queues,
    and the run says so. `record` keeps a log: JSON lines, one per event, in order of time.

    Raises `PlanInvalid` for a plan that breaks a rule, `RunFailed` with seed and time for what a dispatcher raises or
    for more than `max_events`, `NoCarServes` for people whom no car could carry.
    """
    seconds = _seconds(traffic, hours, warmup_seconds)
    if patience_seconds is not None:
        check_number("patience_seconds", patience_seconds, above=0.0)
    _check_faults(building, faults)
    people = traffic.arrivals(building, seed=seed, seconds=seconds)
    clock, log = PlantClock(), list[tuple[float, str]]()
    kiosk = bool(getattr(dispatcher, "needs_destinations", False))

    def with_queues(view: GroupView) -> GroupView:
        known = {field.name: getattr(view, field.name) for field in fields(view)}
        return OracleView(**known, queues={place: len(queue) for place, queue in plant.queues.items()})

    group = GroupController(
        building,
        dispatcher=copy.deepcopy(dispatcher),
        destination=kiosk,
        strict=True,
        plan_seconds=None,
        clock=clock,
        look_at=with_queues if oracle else None,
    )
    plant = Plant(
        building,
        group,
        clock,
        people,
        seed=seed,
        kiosk=kiosk,
        manners=traffic.manners,
        patience=patience_seconds,
        faults=faults,
        log=log if record else None,
    )
    backlog = _play(plant, seconds, warmup_seconds, seed, max_events)
    return _run(plant, backlog, log, seed=seed, warmup_seconds=warmup_seconds, oracle=oracle)


def _run(
    plant: Plant,
    backlog: tuple[int, ...],
    log: list[tuple[float, str]],
    *,
    seed: int,
    warmup_seconds: float,
    oracle: bool,
) -> Run:
    """What a plant that has stopped leaves."""
    here, now = plant.arrived, plant.clock.seconds
    alighted = [at if at <= now else NEVER for at in plant.alighted[:here]]
    return Run(
        seed=seed,
        seconds=now,
        warmup_seconds=warmup_seconds,
        passengers=Passengers(plant.people[:here], plant.boarded[:here], alighted, plant.car_of[:here]),
        arrived=here,
        delivered=plant.delivered,
        abandoned=plant.abandoned,
        in_system=plant.waiting + plant.riding,
        stops=plant.stops,
        floors_travelled=plant.floors_travelled,
        parked=plant.parked,
        event_count=plant.event_count,
        backlog=backlog,
        person_seconds=plant.person_seconds,
        places=sum(car.capacity for car in plant.building.cars),
        oracle=oracle,
        log=_log(log),
    )


def _seconds(traffic: Traffic, hours: float | None, warmup_seconds: float) -> float:
    if hours is None and not traffic.ends:
        raise ValueError(f"{traffic!r} has no end; say for how many hours")
    seconds = math.inf if hours is None else check_number("hours", hours, above=0.0) * 3600.0
    if check_number("warmup_seconds", warmup_seconds) >= seconds:
        raise ValueError(f"warmup_seconds must be less than the run of {seconds:g} s, got {warmup_seconds!r}")
    return seconds


def _check_faults(building: Building, faults: Sequence[tuple[float, Observation]]) -> None:
    for at, what in faults:
        check_number("the time of a fault", at)
        if isinstance(what, Recall):
            building.check_floor("the floor of a recall", what.floor)
        else:
            check_count("the car of a fault", what.car, most=len(building.cars) - 1)


def _play(plant: Plant, seconds: float, warmup: float, seed: int, most: int | None) -> tuple[int, ...]:
    """Play to the end; the number of people in the building after each quarter."""
    ends = {warmup: "warm"} if math.isinf(seconds) else {warmup: "warm", **{seconds * q: "quarter" for q in QUARTERS}}
    backlog: list[int] = []
    try:
        for end in sorted({*ends, seconds}):
            if not plant.run(end, most=most):
                break
            if end == warmup:
                plant.person_seconds = 0.0
            if ends.get(end) == "quarter":
                backlog.append(plant.waiting + plant.riding)
        else:
            return tuple(backlog)
    except ElevatorError as error:
        error.add_note(f"in the run with seed {seed}, after {plant.clock.seconds:.3f} s")
        raise
    except Exception as error:
        raise RunFailed(seed, plant.clock.seconds, f"{type(error).__name__}: {error}") from error
    raise RunFailed(seed, plant.clock.seconds, f"more than {most} events; raise max_events")


def _log(lines: list[tuple[float, str]]) -> bytes:
    lines.sort(key=lambda line: line[0])
    return "".join(f'{{"t":{json.dumps(at)},{what}}}\n' for at, what in lines).encode()
