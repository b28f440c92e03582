"""LOOK: a car serves what is ahead of it, and turns when nothing is."""

from lldkit.elevator.candidates import can_answer, wanting
from lldkit.elevator.interface import CarView, GroupView, HallCall, Plan

__all__ = ["Look", "look", "order"]


class Look:
    """Each empty car keeps its direction while a call that nobody heads for is ahead, then turns.

    Ahead it takes the nearest call that goes its way, else the farthest one that goes back. No caller waits for ever:
    between two passes of a car every call is passed once. O(cars x calls).
    """

    def plan(self, view: GroupView) -> Plan:
        """The next call of each car that wants one."""
        return look(view)


def look(view: GroupView, only: int | None = None) -> Plan:
    """The plan of `Look`; `only` for one car, as if it were alone."""
    targets, cars = wanting(view)
    if only is not None:
        targets, cars = {}, [view.cars[only]]
    taken = {call for calls in targets.values() for call in calls}
    for car in cars:
        calls = [call for call in view.hall_calls if call not in taken and can_answer(view, car, call)]
        if calls:
            target = min(calls, key=lambda call: order(car, call))
            taken.add(target)
            targets[car.id] = (target,)
    return Plan(targets)


def order(car: CarView, call: HallCall) -> tuple[int, int]:
    """A key by which the call comes first that a car answers first, if it keeps its direction as long as it can."""
    ahead = (call.floor - car.floor) * car.direction
    if call.direction is car.direction:
        return (0, ahead) if ahead >= 0 else (2, ahead)
    return 1, -ahead
