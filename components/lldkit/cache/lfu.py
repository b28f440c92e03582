"""LFU with ageing: evict what is used least, where old uses count less and less.

The counts are kept in buckets, one ordered set of entries per number of uses, and the lowest number is remembered, so
that no call searches (Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010).
"""

from collections import OrderedDict, defaultdict
from typing import ClassVar, Generic, TypeVar

from lldkit.arguments import check_count
from lldkit.cache.interface import Entry

__all__ = ["Lfu"]

K = TypeVar("K")


class Lfu(Generic[K]):
    """Least frequently used; among equals, the one that has had its count for longest.

    Every `halve_every` x `maxsize` accesses all counts are halved, and what was not used since the last time begins
    anew, so that what was popular once is forgotten; None keeps counts for ever, which is the textbook's LFU. Not safe
    for threads by itself. Every call is O(1) amortised.
    """

    hit_is_atomic: ClassVar[bool] = False

    def __init__(self, maxsize: int, *, halve_every: int | None = 10) -> None:
        self._period = None if halve_every is None else maxsize * check_count("halve_every", halve_every, least=1)
        self._accesses = 0
        self._lowest = 1
        self._buckets: defaultdict[int, OrderedDict[Entry[K], None]] = defaultdict(OrderedDict)

    def hit(self, entry: Entry[K]) -> None:
        """Count a use."""
        bucket = self._buckets[entry.uses]
        del bucket[entry]
        if not bucket:
            self._drop(entry.uses)
        entry.uses += 1
        self._buckets[entry.uses][entry] = None
        self._age()

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` with one use."""
        entry.uses = self._lowest = 1
        entry.place = 0
        self._buckets[1][entry] = None
        self._age()

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        bucket = self._buckets[entry.uses]
        del bucket[entry]
        if not bucket:
            del self._buckets[entry.uses]
            self._lowest = min(self._buckets, default=1)

    def evict(self) -> Entry[K]:
        """Remove and return the least used."""
        bucket = self._buckets[self._lowest]
        entry, _ = bucket.popitem(last=False)
        if not bucket:
            del self._buckets[self._lowest]
            self._lowest = min(self._buckets, default=1)
        return entry

    def _drop(self, uses: int) -> None:
        """Remove a bucket whose last entry is about to move to the next one."""
        del self._buckets[uses]
        if self._lowest == uses:
            self._lowest += 1

    def _age(self) -> None:
        """Halve all counts when it is time; `place` has the count that was left the last time."""
        self._accesses += 1
        if self._period is None or self._accesses < self._period:
            return
        self._accesses = 0
        old, self._buckets = self._buckets, defaultdict(OrderedDict)
        for uses, bucket in sorted(old.items()):
            for entry in bucket:
                entry.uses = 1 if uses == entry.place else max(1, uses // 2)
                entry.place = entry.uses
                self._buckets[entry.uses][entry] = None
        self._lowest = min(self._buckets, default=1)
