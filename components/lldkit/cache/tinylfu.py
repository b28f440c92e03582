"""Adaptive W-TinyLFU: the window finds its size at run time by trying sizes on a sample of the keys.

A hill climber knows one hit ratio and one step, and takes the noise of the workload for its gradient. Here small shadow
caches, one per size of the window, see the requests for a sample of the keys (Waldspurger, Park, Garthwaite, Ahmad,
"Efficient MRC construction with SHARDS", FAST 2015) in a cache scaled down by the same factor. What they would have hit
is known at any time for all sizes, and the best one is adopted.
"""

from collections.abc import Hashable
from typing import ClassVar, Generic, TypeVar

from lldkit.cache.interface import Entry
from lldkit.cache.segments import Segments
from lldkit.cache.sketch import FrequencySketch

__all__ = ["TinyLfu"]

K = TypeVar("K")

SHARES = (0.01, 0.2, 0.6, 0.99)
"""The sizes of the window that are tried: from almost LFU to almost LRU."""
SHADOW_SIZE = 128
"""The weight that a shadow holds, or the whole cache if that is smaller."""
CLEARLY = 1.02
"""By which factor another size must hit more often before it is adopted."""
GOLDEN = 0x9E3779B97F4A7C15


class TinyLfu(Generic[K]):
    """W-TinyLFU whose window is the best of four sizes, as shadow caches say. Not safe for threads; O(1) amortised."""

    hit_is_atomic: ClassVar[bool] = False

    def __init__(self, maxsize: int) -> None:
        self._sketch = FrequencySketch(maxsize)
        self._segments: Segments[K] = Segments(maxsize, SHARES[0], self._sketch.estimate)
        size = min(maxsize, SHADOW_SIZE)
        self._sample = (1 << 32) * size // max(1, maxsize)
        self._shadows = [_Shadow(size, share, self._sketch) for share in SHARES]
        self._share = SHARES[0]
        self._requests = 0
        self._epoch = 10 * size

    def hit(self, entry: Entry[K]) -> None:
        """Count a use and move `entry` up."""
        self._seen(entry)
        self._segments.hit(entry)

    def add(self, entry: Entry[K]) -> None:
        """Count a use and let `entry` into the window."""
        self._seen(entry)
        self._segments.add(entry)

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        self._segments.remove(entry)

    def evict(self) -> Entry[K]:
        """Remove and return the less used of the window's candidate and the main part's victim."""
        return self._segments.evict()

    def _seen(self, entry: Entry[K]) -> None:
        self._sketch.add(entry.key)
        if (hash(entry.key) * GOLDEN >> 20 & 0xFFFFFFFF) >= self._sample:
            return
        for shadow in self._shadows:
            shadow.request(entry.key, entry.weight)
        self._requests += 1
        if self._requests >= self._epoch:
            self._requests = 0
            self._adapt()

    def _adapt(self) -> None:
        """Adopt the window of the best shadow, and let what was counted so far weigh half."""
        best = max(self._shadows, key=lambda shadow: shadow.hits)
        now = next(shadow for shadow in self._shadows if shadow.share == self._share)
        if best.hits > now.hits * CLEARLY:
            self._share = best.share
            self._segments.resize_window(best.share)
        for shadow in self._shadows:
            shadow.hits /= 2


class _Shadow:
    """A cache of keys only, with a window of a fixed size."""

    def __init__(self, maxsize: int, share: float, sketch: FrequencySketch) -> None:
        self.share = share
        self.hits = 0.0
        self._maxsize = maxsize
        self._weight = 0
        self._inside: dict[Hashable, Entry[Hashable]] = {}
        self._segments: Segments[Hashable] = Segments(maxsize, share, sketch.estimate)

    def request(self, key: Hashable, weight: int) -> None:
        """Look `key` up, and store it if it is not there."""
        entry = self._inside.get(key)
        if entry is not None:
            self.hits += 1
            self._segments.hit(entry)
            return
        while self._inside and self._weight + weight > self._maxsize:
            victim = self._segments.evict()
            del self._inside[victim.key]
            self._weight -= victim.weight
        self._inside[key] = entry = Entry(key, weight)
        self._segments.add(entry)
        self._weight += weight
