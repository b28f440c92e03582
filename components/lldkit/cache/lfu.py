"""LFU with ageing: evict what is used least, where old uses count less and less.

The counts are kept in buckets, one ordered set of entries per number of uses, and each bucket knows its neighbours, so
that no call searches (Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010).
"""

from collections import OrderedDict, defaultdict
from typing import ClassVar, Generic, TypeVar

from lldkit.arguments import check_count
from lldkit.cache.interface import Entry

__all__ = ["Lfu"]

K = TypeVar("K")


class _Bucket(Generic[K]):
    """The entries with so many uses, in a ring between the buckets of the next fewer and the next more uses."""

    __slots__ = ("entries", "fewer", "more", "uses")

    def __init__(self, uses: int) -> None:
        self.uses = uses
        self.entries: OrderedDict[Entry[K], None] = OrderedDict()
        self.fewer = self.more = self

    def follow(self, bucket: "_Bucket[K]") -> None:
        """Come into the ring behind `bucket`."""
        self.fewer, self.more = bucket, bucket.more
        self.more.fewer = bucket.more = self

    def leave(self) -> None:
        """Go out of the ring."""
        self.fewer.more, self.more.fewer = self.more, self.fewer


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
        self._end = _Bucket[K](0)  # closes the ring: behind it is the bucket of the fewest uses
        self._buckets: dict[int, _Bucket[K]] = {}

    def hit(self, entry: Entry[K]) -> None:
        """Count a use."""
        bucket = self._buckets[entry.uses]
        del bucket.entries[entry]
        self._put(entry, bucket.uses + 1, bucket)
        self._drop_if_empty(bucket)
        self._age()

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` with one use."""
        entry.place = 0
        self._put(entry, 1, self._end)
        self._age()

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        bucket = self._buckets[entry.uses]
        del bucket.entries[entry]
        self._drop_if_empty(bucket)

    def evict(self) -> Entry[K]:
        """Remove and return the least used."""
        bucket = self._end.more
        entry, _ = bucket.entries.popitem(last=False)
        self._drop_if_empty(bucket)
        return entry

    def _put(self, entry: Entry[K], uses: int, behind: _Bucket[K]) -> None:
        """Put `entry` last into the bucket of so many uses, whose place is behind another one."""
        bucket = behind.more
        if bucket.uses != uses:
            bucket = self._buckets[uses] = _Bucket(uses)
            bucket.follow(behind)
        entry.uses = uses
        bucket.entries[entry] = None

    def _drop_if_empty(self, bucket: _Bucket[K]) -> None:
        if not bucket.entries:
            bucket.leave()
            del self._buckets[bucket.uses]

    def _age(self) -> None:
        """Halve all counts when it is time; `place` has the count that was left the last time."""
        self._accesses += 1
        if self._period is None or self._accesses < self._period:
            return
        self._accesses = 0
        halved: defaultdict[int, list[Entry[K]]] = defaultdict(list)
        for uses in sorted(self._buckets):
            for entry in self._buckets[uses].entries:
                halved[1 if uses == entry.place else max(1, uses // 2)].append(entry)
        self._end = behind = _Bucket[K](0)
        self._buckets = {}
        for uses in sorted(halved):
            for entry in halved[uses]:
                entry.place = uses
                self._put(entry, uses, behind)
            behind = behind.more
