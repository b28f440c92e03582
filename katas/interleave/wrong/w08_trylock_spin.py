"""Interleavings: read them, and survive them."""

import threading
from contextlib import ExitStack
from collections.abc import Sequence
from itertools import pairwise


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
    """Each balance under a lock of its own."""

    def __init__(self, balances: dict[str, int]) -> None:
        self._locks, self._balances = {name: threading.Lock() for name in balances}, dict(balances)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """Move `amount` if `source` has it; whether it was moved."""
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        if source == target:
            return self._balances[source] >= amount
        while True:
            with self._locks[source]:
                if self._locks[target].acquire(blocking=False):
                    try:
                        return self._move(source, target, amount)
                    finally:
                        self._locks[target].release()

    def _move(self, source: str, target: str, amount: int) -> bool:
        if self._balances[source] < amount:
            return False
        self._balances[source] -= amount
        self._balances[target] += amount
        return True

    def balances(self) -> dict[str, int]:
        """All balances at one moment."""
        with ExitStack() as stack:
            for name in sorted(self._locks):
                stack.enter_context(self._locks[name])
            return dict(self._balances)
