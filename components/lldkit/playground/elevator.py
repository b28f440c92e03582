"""Ten minutes of a group of cars: where each one is and who waits how long, under two dispatchers."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lldkit.charts import Bar, Bars, Figure, Line, Mark, Panel, Ticks, Tone
from lldkit.elevator import (
    BaselineWarning,
    Building,
    Car,
    DestinationDispatch,
    Dispatcher,
    Eta,
    Fcfs,
    HighestFirst,
    LongestQueueFirst,
    Look,
    LookAhead,
    NearestCar,
    Scan,
    Sector,
    Summary,
    Timing,
    Traffic,
    simulate,
)
from lldkit.playground.scene import Scene

__all__ = ["BOUNDS", "DISPATCHERS", "NEXT", "ElevatorTrace", "demo", "picture", "trace"]

NEXT = "lldkit elevator compare --hours 1 --seeds 3 lqf huff look-ahead"
MINUTES = 10.0
WARMUP = 300.0
PEOPLE = 1000
BOUNDS: dict[str, tuple[float, float]] = {
    "floors": (4, 40),
    "cars": (1, 8),
    "capacity": (4, 30),
    "percent": (1.0, 25.0),
}
TONES: tuple[Tone, ...] = ("one", "two", "three", "good")


def _nearest() -> Dispatcher:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        return NearestCar()


DISPATCHERS: Final[Mapping[str, Callable[[], Dispatcher]]] = {
    "fcfs": Fcfs,
    "nearest": _nearest,
    "scan": Scan,
    "look": Look,
    "sector": Sector,
    "huff": HighestFirst,
    "lqf": LongestQueueFirst,
    "eta": Eta,
    "look-ahead": LookAhead,
    "look-ahead, no parking": lambda: LookAhead(park=False),
    "destination": DestinationDispatch,
}


@dataclass(frozen=True, slots=True)
class ElevatorTrace:
    """What happened: (seconds, floor) and (seconds, load) of each car, and of those who wait.

    `calls` are (seconds, floor, wait) of everybody who boarded; `waiting` is (seconds, people).
    """

    name: str
    floors: int
    paths: tuple[tuple[tuple[float, float], ...], ...]
    loads: tuple[tuple[tuple[float, float], ...], ...]
    calls: tuple[tuple[float, int, float], ...]
    waiting: tuple[tuple[float, float], ...]
    wait: Summary
    over_a_minute: float
    stops: int


def trace(
    *,
    dispatcher: str = "look-ahead",
    traffic: str = "bed",
    floors: int = 10,
    cars: int = 4,
    capacity: int = 20,
    percent: float = 8.0,
    seed: int = 7,
) -> ElevatorTrace:
    """Ten minutes after a warm-up of five. `traffic` is bed, up, down, lunch or interfloor; the bed has its own rates.

    `percent` of a thousand people come in 5 minutes. Raises `ValueError` naming a parameter that is out of its bounds.
    """
    for name, value in {"floors": floors, "cars": cars, "capacity": capacity, "percent": percent}.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    for what, name, known in (("dispatcher", dispatcher, list(DISPATCHERS)), ("traffic", traffic, list(_TRAFFIC))):
        if name not in known:
            raise ValueError(f"{what} must be one of {', '.join(known)}, got {name!r}")
    timing = Timing(floor_seconds=1.45, stop_seconds=7.19, turn_seconds=1.0)
    building = Building(floors=floors, cars=[Car(capacity=capacity, timing=timing)] * cars)
    people, seconds = _TRAFFIC[traffic](percent), WARMUP + MINUTES * 60
    run = simulate(
        building, people, DISPATCHERS[dispatcher](), hours=seconds / 3600, seed=seed, warmup_seconds=WARMUP, record=True
    )
    events = [json.loads(line) for line in run.log.splitlines()]
    waits = run.passengers.waits(WARMUP)
    over = 100 * sum(wait > 60 for wait in waits) / max(1, len(waits))
    paths = tuple(tuple(_path(events, car)) for car in range(cars))
    loads = tuple(tuple(_load(events, car)) for car in range(cars))
    calls = tuple(
        (p.arrived - WARMUP, p.origin, p.boarded - p.arrived)
        for p in run.passengers
        if p.boarded is not None and p.arrived >= WARMUP
    )
    stops = sum(event["event"] == "open" and event["t"] >= WARMUP for event in events)
    return ElevatorTrace(
        dispatcher, floors, paths, loads, calls, tuple(_waiting(events)), Summary.of(waits), over, stops
    )


_TRAFFIC: Final[Mapping[str, Callable[[float], Traffic]]] = {
    "bed": lambda _: Traffic.crites_barto(),
    "up": lambda percent: Traffic.up_peak(percent_per_5min=percent, people=PEOPLE),
    "down": lambda percent: Traffic.down_peak(percent_per_5min=percent, people=PEOPLE),
    "lunch": lambda percent: Traffic.lunch(percent_per_5min=percent, people=PEOPLE),
    "interfloor": lambda percent: Traffic.mix(
        incoming=0.0, outgoing=0.0, interfloor=1.0, percent_per_5min=percent, people=PEOPLE
    ),
}


def _path(events: Sequence[dict[str, Any]], car: int) -> list[tuple[float, float]]:
    places = [(e["t"], float(e["floor"])) for e in events if e.get("car") == car and "floor" in e]
    return _clipped(places)


def _load(events: Sequence[dict[str, Any]], car: int) -> list[tuple[float, float]]:
    load, points = 0, [(0.0, 0.0)]
    for event in events:
        if event.get("car") == car and event["event"] in {"board", "alight"}:
            load += 1 if event["event"] == "board" else -1
            points.append((event["t"], float(load)))
    return _clipped(points)


def _waiting(events: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    people, points = 0, [(0.0, 0.0)]
    for event in events:
        change = {"arrive": 1, "board": -1}.get(str(event["event"]), 0)
        if change:
            people += change
            points.append((event["t"], float(people)))
    return _clipped(points)


def _clipped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is after the warm-up, from where it stood then."""
    before = [value for at, value in points if at < WARMUP]
    return [(0.0, before[-1] if before else 0.0), *((at - WARMUP, value) for at, value in points if at >= WARMUP)]


def picture(runs: Sequence[ElevatorTrace]) -> Figure:
    """Each run's shafts, loads and calls; below, who waits, and how long they waited."""
    panels: list[Panel | Bars] = []
    for run in runs:
        shafts: list[Mark] = [
            Line(path, f"car {number}", TONES[number % len(TONES)]) for number, path in enumerate(run.paths)
        ]
        panels.append(Panel(shafts, f"{run.name}: floor", 150, (0, run.floors - 1)))
        panels.append(Panel(_lanes(run), "people arrive", 92))
    waiting = [Line(run.waiting, run.name, TONES[n % len(TONES)], step=True) for n, run in enumerate(runs)]
    panels.append(Panel(waiting, "people waiting", 90))
    panels.extend(_histogram(run) for run in runs)
    says = "; ".join(
        f"{run.name}: mean wait {run.wait.mean:.1f} s, p95 {run.wait.p95:.0f} s, {run.over_a_minute:.1f} % over 60 s, "
        f"{run.stops} stops"
        for run in runs
    )
    return Figure("Ten minutes of a group of cars", panels, "seconds", (0, MINUTES * 60), says + ".")


def _lanes(run: ElevatorTrace) -> list[Mark]:
    """When people came, by how long they then waited."""
    classes: list[tuple[str, float, float, Tone]] = [
        ("up to 20 s", 0, 20, "good"),
        ("up to 40 s", 20, 40, "two"),
        ("longer", 40, float("inf"), "bad"),
    ]
    return [
        Ticks([at for at, _, wait in run.calls if low <= wait < high], name, tone) for name, low, high, tone in classes
    ]


def _histogram(run: ElevatorTrace) -> Bars:
    bounds = [0, 10, 20, 30, 40, 60]
    rows = []
    for low, high in zip(bounds, [*bounds[1:], float("inf")], strict=True):
        count = sum(low <= wait < high for _, _, wait in run.calls)
        label = f"{low} s and more" if high == float("inf") else f"{low} to {high:g} s"
        rows.append(Bar(label, count, str(count), "bad" if low >= 60 else "quiet"))
    return Bars(rows, f"{run.name}: waits")


def demo() -> Figure:
    """The picture that `lldkit demo elevator` shows: the same people under two dispatchers."""
    return picture([trace(dispatcher="nearest"), trace()])


def _alone(run: ElevatorTrace) -> Figure:
    return picture([run])


SCENES = {
    "elevator": Scene(trace, _alone, BOUNDS, {"dispatcher": list(DISPATCHERS), "traffic": list(_TRAFFIC)}),
}
