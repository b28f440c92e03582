"""What a group of elevators is made of: floors, and cars that may differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lldkit.arguments import check_count
from lldkit.elevator.motion import Motion, Timing, Transfer

__all__ = ["Building", "Car", "crites_barto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """One car. `serves` are the floors it stops at (None: all), `start` is where it stands at first."""

    capacity: int
    timing: Timing | Motion
    transfer: Transfer = field(default_factory=Transfer)
    serves: frozenset[int] | None = None
    start: int = 0

    def __post_init__(self) -> None:
        check_count("capacity", self.capacity, least=1)
        check_count("start", self.start)
        if self.serves is not None and len(self.serves) < 2:
            raise ValueError(f"serves must name at least two floors, got {sorted(self.serves)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """Floors and the cars of one group. Up-peak traffic enters, and down-peak traffic leaves, at floor `lobby`."""

    floors: int
    cars: Sequence[Car]
    lobby: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cars", tuple(self.cars))
        check_count("floors", self.floors, least=2)
        check_count("lobby", self.lobby, most=self.floors - 1)
        check_count("the number of cars", len(self.cars), least=1)
        for car in self.cars:
            check_count("start", car.start, most=self.floors - 1)
            for floor in car.serves or ():
                check_count("a floor in serves", floor, most=self.floors - 1)

    def check_floor(self, what: str, floor: int) -> int:
        """Return `floor` if the building has it."""
        return check_count(what, floor, most=self.floors - 1)

    def serves(self, car: int, floor: int) -> bool:
        """Whether a car stops at a floor."""
        served = self.cars[car].serves
        return served is None or floor in served

    def ways_on(self, car: int, floor: int, direction: int) -> bool:
        """Whether a car stops at a floor and can go on from there in a direction."""
        served = self.cars[car].serves
        if served is None:
            return 0 <= floor + direction < self.floors
        return floor in served and any((other - floor) * direction > 0 for other in served)


def crites_barto() -> Building:
    """The building of Crites and Barto (1995): 10 floors and 4 cars of 20 persons.

    The paper gives 7.19 s for a stop, and not its parts; three quarters before boarding is our choice.
    """
    timing = Timing(floor_seconds=1.45, stop_seconds=7.19, turn_seconds=1.0)
    return Building(floors=10, cars=[Car(capacity=20, timing=timing)] * 4)
