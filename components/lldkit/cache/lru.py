"""LRU: evict what has not been used for longest."""

from collections import OrderedDict
from typing import ClassVar, Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["Lru"]

K = TypeVar("K")


class Lru(Generic[K]):
    """Least recently used; a hit moves the entry to the end. Not safe for threads by itself; every call is O(1)."""

    hit_is_atomic: ClassVar[bool] = False

    def __init__(self, maxsize: int) -> None:
        del maxsize  # the order alone decides
        self._order: OrderedDict[Entry[K], None] = OrderedDict()

    def hit(self, entry: Entry[K]) -> None:
        """Make `entry` the most recently used."""
        self._order.move_to_end(entry)

    def add(self, entry: Entry[K]) -> None:
        """Insert `entry` as the most recently used."""
        self._order[entry] = None

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        del self._order[entry]

    def evict(self) -> Entry[K]:
        """Remove and return the least recently used."""
        return self._order.popitem(last=False)[0]
