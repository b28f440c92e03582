"""S3-FIFO: three queues, of which a small one filters what is used once.

Yang, Zhang, Qiu, Yue, Vigfusson, "FIFO queues are all you need for cache eviction", SOSP 2023. Newcomers enter a small
queue. Who was used twice there moves to the main queue; the others leave, and only their keys stay for a while in a
ghost queue: who is asked for again while remembered there goes straight to main. In main, each use buys one more round.
"""

from collections import OrderedDict
from typing import ClassVar, Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["S3Fifo"]

K = TypeVar("K")


class S3Fifo(Generic[K]):
    """Small, main and ghost queues of 10, 90 and 90 % of `maxsize`; a use is a counter up to 3.

    The counter is let run and read as at most 3, which is the same and makes a hit one addition. Not safe for threads
    by itself; every call is O(1) amortised.
    """

    hit_is_atomic: ClassVar[bool] = True

    def __init__(self, maxsize: int) -> None:
        self._small_size = maxsize // 10
        self._main_size = maxsize - self._small_size
        self._ghost_size = maxsize * 9 // 10
        self._small: OrderedDict[Entry[K], None] = OrderedDict()
        self._main: OrderedDict[Entry[K], None] = OrderedDict()
        self._ghosts: OrderedDict[K, int] = OrderedDict()  # key -> weight
        self._small_weight = self._main_weight = self._ghost_weight = 0
        self._has_evicted = False

    def hit(self, entry: Entry[K]) -> None:
        """Count a use."""
        entry.uses += 1

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` into main if it is remembered, or while nothing was ever evicted and small is full."""
        entry.uses = 0
        weight = self._ghosts.pop(entry.key, None) if self._ghosts else None
        if weight is not None:
            self._ghost_weight -= weight
        elif self._has_evicted or self._small_weight < self._small_size:
            if self._ghost_weight > self._ghost_size:
                self._trim_ghosts()
            self._small[entry] = None
            self._small_weight += entry.weight
            return
        self._main[entry] = None
        self._main_weight += entry.weight

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`, and leave no ghost."""
        if entry in self._small:
            del self._small[entry]
            self._small_weight -= entry.weight
        else:
            del self._main[entry]
            self._main_weight -= entry.weight

    def evict(self) -> Entry[K]:
        """Remove and return the next victim: of main while it is too big or small is empty, else of small."""
        self._has_evicted = True
        if self._main_weight > self._main_size:
            return self._evict_main()
        return self._evict_small() or self._evict_main()

    def _evict_small(self) -> Entry[K] | None:
        """The oldest that was not used twice leaves a ghost; those before it move to main. None: all have moved."""
        while self._small:
            entry, _ = self._small.popitem(last=False)
            self._small_weight -= entry.weight
            if entry.uses < 2:
                self._ghosts[entry.key] = entry.weight
                self._ghost_weight += entry.weight
                return entry
            entry.uses = 0
            self._main[entry] = None
            self._main_weight += entry.weight
        return None

    def _evict_main(self) -> Entry[K]:
        """The oldest without uses leaves; those before it go to the end for one of theirs."""
        while True:
            entry, _ = self._main.popitem(last=False)
            if not entry.uses:
                self._main_weight -= entry.weight
                return entry
            entry.uses = min(entry.uses, 3) - 1
            self._main[entry] = None

    def _trim_ghosts(self) -> None:
        """Only when a newcomer has looked for itself: its own ghost must not be the one that makes room."""
        while self._ghosts and self._ghost_weight > self._ghost_size:
            self._ghost_weight -= self._ghosts.popitem(last=False)[1]
