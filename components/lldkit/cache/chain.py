"""A queue of entries that hangs on their own links: it takes no memory, and who is in the middle leaves in O(1)."""

from typing import Any, Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["Chain"]

K = TypeVar("K")


class Chain(Generic[K]):
    """Entries in the order in which they came, and their `weight` together. An entry is in one chain at a time.

    The links make a ring, closed by an entry of its own, so that nobody is first or last. Not safe for threads; O(1).
    """

    __slots__ = ("_end", "weight")

    def __init__(self) -> None:
        self._end: Any = Entry(None)
        self._end.older = self._end.newer = self._end
        self.weight = 0

    def push(self, entry: Entry[K]) -> None:
        """Put `entry` last."""
        end = self._end
        older = end.older
        entry.older, entry.newer = older, end
        older.newer = end.older = entry
        self.weight += entry.weight

    def pop(self) -> Entry[K] | None:
        """Remove and return the first; None when there is none."""
        end, entry = self._end, self._end.newer
        if entry is end:
            return None
        end.newer = newer = entry.newer
        newer.older = end
        entry.older = entry.newer = None
        self.weight -= entry.weight
        return entry  # type: ignore[no-any-return]

    def remove(self, entry: Entry[K]) -> None:
        """Take `entry` out, which is in this chain."""
        older: Any = entry.older
        newer: Any = entry.newer
        older.newer, newer.older = newer, older
        entry.older = entry.newer = None
        self.weight -= entry.weight
