"""FIFO: evict what has been inside for longest, however often it is used."""

from typing import ClassVar, Generic, TypeVar

from lldkit.cache.chain import Chain
from lldkit.cache.interface import Entry

__all__ = ["Fifo"]

K = TypeVar("K")


class Fifo(Generic[K]):
    """First in, first out; a hit is no news. Not safe for threads by itself; every call is O(1)."""

    hit_is_atomic: ClassVar[bool] = True

    def __init__(self, maxsize: int) -> None:
        del maxsize  # the order alone decides
        self._queue = Chain[K]()

    def hit(self, entry: Entry[K]) -> None:
        """Nothing changes."""
        del entry

    def add(self, entry: Entry[K]) -> None:
        """Put `entry` last."""
        self._queue.push(entry)

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        self._queue.remove(entry)

    def evict(self) -> Entry[K]:
        """Remove and return the first."""
        entry = self._queue.pop()
        if entry is None:
            raise KeyError("there is nothing to evict")
        return entry
