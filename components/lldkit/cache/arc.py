"""ARC: two LRU lists, and two lists of ghosts that tell which of them deserves more room.

Megiddo, Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003, figure 4, by weight instead of number.
The adaptation of a ghost hit takes effect when the newcomer enters, that is, after room was made for it.
"""

from collections import OrderedDict
from typing import ClassVar, Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["Arc"]

K = TypeVar("K")


class Arc(Generic[K]):
    """Used once against used again; `target` is the share of the first. Not safe for threads; every call is O(1)."""

    hit_is_atomic: ClassVar[bool] = False

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self.target = 0.0
        self._once: _Ranks[Entry[K]] = _Ranks()
        self._again: _Ranks[Entry[K]] = _Ranks()
        self._once_ghosts: _Ranks[K] = _Ranks()
        self._again_ghosts: _Ranks[K] = _Ranks()

    def hit(self, entry: Entry[K]) -> None:
        """Make `entry` the most recent of those used again."""
        self.remove(entry)
        self._again.push(entry, entry.weight)

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` among those used once, or if it is remembered among those used again."""
        once, again = self._once_ghosts.weight, self._again_ghosts.weight
        if self._once_ghosts.discard(entry.key):
            self.target = min(self._maxsize, self.target + max(1.0, again / max(1, once)))
        elif self._again_ghosts.discard(entry.key):
            self.target = max(0.0, self.target - max(1.0, once / max(1, again)))
        else:
            self._once.push(entry, entry.weight)
            self._trim()
            return
        self._again.push(entry, entry.weight)

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`, and leave no ghost."""
        if not self._once.discard(entry):
            self._again.discard(entry)

    def evict(self) -> Entry[K]:
        """Remove and return the least recent of the list that is above its target."""
        from_once = self._once.weight > self.target or not self._again.order
        entry = (self._once if from_once else self._again).pop()
        (self._once_ghosts if from_once else self._again_ghosts).push(entry.key, entry.weight)
        return entry

    def _trim(self) -> None:
        """Bound what is remembered: the used-once side to `maxsize`, both sides together to twice that."""
        while self._once_ghosts.order and self._once.weight + self._once_ghosts.weight > self._maxsize:
            self._once_ghosts.pop()
        inside = self._once.weight + self._again.weight
        while self._again_ghosts.order and inside + self._ghost_weight > 2 * self._maxsize:
            self._again_ghosts.pop()

    @property
    def _ghost_weight(self) -> int:
        return self._once_ghosts.weight + self._again_ghosts.weight


R = TypeVar("R")


class _Ranks(Generic[R]):
    """A list in order of recency with its total weight."""

    __slots__ = ("order", "weight")

    def __init__(self) -> None:
        self.order: OrderedDict[R, int] = OrderedDict()
        self.weight = 0

    def push(self, item: R, weight: int) -> None:
        self.order[item] = weight
        self.weight += weight

    def pop(self) -> R:
        item, weight = self.order.popitem(last=False)
        self.weight -= weight
        return item

    def discard(self, item: R) -> bool:
        weight = self.order.pop(item, None)
        self.weight -= weight or 0
        return weight is not None
