"""Sectors: each car has its part of the building."""

from collections.abc import Sequence

from lldkit.elevator.candidates import can_answer, is_free
from lldkit.elevator.interface import GroupView, HallCall, Plan

__all__ = ["Sector"]


class Sector:
    """A car answers the calls of its zone, oldest first, and stops for no others on its way.

    `zones` are sets of floors, one per car (None: floors divided evenly, in order). A call of a zone whose car cannot
    come goes to the next car that can. Keeps cars apart, and lets them idle beside a crowd. O(cars x calls).
    """

    def __init__(self, zones: Sequence[frozenset[int]] | None = None) -> None:
        if zones is not None and (not zones or not all(zones)):
            raise ValueError(f"zones must be sets of at least one floor each, got {zones!r}")
        self.zones = None if zones is None else tuple(zones)

    def plan(self, view: GroupView) -> Plan:
        """Every call to the car of its zone."""
        targets: dict[int, tuple[HallCall, ...]] = {}
        count = len(view.cars)
        for call in view.hall_calls:
            home = self._zone(call.floor, view.building.floors, count)
            cars = [view.cars[(home + step) % count] for step in range(count)]
            able = [car for car in cars if car.in_service and can_answer(view, car, call)]
            if able:
                targets[able[0].id] = (*targets.get(able[0].id, ()), call)
        for car in view.cars:
            if is_free(car) and car.id != view.deciding and car.heading in targets.get(car.id, ()):
                targets[car.id] = tuple(sorted(targets[car.id], key=car.heading.__ne__))  # first what equals it
        return Plan(targets, pick_up="own")

    def _zone(self, floor: int, floors: int, cars: int) -> int:
        if self.zones is None:
            return floor * cars // floors
        return next((number for number, zone in enumerate(self.zones) if floor in zone), floor) % cars
