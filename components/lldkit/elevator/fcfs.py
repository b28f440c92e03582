"""First come, first served: a call at a time."""

from lldkit.elevator.candidates import first_come
from lldkit.elevator.interface import GroupView, Plan

__all__ = ["Fcfs"]


class Fcfs:
    """An empty car heads for the oldest call that nobody heads for, and stops for no other call on its way.

    Fair, and wasteful: every call costs a trip. O(cars x calls).
    """

    def plan(self, view: GroupView) -> Plan:
        """The oldest calls for the cars that want one, and no pick-ups."""
        return Plan(first_come(view), pick_up="own")
