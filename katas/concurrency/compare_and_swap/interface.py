"""What every solution of this kata gets and gives."""

import threading
from typing import Protocol


class AtomicRef:
    """A reference with compare and swap. (Python has none for users; this one is made with a lock.)"""

    def __init__(self, value: object) -> None:
        """Hold the value."""
        self._one_step = threading.Lock()
        self._held = value

    def get(self) -> object:
        """What is there."""
        with self._one_step:
            return self._held

    def cas(self, expected: object, new: object) -> bool:
        """Put `new` there if what is there is `expected`; whether it was."""
        with self._one_step:
            if self._held is not expected:
                return False
            self._held = new
            return True


class Conflict(Exception):
    """Somebody else has written this key since you read it."""

    def __init__(self, key: object, expected: int, actual: int) -> None:
        """You expected one version, and there is another."""
        super().__init__(f"{key!r} has version {actual}, not {expected}")
        self.key, self.expected, self.actual = key, expected, actual


class CasCounter(Protocol):
    """The first class that you write. Safe for threads, and without a lock."""

    def __init__(self, ref: AtomicRef) -> None:
        """Count in `ref`."""

    def add(self, n: int = 1) -> int:
        """Add n; return the new value."""

    def value(self) -> int:
        """The present value."""


class VersionedStore(Protocol):
    """The second class that you write (level 2). Safe for threads, and without a lock."""

    def __init__(self, ref: AtomicRef) -> None:
        """Keep everything in `ref`."""

    def get(self, key: object) -> tuple[object, int]:
        """(value, version), or (None, 0)."""

    def put(self, key: object, value: object, expected: int) -> int:
        """Store it if the version is `expected`; the new version. Conflict otherwise."""
