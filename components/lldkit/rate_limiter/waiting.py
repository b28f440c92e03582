"""Waiting in line: first come, first served per place, threads and tasks in one line.

Only the head of a line asks the store; everybody else waits for a turn, not for a time. So whoever leaves the line, for
whatever reason, moves the others up, and nobody overtakes.
"""

import threading
from collections import deque
from typing import Generic, TypeAlias, TypeVar

from lldkit.rate_limiter.interface import PlainKey
from lldkit.turns import Turn

__all__ = ["Lines", "Place", "Waiter"]

Place: TypeAlias = tuple[PlainKey, ...]
N = TypeVar("N")


class Waiter:
    """One caller in a line, and how many units it waits for."""

    __slots__ = ("cost", "turn")

    def __init__(self, cost: int, turn: Turn) -> None:
        self.cost = cost
        self.turn = turn


class _Line(Generic[N]):
    """Those who wait at one place, head first, and the last note the head left for newcomers."""

    __slots__ = ("note", "waiters")

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        self.note: N | None = None


class Lines(Generic[N]):
    """All lines of a limiter, at most `max_waiters` waiters in all. Safe for threads; each verb costs O(line)."""

    def __init__(self, max_waiters: int) -> None:
        self._max_waiters = max_waiters
        self._lock = threading.Lock()  # guards all below; no turn is given under it
        self._lines: dict[Place, _Line[N]] = {}
        self.waiters = 0

    def __contains__(self, place: Place) -> bool:
        return place in self._lines

    def join(self, place: Place, waiter: Waiter) -> bool:
        """Put `waiter` at the end of the line, with its turn if it is the head; False when no more may wait."""
        with self._lock:
            if self.waiters >= self._max_waiters:
                return False
            line = self._lines.setdefault(place, _Line())
            line.waiters.append(waiter)
            self.waiters += 1
            is_head = len(line.waiters) == 1
        if is_head:
            waiter.turn.give()
        return True

    def leave(self, place: Place, waiter: Waiter) -> None:
        """Take `waiter` out, wherever it stands; if it was the head the turn goes to the next."""
        with self._lock:
            line = self._lines[place]
            was_head = line.waiters[0] is waiter
            line.waiters.remove(waiter)
            self.waiters -= 1
            if not line.waiters:
                del self._lines[place]
        if was_head:
            self.wake_head(place)

    def wake_head(self, place: Place) -> None:
        """Give a turn to the head of the line, if there is one."""
        with self._lock:
            line = self._lines.get(place)
            head = line.waiters[0] if line else None
        if head:
            head.turn.give()

    def leave_note(self, place: Place, note: N) -> None:
        """Tell newcomers what the head was told."""
        with self._lock:
            self._lines[place].note = note

    def note(self, place: Place) -> tuple[N | None, int]:
        """The last note of the head, and the units for which those behind the head wait."""
        with self._lock:
            line = self._lines.get(place)
            return (line.note, sum(waiter.cost for waiter in list(line.waiters)[1:])) if line else (None, 0)
