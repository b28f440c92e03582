"""What every solution of this kata gets and gives: people, statistics, a bed for dispatchers, the shape of the class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

Call = tuple[int, int]
"""A pressed button: the floor, and 1 for up or -1 for down."""

Person = tuple[float, int, int]
"""When somebody came, at which floor, and where to (level 4)."""

Choose = Callable[[Sequence[Person], int], int]
"""The index of who is fetched next: of all who wait, in the order of their coming, by a car at a floor (level 4)."""


def first_come(waiting: Sequence[Person], floor: int) -> int:
    """Who came first is fetched first."""
    return 0


@dataclass(frozen=True, slots=True)
class Stats:
    """What a simulation saw: all who came, the mean of their waits and the longest one, in seconds (level 4)."""

    people: tuple[Person, ...]
    mean: float
    longest: float


@dataclass(frozen=True, slots=True)
class CarView:
    """A car of the bed: where it is, whether somebody is in it, and the call that it goes to (level 5)."""

    floor: int
    loaded: bool
    goal: Call | None


@dataclass(frozen=True, slots=True)
class View:
    """What the bed shows: each call with its age in ticks, the cars; `people` behind each call, for the record."""

    calls: Mapping[Call, int]
    cars: Sequence[CarView]
    people: Mapping[Call, int]


class Bed:
    """Sixteen floors, three cars, an afternoon when most go home; the same people for each dispatcher (level 5).

    A car passes a floor in a tick and stands for three at a stop. With somebody in it a car stops for all who go its
    way; an empty one asks `dispatch(car, view)` at each tick which call it goes to, and stops for nobody before.
    """

    def __init__(self, seed: int, *, floors: int = 16, cars: int = 3, capacity: int = 6, ticks: int = 900) -> None:
        self._capacity, self._ticks = capacity, ticks
        self._queues: dict[Call, list[tuple[int, int]]] = {}  # when each came, and where to
        self._pressed: dict[Call, int] = {}
        self._at, self._goal, self._pause = [0] * cars, [None] * cars, [0] * cars
        self._way, self._riders = [1] * cars, [[] for _ in range(cars)]
        draw, self._people = Random(f"bed {seed}"), {}
        for tick in range(ticks):
            if draw.random() < 0.25:
                down = draw.random() < 0.8
                floor = 1 + draw.randrange(floors - 1) if down else draw.randrange(floors - 1)
                to = 0 if down else floor + 1 + draw.randrange(floors - 1 - floor)
                self._people[tick] = (floor, to)

    def run(self, dispatch: Callable[[int, View], Call | None]) -> tuple[float, float]:
        """Mean wait in ticks and mean square of the waits; who still waits at the end counts with the wait so far."""
        waits: list[int] = []
        for now in range(self._ticks):
            if now in self._people:
                floor, to = self._people[now]
                call = (floor, 1 if to > floor else -1)
                self._queues.setdefault(call, []).append((now, to))
                self._pressed.setdefault(call, now)
            for car in range(len(self._at)):
                self._tick(car, now, dispatch, waits)
        waits += [self._ticks - since for queue in self._queues.values() for since, _ in queue]
        return sum(waits) / len(waits), sum(wait * wait for wait in waits) / len(waits)

    def _tick(
        self, car: int, now: int, dispatch: Callable[[int, View], Call | None], waits: list[int]
    ) -> None:
        if self._pause[car]:
            self._pause[car] -= 1
            return
        riders = self._riders[car]
        if not riders:
            self._goal[car] = dispatch(car, self._view(now)) if self._pressed else None
            if self._goal[car] is None:
                return
            floor, way = self._goal[car]
            self._way[car] = way if floor == self._at[car] else 1 if floor > self._at[car] else -1
        here = (self._at[car], self._way[car])
        comes = here in self._pressed and (len(riders) < self._capacity if riders else here == self._goal[car])
        if comes or here[0] in riders:
            self._stop(car, here, now, waits)
        else:
            self._at[car] += self._way[car]

    def _stop(self, car: int, here: Call, now: int, waits: list[int]) -> None:
        self._pause[car] = 3
        riders = self._riders[car] = [to for to in self._riders[car] if to != here[0]]
        queue = self._queues.get(here, [])
        while queue and len(riders) < self._capacity:
            since, to = queue.pop(0)
            riders.append(to)
            waits.append(now - since)
        self._goal[car] = None
        self._pressed.pop(here, None)
        if queue:
            self._pressed[here] = now

    def _view(self, now: int) -> View:
        cars = [
            CarView(floor, bool(riders), goal)
            for floor, riders, goal in zip(self._at, self._riders, self._goal, strict=True)
        ]
        calls = {call: now - since for call, since in self._pressed.items()}
        return View(calls, cars, {call: len(queue) for call, queue in self._queues.items() if queue})


class Elevator(Protocol):
    """The cars of a building, and what is known about them."""

    def __init__(self, floors: int, *, capacity: int = 8, cars: int = 1) -> None: ...  # capacity: level 2; cars: level 3

    def call(self, floor: int, car: int = 0) -> None:
        """Press the button of a floor in a car."""

    def step(self) -> list[tuple[int, bool]]:
        """Let a tick pass; of each car its floor, and whether it opened there."""

    def arrive(self, floor: int, to: int) -> int:
        """Let a person come to a floor; their number (level 2)."""

    def riders(self, car: int = 0) -> list[int]:
        """Who is in a car (level 2)."""

    def waiting(self, floor: int) -> list[int]:
        """Who waits at a floor (level 2)."""

    def simulate(self, *, seed: int, rate: float, seconds: float, choose: Choose = first_come) -> Stats:
        """Hours of traffic in a moment (level 4)."""

    def dispatch(self, car: int, view: View) -> Call | None:
        """The call that an empty car goes to (level 5)."""

    def interval(self, ours: Sequence[float], theirs: Sequence[float], t: float) -> tuple[float, float]:
        """Between which differences the true one lies (level 5)."""

    def fail(self, car: int) -> None:
        """Stop a car where it is (level 6)."""

    def repair(self, car: int) -> None:
        """Let a car go on (level 6)."""
