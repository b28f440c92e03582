"""What lies before a car that answers given calls in a given order: when its doors open where, and when it is empty.

The estimate of look-ahead, `Eta` and destination control. A queue is taken for one person and those who arrived since
(rate x age); who goes down is taken to go to the lobby, and who goes up to the middle of what is above.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lldkit.elevator.building import Building
from lldkit.elevator.interface import CarView, GroupView, HallCall, OracleView, Phase

__all__ = ["Errand", "Pace", "Route", "errand_of", "pace_of", "route"]


class Pace(NamedTuple):
    """How fast a car is, in seconds: a floor, from a decision to open doors, from the last boarding to the start."""

    floor: float
    opening: float
    closing: float
    turn: float
    transfer: float


class Errand(NamedTuple):
    """A call in a route: `age` and `queue` now, `rate` of those who join it, `goal` where they are taken to go."""

    floor: int
    direction: int
    age: float
    queue: float
    rate: float
    goal: int
    call: HallCall


class Route(NamedTuple):
    """Seconds until the doors open for each errand, in order, and until the car is empty."""

    waits: list[float]
    seconds: float


def pace_of(building: Building, number: int) -> Pace:
    """The pace of a car."""
    car = building.cars[number]
    timing = car.timing
    return Pace(timing.commit(1), timing.settle(1), timing.closing, timing.turn_seconds, car.transfer.mean)


def errand_of(view: GroupView, call: HallCall) -> Errand:
    """A call as an errand."""
    floor, direction, since = call
    lobby, floors = view.building.lobby, view.building.floors
    goal = (floor + floors) // 2 if direction > 0 else lobby if lobby < floor else 0
    rate, age = view.rates.get((floor, direction), 0.0), view.now - since
    queue = 1.0 + rate * age
    if isinstance(view, OracleView):
        queue = float(view.queues.get((floor, direction), 1))
    return Errand(floor, direction, age, queue, rate, goal, call)


def route(car: CarView, pace: Pace, errands: Sequence[Errand]) -> Route:
    """Play a car forward: its riders' floors, errands where they lie on the way, the others when it is empty."""
    run = _Run(car, pace)
    waits = []
    for errand in errands:
        run.bring_riders(errand)
        waits.append(run.fetch(errand))
    run.bring_riders(None)
    return Route(waits, run.at)


class _Run:
    """A car on its imagined way: the time, the floor, the way it faces, the load and where that goes."""

    __slots__ = ("at", "capacity", "floor", "goals", "load", "pace", "way")

    def __init__(self, car: CarView, pace: Pace) -> None:
        self.pace = pace
        self.at, self.floor, self.way = car.next_seconds, car.next_floor, int(car.direction)
        self.goals = set(car.car_calls)
        self.load, self.capacity = float(car.load), car.capacity
        if car.phase is Phase.STOPPING or car.phase is Phase.OPEN:
            self.at += pace.closing
            if car.phase is Phase.STOPPING and car.heading is not None:  # somebody boards, and goes somewhere
                self.at += pace.transfer
                self.load += 1.0
                self.goals.add(self.floor + 1 if self.way > 0 else 0)

    def bring_riders(self, errand: Errand | None) -> None:
        """Stop for riders, until the errand lies on the way to the next of them."""
        pace, goals = self.pace, self.goals
        while goals:
            floor, way = self.floor, self.way
            ahead = [goal for goal in goals if (goal - floor) * way >= 0]
            if not ahead:
                self.way = -way
                self.at += pace.turn
                continue
            nearest = min(ahead) if way > 0 else max(ahead)
            fits = errand is not None and errand.direction == way and self.load < self.capacity
            if fits and errand is not None and 0 <= (errand.floor - floor) * way <= (nearest - floor) * way:
                return
            leaving = self.load / len(goals)
            self.at += abs(nearest - floor) * pace.floor + pace.opening + leaving * pace.transfer + pace.closing
            self.load -= leaving
            self.floor = nearest
            goals.discard(nearest)

    def fetch(self, errand: Errand) -> float:
        """Run to the errand and let its people in; when the doors open for them."""
        pace, floor = self.pace, errand.floor
        if self.way != errand.direction and not self.goals:
            self.at += pace.turn
        self.at += abs(floor - self.floor) * pace.floor + pace.opening
        opened = self.at
        people = min(errand.queue + errand.rate * opened, max(0.0, self.capacity - self.load))
        self.at += people * pace.transfer + pace.closing
        self.load += people
        self.floor, self.way = floor, errand.direction
        self.goals.discard(floor)
        self.goals.add(errand.goal)
        return opened
