"""Interleavings: read them, and survive them."""

import threading
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from interface import Closed


class Lab:
    """Everything about interleavings."""

    def preemptions(self, timeline: Sequence[str]) -> list[int]:
        """The steps after which a thread was interrupted."""
        threads = [line.split()[0] for line in timeline]
        switches = [step for step, (one, other) in enumerate(pairwise(threads)) if one != other]
        return [step for step in switches if threads[step] in threads[step + 1 :]]

    def fatal(self, timeline: Sequence[str]) -> int | None:
        """The preemption that lost an update."""
        steps = [line.split() for line in timeline]
        for write, (thread, verb, name) in enumerate(steps):
            mine = [step for step in range(write) if steps[step][0] == thread and steps[step][2] == name]
            if verb == "writes" and mine and steps[mine[-1]][1] == "reads":
                between = [step for step in range(mine[-1], write) if steps[step][1:] == ["writes", name]]
                if between:
                    return max(step for step in range(between[0]) if steps[step][0] == thread)
        return None

    def counter(self) -> "Counter":
        """A counter for threads, at 0."""
        return Counter()

    def bank(self, balances: dict[str, int]) -> "Bank":
        """Accounts for threads."""
        return Bank(balances)

    def queue(self, capacity: int) -> "Queue":
        """A bounded queue that can be closed."""
        return Queue(capacity)


class Counter:
    """A number under a lock."""

    def __init__(self) -> None:
        self._lock, self._value = threading.Lock(), 0

    def add(self, amount: int) -> int:
        """Add, and return the new value."""
        with self._lock:
            self._value += amount
            return self._value

    def value(self) -> int:
        """The value now."""
        return self._value  # a single read needs no lock


class Bank:
    """All balances under one lock."""

    def __init__(self, balances: dict[str, int]) -> None:
        self._lock, self._balances = threading.Lock(), dict(balances)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """Move `amount` if `source` has it; whether it was moved."""
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            if self._balances[source] < amount:
                return False
            self._balances[source] -= amount
            self._balances[target] += amount
            return True

    def balances(self) -> dict[str, int]:
        """All balances at one moment."""
        with self._lock:
            return dict(self._balances)


class Queue:
    """A bounded queue on one condition."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a queue has room for 1 item at least, got {capacity}")
        self._capacity, self._items, self._closed = capacity, deque[Any](), False
        self._lock = threading.Lock()
        self._not_full = self._not_empty = threading.Condition(self._lock)

    def put(self, item: Any) -> None:
        """Append, as soon as there is room."""
        with self._lock:
            while len(self._items) == self._capacity and not self._closed:
                self._not_full.wait()
            if self._closed:
                raise Closed
            self._items.append(item)
            self._not_empty.notify()

    def get(self) -> Any:
        """Take the oldest, as soon as there is one."""
        with self._lock:
            while not self._items and not self._closed:
                self._not_empty.wait()
            if not self._items:
                raise Closed
            self._not_full.notify()
            return self._items.popleft()

    def close(self) -> None:
        """Take nothing any more, and tell all who wait."""
        with self._lock:
            self._closed = True
            self._not_full.notify_all()
            self._not_empty.notify_all()
