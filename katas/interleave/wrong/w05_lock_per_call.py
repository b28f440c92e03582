"""Interleavings: read them, and survive them."""

import threading
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
    """All balances under one lock."""

    def __init__(self, balances: dict[str, int]) -> None:
        self._lock, self._balances = threading.Lock(), dict(balances)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """Move `amount` if `source` has it; whether it was moved."""
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        if self._balance(source) < amount:
            return False
        self._set(source, self._balance(source) - amount)
        self._set(target, self._balance(target) + amount)
        return True

    def _balance(self, name: str) -> int:
        with self._lock:
            return self._balances[name]

    def _set(self, name: str, balance: int) -> None:
        with self._lock:
            self._balances[name] = balance

    def balances(self) -> dict[str, int]:
        """All balances at one moment."""
        with self._lock:
            return dict(self._balances)
