"""The core of the laboratories: things that happen at set times, one after the other."""

import heapq
import math
from collections.abc import Callable
from typing import Any

__all__ = ["Events"]


class Events:
    """A heap of (time, order, action, argument): `run` takes them out by time, and at one time in the order of arrival.

    `now` is the time of the action that runs, in seconds from 0. Not safe for threads. O(log n) per event of n pending.

    >>> events = Events()
    >>> events.after(2.0, print, "second")
    >>> events.after(1.0, print, "first")
    >>> events.run()
    first
    second
    >>> events.now
    2.0
    """

    __slots__ = ("_heap", "_order", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[Any], object], Any]] = []
        self._order = 0

    def after(self, seconds: float, action: Callable[[Any], object], argument: Any = None) -> None:
        """Let `action(argument)` happen `seconds` (>= 0) from now."""
        self._order += 1
        heapq.heappush(self._heap, (self.now + seconds, self._order, action, argument))

    def run(self, until: float = math.inf) -> None:
        """Let everything happen that is due before `until`; actions may add more."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] < until:
            self.now, _, action, argument = pop(heap)
            action(argument)
