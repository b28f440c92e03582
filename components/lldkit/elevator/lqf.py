"""Longest queue first: an empty car heads for the oldest call."""

from lldkit.elevator.candidates import first_come
from lldkit.elevator.interface import GroupView, Plan

__all__ = ["LongestQueueFirst"]


class LongestQueueFirst:
    """An empty car heads for the oldest call that nobody heads for, and picks up on its way.

    The age of a call stands for the length of its queue (Crites & Barto 1995). No caller waits for ever: whoever is
    oldest is next. O(cars x calls).
    """

    def plan(self, view: GroupView) -> Plan:
        """The oldest calls for the cars that want one."""
        return Plan(first_come(view))
