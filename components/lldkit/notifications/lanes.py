"""Lanes: one for each priority, and how a batch is shared among them."""

from collections.abc import Mapping
from types import MappingProxyType

from lldkit.arguments import check_count
from lldkit.notifications.interface import Priority

__all__ = ["DEFAULT_LANES", "checked_lanes", "shares"]

DEFAULT_LANES: Mapping[Priority, int] = MappingProxyType(
    {Priority.CRITICAL: 8, Priority.HIGH: 4, Priority.NORMAL: 2, Priority.LOW: 1}
)
"""The weights of the lanes: of 15 messages 8 are critical, as long as there are so many."""


def checked_lanes(weights: Mapping[Priority, int]) -> dict[Priority, int]:
    """The weights, if every priority has one."""
    if missing := [priority.value for priority in Priority if priority not in weights]:
        raise ValueError(f"lanes must give a weight to every priority, got none for {', '.join(missing)}")
    return {priority: check_count(f"lanes[{priority}]", weights[priority], least=1) for priority in Priority}


def shares(weights: Mapping[Priority, int], size: int) -> dict[Priority, int]:
    """How many of a batch each lane may have, in proportion to its weight, but one at the least; the urgent come first.

    What a lane does not use the others may; so all together may have a few more than `size` promises.

    >>> [each for each in shares(DEFAULT_LANES, 100).values()]
    [53, 27, 13, 7]
    """
    total = sum(weights.values())
    return {priority: max(1, round(size * weights[priority] / total)) for priority in Priority}
