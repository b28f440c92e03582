"""Highest unanswered floor first: an empty car heads for the top of the building."""

from lldkit.elevator.candidates import first_come
from lldkit.elevator.interface import GroupView, Plan

__all__ = ["HighestFirst"]


class HighestFirst:
    """An empty car heads for the highest call that nobody heads for, and picks up on its way down.

    For down-peak traffic (Crites & Barto 1995 call it BASIC HUFF). The lowest floors wait longest. O(cars x calls).
    """

    def plan(self, view: GroupView) -> Plan:
        """The highest calls for the cars that want one."""
        return Plan(first_come(view, lambda call: (-call.floor, call.direction)))
