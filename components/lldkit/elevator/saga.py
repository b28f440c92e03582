"""The levels of the game Elevator Saga as buildings and traffic: figures, and no more, because its physics are its own.

The game moves in frames of 1/60 s, brakes harder than it accelerates, and people step in and out in no time. Here a car
accelerates and brakes alike, and its stop of a second is before people board.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from lldkit.elevator.building import Building, Car
from lldkit.elevator.interface import Dispatcher
from lldkit.elevator.motion import Motion, Transfer
from lldkit.elevator.simulate import simulate
from lldkit.elevator.statistics import Run
from lldkit.elevator.traffic import Arrival, Traffic

__all__ = ["Level", "level_of", "people", "play"]

MOTION = Motion(floor_height_m=1.0, speed=2.6, acceleration=2.1, jerk=1000.0, open_seconds=1.0, close_seconds=0.0)
MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level: a building, one person every 1/rate seconds, and the goal. None: the goal does not ask for it."""

    number: int
    floors: int
    cars: int
    rate: float
    capacities: tuple[int, ...]
    deliver: int
    within_seconds: float | None = None
    within_moves: int | None = None
    max_journey_seconds: float | None = None

    @property
    def building(self) -> Building:
        """Cars are alike but for their capacity."""
        capacities = [self.capacities[number % len(self.capacities)] for number in range(self.cars)]
        cars = [Car(capacity=places, timing=MOTION, transfer=Transfer.fixed(0.0)) for places in capacities]
        return Building(floors=self.floors, cars=cars)

    def passed(self, run: Run) -> bool:
        """Whether a run reached the goal; moves are stops here, since the game counts starts."""
        done = sorted(person.alighted for person in run.passengers if person.alighted is not None)
        if len(done) < self.deliver:
            return False
        end = done[self.deliver - 1]
        carried = [p.alighted - p.arrived for p in run.passengers if p.alighted is not None and p.alighted <= end]
        return (
            (self.within_seconds is None or end <= self.within_seconds)
            and (self.within_moves is None or run.stops <= self.within_moves)
            and (self.max_journey_seconds is None or max(carried) <= self.max_journey_seconds)
        )


def level_of(row: Mapping[str, Any]) -> Level:
    """A level from its JSON."""
    return Level(
        number=row["level"],
        floors=row["floors"],
        cars=row["cars"],
        rate=row["passengers_per_second"],
        capacities=tuple(row["capacities"]),
        deliver=row["deliver"],
        within_seconds=row.get("within_seconds"),
        within_moves=row.get("within_moves"),
        max_journey_seconds=row.get("max_journey_seconds"),
    )


def people(level: Level, *, seed: int, seconds: float) -> Iterator[Arrival]:
    """Half come in at the lobby, the others start anywhere; 10 of 11 of those above go to the lobby."""
    rng = Random(f"{seed} saga")
    for number in range(int(seconds * level.rate)):
        origin = 0 if rng.random() < 0.5 else rng.randrange(level.floors)
        if origin == 0:
            destination = rng.randrange(1, level.floors)
        elif rng.random() < 10 / 11:
            destination = 0
        else:
            destination = (origin + rng.randrange(1, level.floors)) % level.floors
        yield Arrival(number / level.rate, origin, destination)


def play(level: Level, dispatcher: Dispatcher, *, seed: int) -> Run:
    """One run of a level: as long as its goal allows, else until enough people have come and 120 s more."""
    seconds = min(MOST_SECONDS, level.within_seconds or level.deliver / level.rate + 120.0)
    traffic = Traffic.trace(people(level, seed=seed, seconds=seconds))
    return simulate(level.building, traffic, dispatcher, hours=seconds / 3600.0, seed=seed)
