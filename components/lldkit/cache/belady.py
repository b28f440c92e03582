"""Belady's optimum: evict what is needed furthest in the future. Nobody can do it; everybody can be measured by it.

Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966.
"""

import heapq
from collections.abc import Hashable, Sequence

__all__ = ["optimal_hits"]


def optimal_hits(keys: Sequence[Hashable], maxsize: int) -> tuple[int, int]:
    """(hits, evictions) of the best cache of `maxsize` entries of one size that stores what it misses; O(n log n).

    >>> optimal_hits("abcabc", 2)
    (2, 2)
    """
    if maxsize == 0:
        return 0, 0
    next_use = _next_uses(keys)
    inside: dict[Hashable, int] = {}  # key -> its next use
    furthest: list[tuple[int, int]] = []  # (-next use, number of a request); some are out of date
    hits = evictions = 0
    for now, key in enumerate(keys):
        if key in inside:
            hits += 1
        elif len(inside) >= maxsize:
            evictions += 1
            while True:
                next_of_it, request = heapq.heappop(furthest)
                if inside.get(keys[request]) == -next_of_it:
                    del inside[keys[request]]
                    break
        inside[key] = next_use[now]
        heapq.heappush(furthest, (-next_use[now], now))
    return hits, evictions


def _next_uses(keys: Sequence[Hashable]) -> list[int]:
    """For each request the number of the next one for the same key; beyond the end if there is none."""
    uses, coming = [0] * len(keys), dict[Hashable, int]()
    for now in range(len(keys) - 1, -1, -1):
        uses[now] = coming.get(keys[now], len(keys))
        coming[keys[now]] = now
    return uses
