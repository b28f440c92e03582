"""SIEVE: a queue with a hand that spares what was used since it last came by.

Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI 2024. The hand walks from the oldest entry to the
newest. An entry that was used loses its mark and stays where it is; the first one without a mark goes.
"""

from typing import ClassVar, Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["Sieve"]

K = TypeVar("K")


class Sieve(Generic[K]):
    """One mark per entry, and nothing moves on a hit. Not safe for threads by itself; every call is O(1) amortised."""

    hit_is_atomic: ClassVar[bool] = True

    def __init__(self, maxsize: int) -> None:
        del maxsize  # the hand alone decides
        self._oldest: Entry[K] | None = None
        self._newest: Entry[K] | None = None
        self._hand: Entry[K] | None = None

    def hit(self, entry: Entry[K]) -> None:
        """Mark `entry`."""
        entry.uses += 1

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` at the young end, without a mark."""
        entry.uses = 0
        entry.older, entry.newer = self._newest, None
        if self._newest is None:
            self._oldest = entry
        else:
            self._newest.newer = entry
        self._newest = entry

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`; a hand that rests on it moves on."""
        older, newer = entry.older, entry.newer
        if self._hand is entry:
            self._hand = newer
        if older is None:
            self._oldest = newer
        else:
            older.newer = newer
        if newer is None:
            self._newest = older
        else:
            newer.older = older
        entry.older = entry.newer = None

    def evict(self) -> Entry[K]:
        """Remove and return the first entry from the hand on that has no mark; all marks it passes are taken."""
        entry = self._hand or self._oldest
        while entry is not None and entry.uses:
            entry.uses = 0
            entry = entry.newer or self._oldest
        if entry is None:
            raise KeyError("there is nothing to evict")
        self._hand = entry
        self.remove(entry)
        return entry
