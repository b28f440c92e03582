"""Nearest car: each call goes to the suitable car that is closest when the button is pressed, and stays with it."""

import warnings
from collections.abc import Callable

from lldkit.elevator.candidates import can_answer
from lldkit.elevator.interface import BaselineWarning, CarView, GroupView, HallCall, Plan
from lldkit.elevator.look import order

__all__ = ["NearestCar"]


class NearestCar:
    """The classic figure of suitability, for comparison only: a call keeps the car that was nearest at first.

    A car that comes towards a caller who goes its way is nearer than one that comes and must turn, and that is nearer
    than one that runs away. Bunches cars and makes the unlucky wait; using it warns with `BaselineWarning`. Remembers
    its choices: one object for one group. O(cars x calls).
    """

    def __init__(self) -> None:
        warnings.warn("NearestCar is here to be beaten; take LongestQueueFirst or LookAhead", BaselineWarning, 2)
        self._chosen: dict[HallCall, int] = {}

    def plan(self, view: GroupView) -> Plan:
        """Old calls to the cars they had, new ones to the nearest."""
        chosen: dict[HallCall, int] = {}
        for call in view.hall_calls:
            able = [car for car in view.cars if car.in_service and can_answer(view, car, call)]
            kept = self._chosen.get(call)
            if able:
                still = any(car.id == kept for car in able)
                chosen[call] = kept if still and kept is not None else min(able, key=_distance_to(view, call)).id
        self._chosen = chosen
        targets: dict[int, tuple[HallCall, ...]] = {}
        for car in view.cars:
            mine = [call for call, number in chosen.items() if number == car.id]
            if mine:
                targets[car.id] = tuple(sorted(mine, key=lambda call: order(car, call)))
        return Plan(targets, pick_up="own")


def _distance_to(view: GroupView, call: HallCall) -> Callable[[CarView], tuple[int, int]]:
    def distance(car: CarView) -> tuple[int, int]:
        ahead = (call.floor - car.floor) * car.direction
        if not car.car_calls and car.heading is None:
            return abs(ahead), car.id
        if ahead < 0:
            return 2 * view.building.floors + abs(ahead), car.id
        return ahead if call.direction is car.direction else view.building.floors + ahead, car.id

    return distance
