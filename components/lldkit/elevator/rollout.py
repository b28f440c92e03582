"""Play a group forward by simple rules until all who wait have been answered: what a decision would cost.

A car with riders stops for them and for whoever it passes; an empty car heads for a call by a rule, and picks up on its
way. Nobody new calls. What is known of queues and destinations is what `routes` says. (Bertsekas: rollout.)
"""

from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import TypeAlias

from lldkit.elevator.interface import CarView, GroupView, Phase
from lldkit.elevator.routes import Errand, Pace, errand_of, pace_of

__all__ = ["Rollout"]

LOST = 1000.0  # seconds that a call waits which nobody answers in a rollout
PATIENCE = 200.0  # seconds; who has waited longer weighs ever more, so that a crowd elsewhere starves nobody
Rule: TypeAlias = Callable[[Errand, int], float]
RULES: tuple[Rule, ...] = (
    lambda errand, _: -errand.age,
    lambda errand, _: -errand.floor,
    lambda errand, floor: abs(errand.floor - floor),
)
"""Which call an empty car heads for: the oldest, the highest, or the nearest. The least comes first."""


class _Car:
    """A car in a rollout: at which second it is where, and can stop; the errands it could answer, and its target."""

    __slots__ = ("able", "at", "capacity", "floor", "goals", "id", "load", "pace", "passes", "target", "way")

    def __init__(self, car: CarView, pace: Pace, able: frozenset[int]) -> None:
        self.id, self.pace, self.capacity, self.able = car.id, pace, car.capacity, able
        self.at, self.floor, self.way = car.next_seconds, car.next_floor, int(car.direction)
        self.load, self.goals = float(car.load), set(car.car_calls)
        self.target: int | None = None
        self.passes = False  # it does not stop where it is, though it could

    def copy(self, target: int | None, *, passes: bool) -> "_Car":
        """The same car for another rollout."""
        new = object.__new__(_Car)
        new.id, new.pace, new.capacity, new.able = self.id, self.pace, self.capacity, self.able
        new.at, new.floor, new.way = self.at, self.floor, self.way
        new.load, new.goals = self.load, self.goals.copy()
        new.target, new.passes = target, passes
        return new

    def fly(self, floor: int) -> None:
        """Run to a floor, and be able to stop there."""
        self.at += abs(floor - self.floor) * self.pace.floor
        self.floor, self.passes = floor, False

    def turn(self, way: int) -> None:
        """Face a direction."""
        if way != self.way:
            self.at += self.pace.turn
            self.way = way

    def let_out(self) -> None:
        """Open where riders want to; as many as to any other of their floors get out."""
        leaving = self.load / len(self.goals)
        self.at += self.pace.opening + leaving * self.pace.transfer
        self.load -= leaving
        self.goals.discard(self.floor)

    def let_in(self, errand: Errand) -> None:
        """Take in a queue while the doors are open, and close them."""
        people = min(errand.queue + errand.rate * self.at, max(0.0, self.capacity - self.load))
        self.at += people * self.pace.transfer + self.pace.closing
        self.load += people
        self.goals.add(errand.goal)
        self.target = None


class Rollout:
    """A view to be played forward: `cost` is that of the best rule. O(cars x calls) moves for each rule."""

    def __init__(self, view: GroupView) -> None:
        self.errands = [errand_of(view, call) for call in view.hall_calls]
        self.number = {(errand.floor, errand.direction): n for n, errand in enumerate(self.errands)}
        self._cars = [_imagined(view, car) for car in view.cars if car.in_service]
        self._busy: list[_Car] = []
        self._left: set[int] = set()

    def cost(
        self, heads: Mapping[int, int], resting: Collection[int] = (), passing: int | None = None
    ) -> tuple[float, dict[int, int]]:
        """The expected sum of squared waits, and by errand the car that answers it.

        `heads` are the errands that empty cars begin with; cars in `resting` answer nobody; the car `passing` does not
        stop where it is.
        """
        plays = [self._play(rule, self._begin(heads, resting, passing)) for rule in RULES]
        return min(plays, key=lambda play: play[0])

    def _begin(self, heads: Mapping[int, int], resting: Collection[int], passing: int | None) -> list[_Car]:
        cars = [car for car in self._cars if car.id not in resting]
        return [car.copy(heads.get(car.id), passes=car.id == passing) for car in cars]

    def _play(self, rule: Rule, cars: list[_Car]) -> tuple[float, dict[int, int]]:
        self._busy = cars
        self._left = set(range(len(self.errands)))
        cost, answered = 0.0, dict[int, int]()
        while self._left and self._busy:
            car = min(self._busy, key=_at)
            number = self._with_riders(car) if car.goals else self._empty(car, rule)
            if number is not None:
                errand = self.errands[number]
                cost += _squared_waits(errand, car.at)
                answered[number] = car.id
                self._left.discard(number)
                car.let_in(errand)
        return cost + sum([_squared_waits(self.errands[n], LOST) for n in self._left]), answered

    def _with_riders(self, car: _Car) -> int | None:
        """Stop or fly on; the errand for which the doors have opened."""
        if car.floor in car.goals:
            car.let_out()
            number = self._waiting(car, car.way)
            if number is None and not car.goals:
                number = self._waiting(car, -car.way)
                car.way = car.way if number is None else -car.way
            if number is None:
                car.at += car.pace.closing
            return number
        number = self._waiting(car, car.way)
        if number is not None:
            car.at += car.pace.opening
            return number
        ahead = [goal for goal in car.goals if (goal - car.floor) * car.way > 0]
        if ahead:
            car.fly(self._next(car, min(ahead) if car.way > 0 else max(ahead)))
        else:
            car.turn(-car.way)
        return None

    def _empty(self, car: _Car, rule: Rule) -> int | None:
        """Choose a call, and go there or open; the errand for which the doors have opened."""
        if car.target not in self._left:
            taken = {other.target for other in self._busy if not other.goals}
            free = [n for n in sorted(self._left & car.able) if n not in taken]
            car.target = min(free, key=lambda n: rule(self.errands[n], car.floor), default=None)
        if car.target is None:
            self._busy.remove(car)
            return None
        errand = self.errands[car.target]
        if errand.floor == car.floor:
            car.turn(errand.direction)
            car.at += car.pace.opening
            return car.target
        car.turn(1 if errand.floor > car.floor else -1)
        car.fly(self._next(car, errand.floor))
        if car.floor != errand.floor:
            car.target = self.number[car.floor, car.way]
        return None

    def _waiting(self, car: _Car, way: int) -> int | None:
        """The errand that the car could answer where it is."""
        number = self.number.get((car.floor, way))
        may = number in self._left and number in car.able and not car.passes and car.load < car.capacity - 0.5
        return number if may else None

    def _next(self, car: _Car, goal: int) -> int:
        """The first floor on the way to `goal` where the car could pick somebody up; else `goal`."""
        if car.load >= car.capacity - 0.5:
            return goal
        floor, way = car.floor, car.way
        for number in self._left & car.able:
            there = self.errands[number].floor
            if self.errands[number].direction == way and 0 < (there - floor) * way < (goal - floor) * way:
                goal = there
        return goal


_at = attrgetter("at")


def _imagined(view: GroupView, car: CarView) -> _Car:
    """A car as it is now; with open doors, as it will be when they have closed."""
    calls = enumerate(view.hall_calls)
    able = frozenset(n for n, call in calls if view.building.ways_on(car.id, call.floor, call.direction))
    imagined = _Car(car, pace_of(view.building, car.id), able)
    if car.phase is Phase.STOPPING or car.phase is Phase.OPEN:
        boards = car.heading is not None and (car.phase is Phase.STOPPING or not car.car_calls)
        if boards and car.heading is not None:
            imagined.let_in(errand_of(view, car.heading))
        else:
            imagined.at += imagined.pace.closing
    return imagined


def _squared_waits(errand: Errand, wait: float) -> float:
    """Expected sum of the squared waits of a queue whose doors open in `wait` seconds, and more for the very patient.

    One person pressed; the others of the queue came evenly since then, and more come at the rate.
    """
    whole, joined = errand.age + wait, errand.queue - 1.0
    others = joined * (whole * whole + whole * wait + wait * wait) / 3.0
    pressed = whole * whole * (1.0 + (whole / PATIENCE) ** 2)
    return pressed + others + errand.rate * wait * wait * wait / 3.0
