"""Waiting in line: first come, first served per key, and only the head of a line keeps the time.

The head holds a promise of the store (or asks again when the algorithm makes none) and sleeps until it may act; then it
hands the turn to the next. Everybody else waits for a turn, not for a time, so whoever leaves the line, for whatever
reason, moves the others up. The head also sends away those behind it who can no longer be served in time.
"""

import asyncio
import threading
from collections import deque
from typing import Protocol, TypeAlias

from lldkit.rate_limiter.decision import Decision
from lldkit.rate_limiter.interface import MICRO, PlainKey

__all__ = ["Line", "Lines", "Place", "TaskTurn", "ThreadTurn", "Turn", "Waiter"]

Place: TypeAlias = tuple[PlainKey, ...]


class Turn(Protocol):
    """How a waiter is told that it is its turn; `give` may be called from any thread, and twice."""

    def give(self) -> None:
        """Wake the waiter."""
        ...


class ThreadTurn:
    """A turn for which a thread waits."""

    def __init__(self) -> None:
        self._given = threading.Event()

    def give(self) -> None:
        """Wake the thread."""
        self._given.set()

    def wait(self) -> None:
        """Block until the turn is given."""
        self._given.wait()


class TaskTurn:
    """A turn for which a task of the running loop waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._given = asyncio.Event()

    def give(self) -> None:
        """Wake the task; harmless when its loop is gone."""
        try:
            self._loop.call_soon_threadsafe(self._given.set)
        except RuntimeError:  # the loop is closed, and the waiter with it
            return

    async def wait(self) -> None:
        """Suspend until the turn is given."""
        await self._given.wait()


class Waiter:
    """One caller in a line. `deadline` is in monotonic seconds and may be `math.inf`."""

    __slots__ = ("cost", "deadline", "expected", "sent_away", "turn")

    def __init__(self, cost: int, deadline: float, turn: Turn) -> None:
        self.cost = cost
        self.deadline = deadline
        self.turn = turn
        self.expected = 0.0  # when it was to be served, when it joined; 0.0 while nobody knew
        self.sent_away = False


class Line:
    """Those who wait at one place, head first, and what the head was last told."""

    __slots__ = ("_told", "_told_at", "waiters")

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        self._told: Decision | None = None
        self._told_at = 0.0

    def served_at(self, units: int) -> float:
        """When the last of `units` behind the head will be served if nobody cuts in; 0.0 while nobody knows."""
        if self._told is None:
            return 0.0
        return self._told_at + self._told.served_after_us(units) / MICRO

    def tell_head(self, decision: Decision, now: float) -> list[Waiter]:
        """Note what the head was told; take out and return those behind it who cannot be served in time any more."""
        self._told, self._told_at = decision, now
        if self.served_at(0) <= self.waiters[0].expected:
            return []  # it is no later than was thought, so neither is anybody behind it
        late, units = [], 0
        for waiter in list(self.waiters)[1:]:
            if self.served_at(units + waiter.cost) > waiter.deadline:
                late.append(waiter)
                waiter.sent_away = True
                self.waiters.remove(waiter)
            else:
                units += waiter.cost
        return late


class Lines:
    """All lines of a limiter, at most `max_waiters` waiters in all. Safe for threads; joining costs O(line)."""

    def __init__(self, max_waiters: int) -> None:
        self._max_waiters = max_waiters
        self._lock = threading.Lock()  # guards all below; no turn is given under it
        self._lines: dict[Place, Line] = {}
        self.waiters = 0

    def __contains__(self, place: Place) -> bool:
        return place in self._lines

    def join(self, place: Place, waiter: Waiter) -> bool:
        """Put `waiter` at the end of the line, with its turn if it is the head; False when no more may wait."""
        with self._lock:
            if self.waiters >= self._max_waiters:
                return False
            line = self._lines.get(place)
            if line is None:
                line = self._lines[place] = Line()
            else:
                waiter.expected = line.served_at(sum(w.cost for w in line.waiters) - line.waiters[0].cost + waiter.cost)
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
            self.waiters -= 1
            if waiter.sent_away:
                return
            was_head = line.waiters[0] is waiter
            line.waiters.remove(waiter)
            if not line.waiters:
                del self._lines[place]
            next_head = line.waiters[0] if was_head and line.waiters else None
        if next_head:
            next_head.turn.give()

    def tell_head(self, place: Place, decision: Decision, now: float) -> None:
        """Note what the head was told, and wake those whom that makes too late."""
        with self._lock:
            late = self._lines[place].tell_head(decision, now)
        for waiter in late:
            waiter.turn.give()
