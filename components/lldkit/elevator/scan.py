"""SCAN: cars sweep from one end of the building to the other."""

from lldkit.elevator.candidates import can_answer, wanting
from lldkit.elevator.interface import GroupView, HallCall, Plan

__all__ = ["Scan"]


class Scan:
    """While anybody waits, each empty car runs on to the end of the building, and picks up who goes its way.

    As the arm of a disk does; `Look` turns earlier. The wait is bounded by two sweeps. O(cars x calls).
    """

    def plan(self, view: GroupView) -> Plan:
        """The next call ahead for each car that wants one; with none ahead, the end of the sweep."""
        targets, cars = wanting(view)
        taken = {call for calls in targets.values() for call in calls}
        park: dict[int, int] = {}
        for car in cars:
            calls = [call for call in view.hall_calls if call not in taken and can_answer(view, car, call)]
            if not calls:
                continue
            ends = [floor for floor in range(view.building.floors) if view.building.serves(car.id, floor)]
            end = max(ends) if car.direction > 0 else min(ends)
            at_end = car.floor == end
            way = -car.direction if at_end else int(car.direction)
            here = [call for call in calls if call.direction == way and (call.floor - car.floor) * way >= 0]
            if here:
                targets[car.id] = (_first(here, car.floor),)
                taken.update(targets[car.id])
            elif at_end:
                targets[car.id] = (_first(calls, car.floor),)
                taken.update(targets[car.id])
            else:
                park[car.id] = end
        return Plan(targets, park=park)


def _first(calls: list[HallCall], floor: int) -> HallCall:
    return min(calls, key=lambda call: abs(call.floor - floor))
