"""The cell from which everybody reads: one attribute load, always a whole version."""

import threading
from typing import Generic, TypeVar

from lldkit.snapshot.interface import Snapshot

__all__ = ["Cell", "is_newer"]

T = TypeVar("T")


def is_newer(new: Snapshot[T], current: Snapshot[T]) -> bool:
    """Whether `new` may follow: a higher version of one origin, or another origin, whose numbers begin anew.

    So a replica that lags behind is ignored, and a store that was wiped and made again is followed.
    """
    return new.origin != current.origin or new.version > current.version


class Cell(Generic[T]):
    """Holds the current snapshot. `current` is an attribute: reading it takes no lock and never waits.

    Safe for threads: writers take turns, and readers see the old snapshot or the new one, whole.
    """

    __slots__ = ("_turn", "current")

    def __init__(self, first: Snapshot[T]) -> None:
        self.current = first
        self._turn = threading.Lock()  # of the writers

    def swap(self, new: Snapshot[T]) -> bool:
        """Make `new` the current one, unless it is older or the same; say whether it was."""
        with self._turn:
            if not is_newer(new, self.current):
                return False
            self.current = new
            return True
