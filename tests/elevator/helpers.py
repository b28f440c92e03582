"""What the tests of the elevator share: small buildings, and a judge that knows nothing but the log."""

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lldkit.clock import ManualClock
from lldkit.elevator import (
    BaselineWarning,
    Building,
    Car,
    DestinationDispatch,
    Dispatcher,
    Eta,
    Fcfs,
    GroupController,
    GroupView,
    HighestFirst,
    LongestQueueFirst,
    Look,
    LookAhead,
    NearestCar,
    Plan,
    Scan,
    Sector,
    Timing,
    Transfer,
)

TIMING = Timing(floor_seconds=2.0, stop_seconds=8.0, turn_seconds=1.0)


def nearest() -> Dispatcher:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        return NearestCar()


DISPATCHERS: dict[str, Any] = {
    "fcfs": Fcfs,
    "nearest": nearest,
    "scan": Scan,
    "look": Look,
    "sector": Sector,
    "huff": HighestFirst,
    "lqf": LongestQueueFirst,
    "eta": Eta,
    "look-ahead": LookAhead,
    "destination": DestinationDispatch,
}


def building(floors: int = 6, cars: int = 1, capacity: int = 3, **car: Any) -> Building:
    settings = {"timing": TIMING, "transfer": Transfer.fixed(1.0), "capacity": capacity, **car}
    return Building(floors=floors, cars=[Car(**settings)] * cars)


def live(house: Building, dispatcher: Dispatcher | None = None, **options: Any) -> tuple[GroupController, ManualClock]:
    clock = ManualClock()
    return GroupController(house, dispatcher=dispatcher or Look(), clock=clock, **options), clock


class DiesOnce:
    """Ends its process at its first decision; the mark says that it has."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def plan(self, view: GroupView) -> Plan:
        if not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        return LongestQueueFirst().plan(view)


class NamesNoCar:
    """Plans for a car that there is not."""

    def plan(self, view: GroupView) -> Plan:
        return Plan({9: view.hall_calls[:1]})


class Judge:
    """Checks what must hold of every run, from the lines of its log alone."""

    def __init__(self, house: Building, *, kiosk: bool = False, vain_stops: bool = False) -> None:
        self.house, self.kiosk, self.vain_stops = house, kiosk, vain_stops
        self.people: dict[int, dict[str, Any]] = {}
        self.riding: dict[int, set[int]] = {number: set() for number in range(len(house.cars))}
        self.floor = {number: car.start for number, car in enumerate(house.cars)}
        self.way: dict[int, int] = {}
        self.moved_at: dict[int, float] = {}
        self.opened: dict[int, dict[str, Any]] = {}
        self.used: dict[int, bool] = {}
        self.boarded: dict[tuple[int, int], float] = {}  # when somebody last did, by floor and direction
        self.counts: Counter[str] = Counter()

    def read(self, lines: Iterable[bytes]) -> "Judge":
        before = 0.0
        for line in lines:
            event = json.loads(line)
            assert event["t"] >= before, "the log is in order of time"
            before = event["t"]
            self.counts[event["event"]] += 1
            getattr(self, event["event"])(event)
        return self

    def arrive(self, event: dict[str, Any]) -> None:
        assert event["person"] == len(self.people)
        self.people[event["person"]] = event

    def abandon(self, event: dict[str, Any]) -> None:
        self.people[event["person"]]["gone"] = True

    def fault(self, event: dict[str, Any]) -> None:
        self.vain_stops = True

    def knows_riders(self) -> bool:
        """Not when calls were voided, nor when who left a kiosk's queue gave their place in the car to another."""
        return not self.counts["fault"] and not (self.kiosk and self.counts["abandon"])

    def depart(self, event: dict[str, Any]) -> None:
        car = event["car"]
        assert event["floor"] == self.floor[car]
        goals = {self.people[person]["destination"] for person in self.riding[car]}
        ahead = [goal for goal in goals if (goal - self.floor[car]) * self.way.get(car, event["direction"]) > 0]
        if ahead and self.knows_riders():
            assert event["direction"] == self.way.get(car, event["direction"]), "reverses with riders for floors ahead"
        self.way[car] = event["direction"]
        self.moved_at[car] = event["t"]

    def approach(self, event: dict[str, Any]) -> None:
        car, floor = event["car"], event["floor"]
        assert floor == self.floor[car] + self.way[car], "jumps a floor"
        assert 0 <= floor < self.house.floors
        timing = self.house.cars[car].timing
        assert event["t"] - self.moved_at[car] >= timing.commit(2) - timing.commit(1) - 1e-9, "flies too fast"
        if self.knows_riders():
            for person in self.riding[car]:
                assert self.people[person]["destination"] != self.floor[car], "passes a rider's floor"
        self.floor[car], self.moved_at[car] = floor, event["t"]

    def open(self, event: dict[str, Any]) -> None:
        car = event["car"]
        assert event["floor"] == self.floor[car]
        timing = self.house.cars[car].timing
        if isinstance(timing, Timing) and car in self.moved_at:
            assert event["t"] - self.moved_at[car] >= timing.settle(1) - 1e-9, "stops too fast"
        self.opened[car], self.used[car] = event, False

    def close(self, event: dict[str, Any]) -> None:
        car = event["car"]
        assert event["load"] == len(self.riding[car])
        assert event["t"] - self.opened[car]["t"] >= self.house.cars[car].timing.closing - 1e-9
        place = event["floor"], self.opened[car]["direction"]
        taken = self.boarded.get(place, -1.0) >= self.moved_at.get(car, 0.0)  # by another car, after this one decided
        assert self.used[car] or self.vain_stops or taken, "stops where nobody boards or alights"

    def board(self, event: dict[str, Any]) -> None:
        car, person = event["car"], self.people[event["person"]]
        assert "gone" not in person
        assert event["floor"] == self.floor[car]
        assert self.house.serves(car, person["destination"]), "the car does not serve the destination"
        self.riding[car].add(event["person"])
        self.boarded[event["floor"], self.opened[car]["direction"]] = event["t"]
        assert len(self.riding[car]) <= self.house.cars[car].capacity
        person["way"], person["car"] = (1 if person["destination"] > self.floor[car] else -1), car
        person.setdefault("boarded", event["t"])
        self.used[car] = True

    def alight(self, event: dict[str, Any]) -> None:
        car = event["car"]
        self.riding[car].remove(event["person"])
        self.used[car] = True
        if event["floor"] == self.people[event["person"]]["destination"]:
            self.people[event["person"]]["alighted"] = event["t"]
