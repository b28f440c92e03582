"""What the simulated building is filled with: a clock, cars as things, and the habits of people."""

from collections.abc import Sequence
from random import Random

from lldkit.clock import ManualClock
from lldkit.elevator.building import Building
from lldkit.elevator.interface import Command, Direction
from lldkit.elevator.traffic import Manners

__all__ = ["PlantClock", "Shuttle", "misled_of", "transfers_of"]

UP, DOWN = Direction


class PlantClock(ManualClock):
    """A clock that the plant sets."""

    seconds = 0.0

    def monotonic(self) -> float:
        """Simulated seconds."""
        return self.seconds


class Shuttle:
    """A car as a thing: where it is, who is in it, and how many floors it has flown since it stood."""

    __slots__ = (
        "closing",
        "direction",
        "evacuate",
        "floor",
        "flown",
        "held",
        "id",
        "last",
        "next",
        "out",
        "reopens",
        "riders",
        "stays_open",
        "timing",
        "transfers",
    )

    def __init__(self, number: int, building: Building, transfers: Sequence[tuple[float, float]]) -> None:
        car = building.cars[number]
        self.id = number
        self.timing = car.timing
        self.transfers = transfers  # by passenger: seconds in, seconds out
        self.floor = car.start
        self.direction = UP  # what the lantern shows
        self.last: Direction | None = None  # in which direction it is set to move
        self.flown = 0
        self.riders: list[int] = []
        self.next: Command | None = None
        self.closing = False  # nobody boards any more
        self.reopens = False
        self.held = 0.0
        self.out = False
        self.evacuate: int | None = None  # the floor of a fire alarm, where the doors stay open
        self.stays_open = False  # they do


def transfers_of(building: Building, count: int, seed: int) -> dict[object, list[tuple[float, float]]]:
    """Seconds in and out for each person, whoever dispatches; one table for each kind of car."""
    tables: dict[object, list[tuple[float, float]]] = {}
    for car in building.cars:
        if car.transfer not in tables:
            rng, draw = Random(f"{seed} transfers"), car.transfer.draw
            tables[car.transfer] = [(draw(rng), draw(rng)) for _ in range(count)]
    return tables


def misled_of(count: int, manners: Manners, seed: int) -> dict[int, bool]:
    """Who presses both buttons (True) or the wrong one (False)."""
    if manners == Manners():
        return {}
    rng = Random(f"{seed} manners")
    drawn = ((number, rng.random()) for number in range(count))
    return {number: share < manners.both for number, share in drawn if share < manners.both + manners.wrong}
