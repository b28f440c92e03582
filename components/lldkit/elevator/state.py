"""What the core knows: cars, calls, and how many boarded where.

A state never changes once it is handed out: a step works on a `draft` of it, and on copies of the cars that it moves.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from lldkit.elevator.building import Building
from lldkit.elevator.interface import CarView, Direction, GroupView, HallCall, KioskCall, Phase, Plan

__all__ = ["CarState", "Place", "PlanFor", "Rates", "Shaft", "State", "initial", "may_take", "view_of"]

UP, DOWN = Direction
Place: TypeAlias = tuple[int, Direction]
"""Where a hall button is: floor and direction."""
MEMORY_SECONDS = 900.0  # what boarded a quarter of an hour ago counts 1/e


class Shaft(NamedTuple):
    """What is fixed about a car: seconds for a floor, to stop, to close, to turn; its places; where it may stop."""

    floor_seconds: float
    stop_seconds: float
    closing_seconds: float
    turn_seconds: float
    capacity: int
    serves: frozenset[int]
    ways: frozenset[Place]


@dataclass(slots=True, eq=False)
class CarState:
    """What is known about a car. `floor` is where it stands, or the last one it told that it approaches.

    `heading` is the call that an empty car runs for; `answers` the one that it stops, or stands open, for. `due` is
    when it should report next, `least` the smallest load since the doors opened, `turns` how often it changed its mind
    on the way since it last stopped. `assigned` wait for this car, sent by a kiosk; `riders` are those of them who
    are taken to be aboard. `recall` is the floor of a fire alarm.
    """

    id: int
    floor: int
    direction: Direction
    phase: Phase = Phase.IDLE
    load: int = 0
    calls: frozenset[int] = frozenset()
    heading: HallCall | None = None
    answers: HallCall | None = None
    due: float = 0.0
    least: int = 0
    holds: bool = False
    turns: int = 0
    in_service: bool = True
    recall: int | None = None
    assigned: tuple[KioskCall, ...] = ()
    riders: tuple[KioskCall, ...] = ()

    def copy(self) -> "CarState":
        """The same car for another state: written out, because every step does it."""
        return CarState(
            self.id,
            self.floor,
            self.direction,
            self.phase,
            self.load,
            self.calls,
            self.heading,
            self.answers,
            self.due,
            self.least,
            self.holds,
            self.turns,
            self.in_service,
            self.recall,
            self.assigned,
            self.riders,
        )


@dataclass(slots=True, eq=False)
class State:
    """A group at one instant. `calls` are those that no car is stopping for, in order of their age.

    `refused` are the cars that opened at a place, and nobody stepped in: they are not sent there again before another
    car was. `boarded` is for the rates: by place a fading count, and the time it was true.
    """

    building: Building
    shafts: tuple[Shaft, ...]
    kiosk: bool
    cars: list[CarState]
    calls: Mapping[Place, HallCall]
    refused: Mapping[Place, frozenset[int]]
    boarded: Mapping[Place, tuple[float, float]]

    def draft(self) -> "State":
        """A state that a step may change; its cars are still those of this one. O(cars)."""
        return State(self.building, self.shafts, self.kiosk, self.cars.copy(), self.calls, self.refused, self.boarded)

    def own(self, number: int) -> CarState:
        """A car that this draft may change."""
        car = self.cars[number] = self.cars[number].copy()
        return car

    def supposing(self, car: CarState) -> "State":
        """What a plan is asked for: the state as it would be with this car in it."""
        supposed = self.draft()
        supposed.cars[car.id] = car
        return supposed

    def open_to(self, car: CarState) -> Mapping[Place, HallCall]:
        """The calls that a car could answer: everybody's, or with a kiosk those who were sent to it."""
        if not self.kiosk:
            return self.calls
        mine: dict[Place, HallCall] = {}
        for call in car.assigned:
            mine.setdefault((call.floor, call.direction), HallCall(call.floor, call.direction, call.since))
        return mine


PlanFor: TypeAlias = Callable[[State, float, int | None, KioskCall | None], Plan]
"""Asks for a plan that has been checked: state, time, the car that waits for the decision, a request at the kiosk."""


def initial(building: Building, *, kiosk: bool = False) -> State:
    """A group at rest."""
    shafts = tuple(_shaft(building, number) for number in range(len(building.cars)))
    cars = [CarState(number, car.start, UP) for number, car in enumerate(building.cars)]
    return State(building, shafts, kiosk, cars, {}, {}, {})


def _shaft(building: Building, number: int) -> Shaft:
    car = building.cars[number]
    timing = car.timing
    floors = range(building.floors)
    ways = frozenset((f, d) for f in floors for d in Direction if building.ways_on(number, f, d))
    serves = frozenset(f for f in floors if building.serves(number, f))
    return Shaft(timing.commit(1), timing.settle(1), timing.closing, timing.turn_seconds, car.capacity, serves, ways)


def may_take(state: State, car: CarState, call: HallCall) -> bool:
    """Whether a car may be sent for, or stop on its way for, a call."""
    place = call.floor, call.direction
    shaft = state.shafts[car.id]
    if place not in shaft.ways or car.load >= shaft.capacity or not car.in_service:
        return False
    refused = state.refused.get(place, ())
    return car.id not in refused or all(
        other.id in refused or not other.in_service or place not in state.shafts[other.id].ways for other in state.cars
    )


class Rates(Mapping[Place, float]):
    """Persons per second by place: how many boarded, the older the less, over the time that there was."""

    __slots__ = ("_boarded", "_now")

    def __init__(self, boarded: Mapping[Place, tuple[float, float]], now: float) -> None:
        self._boarded, self._now = boarded, now

    def __getitem__(self, place: Place) -> float:
        count, at = self._boarded[place]
        faded = count * math.exp((at - self._now) / MEMORY_SECONDS)
        return faded / (MEMORY_SECONDS * -math.expm1(-max(self._now, 60.0) / MEMORY_SECONDS))

    def __iter__(self) -> Iterator[Place]:
        return iter(self._boarded)

    def __len__(self) -> int:
        return len(self._boarded)


def count_boarded(state: State, at: float, place: Place, persons: int) -> Mapping[Place, tuple[float, float]]:
    """`boarded` after some persons have stepped in."""
    count, before = state.boarded.get(place, (0.0, at))
    faded = count * math.exp((before - at) / MEMORY_SECONDS)
    return {**state.boarded, place: (faded + persons, at)}


def view_of(state: State, now: float, deciding: int | None = None, kiosk: KioskCall | None = None) -> GroupView:
    """What a dispatcher may know of a state."""
    cars = tuple([_car_view(state, car, now, car.id == deciding) for car in state.cars])
    calls = tuple(state.calls.values())
    return GroupView(now, state.building, cars, calls, Rates(state.boarded, now), deciding, kiosk)


def _car_view(state: State, car: CarState, now: float, decides: bool) -> CarView:
    floor, heading, moving = car.floor, car.answers, car.phase is Phase.MOVING
    if moving:
        heading = car.heading
        if heading is not None and state.calls.get((heading.floor, heading.direction)) != heading:
            heading = None  # somebody else took it
    return CarView(
        car.id,
        floor,
        car.direction,
        car.phase,
        car.load,
        state.shafts[car.id].capacity,
        car.calls,
        floor + car.direction if moving and not decides else floor,
        0.0 if decides or car.due < now else car.due - now,
        heading,
        car.in_service,
        tuple([(call.floor, call.destination) for call in car.assigned]) if car.assigned else (),
    )
