"""Look ahead: deal all calls out, play every car forward, and keep the deal that costs least."""

from lldkit.arguments import check_count, check_number
from lldkit.elevator.candidates import can_answer, first_come, is_free
from lldkit.elevator.interface import CarView, Direction, GroupView, Plan
from lldkit.elevator.routes import Errand, errand_of, pace_of, route

__all__ = ["LookAhead"]

PATIENCE = 120.0  # seconds; who has waited longer weighs ever more, so that a crowd elsewhere starves nobody
Dealt = tuple[int, ...]
"""The errands of a car in their order, as numbers."""


class LookAhead:
    """Every call is put into the route of one car, at the place where that adds least cost; then calls are moved.

    The cost of a call that is answered after w seconds is w² for who pressed, and w³/3 times the rate of those who
    joined since: the sum of the squared waits that are expected. A second of a car costs `price`, and `price_per_rate`
    more for each person per second who arrives: who will call next needs a free car. `park` sends idle cars apart, to
    where people come from. A car stops on its way for its own calls only; to pass a floor is a decision, too.

    Knows what a controller can know; given an `OracleView` it knows the queues (the ESA of Crites & Barto 1995).
    `estimates` bounds the routes that are tried for one decision (None: no bound); when they, or the seconds of the
    controller, are used up before every call has a car, the oldest calls go to the nearest cars (`LongestQueueFirst`).
    """

    def __init__(
        self,
        *,
        park: bool = True,
        price: float = 30.0,
        price_per_rate: float = 60.0,
        rounds: int = 2,
        estimates: int | None = None,
    ) -> None:
        self.park = park
        self.price = check_number("price", price)
        self.price_per_rate = check_number("price_per_rate", price_per_rate)
        self.rounds = check_count("rounds", rounds)
        self.estimates = None if estimates is None else check_count("estimates", estimates, least=1)

    def plan(self, view: GroupView) -> Plan:
        """The cheapest deal that was found."""
        deal = _Deal(view, self.price + self.price_per_rate * sum(view.rates.values()), self.estimates)
        if not deal.all_out():
            return Plan(first_come(view))
        for _ in range(self.rounds):
            if not deal.improve():
                break
        calls = deal.errands
        targets = {car: tuple(calls[number].call for number in mine) for car, mine in deal.dealt.items() if mine}
        return Plan(targets, "own", self._apart(view, deal) if self.park else {})

    @staticmethod
    def _apart(view: GroupView, deal: "_Deal") -> dict[int, int]:
        """Where idle cars stand: each in the middle of an equal share of those who may come."""
        idle = sorted((car for car in view.cars if is_free(car) and not deal.dealt[car.id]), key=_place)
        if not idle:
            return {}
        floors = range(view.building.floors)
        coming = [sum(view.rates.get((floor, way), 0.0) for way in Direction) for floor in floors]
        if not any(coming):
            coming = [1.0 for _ in floors]
        goals: dict[int, int] = {}
        share, before = sum(coming) / len(idle), 0.0
        for floor, people in enumerate(coming):
            before += people
            while len(goals) < len(idle) and before >= share * (len(goals) + 0.5) - 1e-9:
                goals[idle[len(goals)].id] = floor
        return {car: floor for car, floor in goals.items() if view.building.serves(car, floor)}


def _place(car: CarView) -> tuple[int, int]:
    return car.floor, car.id


class _Deal:
    """Which car answers which calls in which order, and what that costs."""

    def __init__(self, view: GroupView, price: float, estimates: int | None) -> None:
        self.view, self.price, self.left = view, price, estimates
        self.errands = [errand_of(view, call) for call in view.hall_calls]
        self.cars = [car for car in view.cars if car.in_service]
        self.dealt: dict[int, Dealt] = {car.id: () for car in view.cars}
        self._paces = [pace_of(view.building, car.id) for car in view.cars]
        self._costs: dict[tuple[int, Dealt], float] = {}

    def all_out(self) -> bool:
        """Deal all calls out, oldest first; False when the time was too short."""
        for number in range(len(self.errands)):
            if self.spent():
                return False
            self._insert(number)
        return True

    def improve(self) -> bool:
        """Take each call out, and put it where it now costs least; whether any moved."""
        moved = False
        for number in range(len(self.errands)):
            if self.spent():
                return False
            before = self.dealt
            self.dealt = {car: tuple(n for n in mine if n != number) for car, mine in before.items()}
            self._insert(number)
            if self._total(self.dealt) < self._total(before) - 1e-9:
                moved = True
            else:
                self.dealt = before
        return moved

    def spent(self) -> bool:
        """Whether the time for planning is over."""
        return self.view.spent() or (self.left is not None and len(self._costs) >= self.left)

    def _insert(self, number: int) -> None:
        """Put a call where it adds least; nowhere, when no car can answer it."""
        errand, best = self.errands[number], None
        for car in self.cars:
            if not can_answer(self.view, car, errand.call):
                continue
            mine = self.dealt[car.id]
            cost = self._cost(car, mine)
            for place in range(len(mine) + 1):
                longer = (*mine[:place], number, *mine[place:])
                more = self._cost(car, longer) - cost
                if best is None or more < best[0] - 1e-9:
                    best = more, car.id, longer
        if best is not None:
            self.dealt = {**self.dealt, best[1]: best[2]}

    def _total(self, dealt: dict[int, Dealt]) -> float:
        return sum(self._cost(car, dealt[car.id]) for car in self.cars)

    def _cost(self, car: CarView, mine: Dealt) -> float:
        key = car.id, mine
        known = self._costs.get(key)
        if known is None:
            errands = [self.errands[number] for number in mine]
            waits, seconds = route(car, self._paces[car.id], errands)
            waiting = sum([_squared_waits(errand, wait) for errand, wait in zip(errands, waits, strict=True)])
            known = self._costs[key] = waiting + self.price * seconds
        return known


def _squared_waits(errand: Errand, wait: float) -> float:
    """Expected sum of the squared waits of a queue whose doors open in `wait` seconds, and more for the very patient.

    One person pressed; the others of the queue came evenly since then, and more come at the rate.
    """
    whole, joined = errand.age + wait, errand.queue - 1.0
    others = joined * (whole * whole + whole * wait + wait * wait) / 3.0
    pressed = whole * whole * (1.0 + (whole / PATIENCE) ** 2)
    return pressed + others + errand.rate * wait * wait * wait / 3.0
