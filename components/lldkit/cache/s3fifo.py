"""S3-FIFO: three queues, of which a small one filters what is used once.

Yang, Zhang, Qiu, Yue, Vigfusson, "FIFO queues are all you need for cache eviction", SOSP 2023. Newcomers enter a small
queue. Who was used twice there moves to the main queue; the others leave, and only their keys stay for a while in a
ghost queue: who is asked for again while remembered there goes straight to main. In main, each use buys one more round.
"""

from collections import OrderedDict
from typing import ClassVar, Generic, TypeVar

from lldkit.cache.chain import Chain
from lldkit.cache.interface import Entry

__all__ = ["S3Fifo"]

K = TypeVar("K")

SMALL, MAIN = range(2)


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
        self._small, self._main = Chain[K](), Chain[K]()
        self._ghosts: OrderedDict[K, int] = OrderedDict()  # key -> weight
        self._ghost_weight = 0
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
        elif self._has_evicted or self._small.weight < self._small_size:
            while self._ghosts and self._ghost_weight > self._ghost_size:  # not before the newcomer looked for itself
                self._ghost_weight -= self._ghosts.popitem(last=False)[1]
            entry.place = SMALL
            self._small.push(entry)
            return
        entry.place = MAIN
        self._main.push(entry)

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`, and leave no ghost."""
        (self._small if entry.place == SMALL else self._main).remove(entry)

    def evict(self) -> Entry[K]:
        """Remove and return the next victim: of main while it is too big or small is empty, else of small.

        From small goes the oldest that was not used twice, and leaves a ghost; those before it move to main.
        """
        self._has_evicted = True
        if self._main.weight <= self._main_size:
            while (entry := self._small.pop()) is not None:
                if entry.uses < 2:
                    self._ghosts[entry.key] = entry.weight
                    self._ghost_weight += entry.weight
                    return entry
                entry.uses = 0
                entry.place = MAIN
                self._main.push(entry)
        return self._evict_main()

    def _evict_main(self) -> Entry[K]:
        """The oldest without uses leaves; those before it go to the end for one of theirs."""
        while (entry := self._main.pop()) is not None:
            if not entry.uses:
                return entry
            entry.uses = min(entry.uses, 3) - 1
            self._main.push(entry)
        raise KeyError("there is nothing to evict")
