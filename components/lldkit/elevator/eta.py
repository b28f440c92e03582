"""Estimated time of arrival: each call to the car that makes everybody wait least."""

import math

from lldkit.arguments import check_number
from lldkit.elevator.candidates import can_answer
from lldkit.elevator.interface import CarView, GroupView, HallCall, Plan
from lldkit.elevator.routes import Errand, Pace, errand_of, pace_of, route

__all__ = ["Eta"]


class Eta:
    """Calls, oldest first, are put at the end of the route that then has the least sum of waits to a `power`.

    A power above 1 weighs those who have waited long, so that nobody starves. O(cars x calls²) estimates.
    """

    def __init__(self, power: float = 2.0) -> None:
        self.power = check_number("power", power, least=1.0)

    def plan(self, view: GroupView) -> Plan:
        """All calls, dealt out one by one."""
        paces = [pace_of(view.building, car.id) for car in view.cars]
        routes: dict[int, tuple[Errand, ...]] = {car.id: () for car in view.cars if car.in_service}
        costs = dict.fromkeys(routes, 0.0)
        for call in view.hall_calls:
            errand = errand_of(view, call)
            best: tuple[float, int, float] | None = None
            for number, errands in routes.items():
                if can_answer(view, view.cars[number], call):
                    cost = self._cost(view.cars[number], paces[number], (*errands, errand))
                    if best is None or cost - costs[number] < best[0]:
                        best = cost - costs[number], number, cost
            if best is not None:
                _, number, costs[number] = best
                routes[number] += (errand,)
        targets: dict[int, tuple[HallCall, ...]] = {
            number: tuple(errand.call for errand in errands) for number, errands in routes.items() if errands
        }
        return Plan(targets)

    def _cost(self, car: CarView, pace: Pace, errands: tuple[Errand, ...]) -> float:
        waits = route(car, pace, errands).waits
        return math.fsum((errand.age + wait) ** float(self.power) for errand, wait in zip(errands, waits, strict=True))
