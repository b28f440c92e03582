"""Look ahead: play each thing that a car could do forward, and do what costs least."""

from collections.abc import Iterator
from typing import Final

from lldkit.arguments import check_count
from lldkit.elevator.candidates import can_answer, first_come, is_free
from lldkit.elevator.interface import CarView, Direction, GroupView, HallCall, Phase, Plan
from lldkit.elevator.rollout import Rollout

__all__ = ["LookAhead"]

NOBODY: Final = frozenset[int]()


class LookAhead:
    """For each thing that a car could do, simple rules are played forward until nobody waits; the cheapest is done.

    An empty car may head for any call, also for one that another car heads for, or for none; a car with riders may stop
    for a call on its way, or pass. The cost is the sum of the squared waits that is expected, of who pressed and of who
    joined since. `park` sends idle cars apart, to where people come from.

    Knows what a controller can know; given an `OracleView` it knows the queues (the ESA of Crites & Barto 1995).
    `rollouts` bounds the things that are tried for one decision (None: no bound); when they, or the seconds of the
    controller, are used up before one was tried, the oldest calls go to the nearest cars (`LongestQueueFirst`).
    """

    def __init__(self, *, park: bool = True, rollouts: int | None = None) -> None:
        self.park = park
        self.rollouts = None if rollouts is None else check_count("rollouts", rollouts)

    def plan(self, view: GroupView) -> Plan:
        """What was cheapest for the car that decides, and for idle cars."""
        targets: dict[int, tuple[HallCall, ...]] = {}
        pick_up: frozenset[tuple[int, HallCall]] = frozenset()
        if view.hall_calls:
            choice = _Choice(view, self.rollouts)
            pick_up = choice.pick_up()
            for car in view.cars:
                if is_free(car) and (car.id == view.deciding or car.phase is Phase.IDLE):
                    choice.head(car)
            if choice.tried == 0:
                return Plan(first_come(view))
            targets = choice.targets()
        return Plan(targets, pick_up, _apart(view, targets) if self.park else {})


class _Choice:
    """What each car is to do, decided one after the other."""

    def __init__(self, view: GroupView, most: int | None) -> None:
        self.view, self.most, self.tried = view, most, 0
        self.rollout = Rollout(view)
        self.heads: dict[int, int] = {}  # by car the number of a call
        self.resting = NOBODY
        for car in view.cars:
            if is_free(car) and car.heading in view.hall_calls:
                number = view.hall_calls.index(car.heading)
                if number not in self.heads.values():
                    self.heads[car.id] = number

    def spent(self) -> bool:
        """Whether the time for planning is over."""
        return self.view.spent() or (self.most is not None and self.tried >= self.most)

    def pick_up(self) -> frozenset[tuple[int, HallCall]]:
        """Whether the car that decides stops with its riders for a call where it is."""
        car = None if self.view.deciding is None else self.view.cars[self.view.deciding]
        number = None if car is None else self.rollout.number.get((car.floor, car.direction))
        if car is None or number is None or not car.car_calls or self.spent():
            return frozenset()
        stops = self._cost(self.heads, NOBODY) <= self._cost(self.heads, NOBODY, car.id)
        return frozenset({(car.id, self.view.hall_calls[number])} if stops else ())

    def head(self, car: CarView) -> None:
        """Send a car without riders where it costs least."""
        best: tuple[float, dict[int, int], frozenset[int]] | None = None
        for heads, resting in self._candidates(car):
            if self.spent():
                break
            cost = self._cost(heads, resting)
            if best is None or cost < best[0] - 1e-6:
                best = cost, heads, resting
        if best is not None:
            _, self.heads, self.resting = best

    def _candidates(self, car: CarView) -> Iterator[tuple[dict[int, int], frozenset[int]]]:
        """Where a car could go: on to its call, to one that nobody heads for, nowhere, to the call of another car."""
        others = {number: call for number, call in self.heads.items() if number != car.id}
        kept, taken = self.heads.get(car.id), set(others.values())
        able = [n for n, call in enumerate(self.view.hall_calls) if can_answer(self.view, car, call)]
        for number in sorted((n for n in able if n not in taken), key=lambda n: n != kept):
            yield {**others, car.id: number}, self.resting
        yield others, self.resting | {car.id}
        for number in (n for n in able if n in taken):
            left = {other: call for other, call in others.items() if call != number}
            yield {**left, car.id: number}, self.resting

    def _cost(self, heads: dict[int, int], resting: frozenset[int], passing: int | None = None) -> float:
        self.tried += 1
        return self.rollout.cost(heads, resting, passing)[0]

    def targets(self) -> dict[int, tuple[HallCall, ...]]:
        """The calls of each car, in order: the one it heads for, and those that it will answer later."""
        view, calls = self.view, self.view.hall_calls
        targets: dict[int, tuple[HallCall, ...]] = {car: (calls[number],) for car, number in self.heads.items()}
        later = {} if self.spent() else self.rollout.cost(self.heads, self.resting)[1]
        for number, car in later.items():
            if number not in self.heads.values() and can_answer(view, view.cars[car], calls[number]):
                targets[car] = (*targets.get(car, ()), calls[number])
        return targets


def _apart(view: GroupView, targets: dict[int, tuple[HallCall, ...]]) -> dict[int, int]:
    """Where idle cars stand: each in an equal share of those who may come, as high in it as the part that goes down.

    For a car that comes down stops for those below it.
    """
    idle = sorted((car for car in view.cars if is_free(car) and not targets.get(car.id)), key=_place)
    floors, goals = range(view.building.floors), dict[int, int]()
    down, up = ([view.rates.get((floor, way), 0.0) for floor in floors] for way in (Direction.DOWN, Direction.UP))
    coming = [d + u for d, u in zip(down, up, strict=True)] if any(down) or any(up) else [1.0 for _ in floors]
    height, share, before = sum(down) / sum(coming), sum(coming) / max(1, len(idle)), 0.0
    for floor, people in enumerate(coming):
        before += people
        while people and len(goals) < len(idle) and before >= share * (len(goals) + height) - 1e-9:
            goals[idle[len(goals)].id] = floor
    return {car: floor for car, floor in goals.items() if view.building.serves(car, floor)}


def _place(car: CarView) -> tuple[int, int]:
    return car.floor, car.id
