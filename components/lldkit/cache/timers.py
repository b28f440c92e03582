"""Deadlines in their order: a heap whose cancelled members are emptied at once and swept when they are the majority.

A timing wheel would schedule in O(1) and round deadlines to its ticks; the heap is exact, and with one lifetime for all
entries, where deadlines arrive in order, it schedules in O(1) too.
"""

import heapq
from typing import Generic, TypeVar

__all__ = ["Timer", "Timers"]

T = TypeVar("T")


class Timer(Generic[T]):
    """What is to happen to `item` at `deadline`; cancelled, it holds no item any more."""

    __slots__ = ("deadline", "item", "number")

    def __init__(self, deadline: float, number: int, item: T) -> None:
        self.deadline = deadline
        self.number = number
        self.item: T | None = item

    def __lt__(self, other: "Timer[T]") -> bool:
        return (self.deadline, self.number) < (other.deadline, other.number)


class Timers(Generic[T]):
    """Timers by deadline, those of one deadline in the order they were set. At most half are cancelled ones.

    Not safe for threads by itself. `set` and `pop_due` are O(log n), `cancel` is O(1) amortised.
    """

    def __init__(self) -> None:
        self._heap: list[Timer[T]] = []
        self._number = 0
        self._cancelled = 0

    def __len__(self) -> int:
        """How many there are, cancelled ones included."""
        return len(self._heap)

    def set(self, item: T, deadline: float) -> Timer[T]:
        """Set a timer for `item`."""
        self._number += 1
        timer = Timer(deadline, self._number, item)
        heapq.heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer[T]) -> None:
        """Forget a timer that is set."""
        timer.item = None
        self._cancelled += 1
        if self._cancelled > 64 + len(self._heap) // 2:
            self._heap = [timer for timer in self._heap if timer.item is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def pop_due(self, now: float) -> T | None:
        """Take the item of the earliest deadline out if that is `now` or before."""
        while self._heap and self._heap[0].deadline <= now:
            item = heapq.heappop(self._heap).item
            if item is not None:
                return item
            self._cancelled -= 1
        return None
