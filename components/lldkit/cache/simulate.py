"""What a policy would do with a trace: the objects that the cache uses, driven by keys alone."""

from collections.abc import Callable, Hashable, Iterable
from itertools import repeat

from lldkit.arguments import check_count
from lldkit.cache.belady import optimal_hits
from lldkit.cache.interface import Entry, PolicyFactory, PolicyName, SimulationResult
from lldkit.cache.policies import policy_factory

__all__ = ["belady", "simulate"]

PROGRESS_EVERY = 10_000


def simulate(
    keys: Iterable[Hashable],
    *,
    policy: PolicyName | PolicyFactory,
    maxsize: int,
    weights: Iterable[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Look each key up and store it when it is missing, as a cache would; `weights` has one number for each request.

    What is heavier than `maxsize` is not stored; a stored key whose weight has changed is stored anew. `progress` hears
    of the number of requests now and then.

    >>> simulate("abcabc", policy="lru", maxsize=2).hits, simulate("abcabc", policy="lru", maxsize=3).hits
    (0, 3)
    """
    check_count("maxsize", maxsize)
    run = _Run(policy_factory(policy), maxsize)
    find, hit = run.inside.get, run.policy.hit
    asked = number = 0
    for number, (key, weight) in enumerate(
        zip(keys, weights, strict=True) if weights is not None else zip(keys, repeat(1)), 1
    ):
        asked += weight
        entry = find(key)
        if entry is not None and entry.weight == weight:
            hit(entry)
            run.hits += 1
            run.hit_weight += weight
        else:
            run.miss(key, weight, entry)
        if progress is not None and number % PROGRESS_EVERY == 0:
            progress(number)
    return SimulationResult(
        requests=number,
        hits=run.hits,
        evictions=run.evictions,
        hit_ratio=run.hits / max(1, number),
        byte_hit_ratio=run.hit_weight / max(1, asked),
    )


def belady(keys: Iterable[Hashable], *, maxsize: int) -> SimulationResult:
    """The most hits that any policy could have: it evicts what is needed furthest in the future. O(n log n).

    >>> belady("abcabc", maxsize=2).hits
    2
    """
    check_count("maxsize", maxsize)
    trace = list(keys)
    hits, evictions = optimal_hits(trace, maxsize)
    ratio = hits / max(1, len(trace))
    return SimulationResult(requests=len(trace), hits=hits, evictions=evictions, hit_ratio=ratio, byte_hit_ratio=ratio)


class _Run:
    """A cache of keys only, and what it counts."""

    def __init__(self, make_policy: PolicyFactory, maxsize: int) -> None:
        self.policy = make_policy(maxsize)
        self.inside: dict[Hashable, Entry[Hashable]] = {}
        self.hits = self.hit_weight = self.evictions = 0
        self._maxsize = maxsize
        self._weight = 0

    def miss(self, key: Hashable, weight: int, other: Entry[Hashable] | None) -> None:
        """Store a key that is not inside, or inside with another weight, which is a hit all the same."""
        if other is not None:
            self.hits += 1
            self.hit_weight += weight
            self.policy.remove(other)
            self._forget(other)
        if weight > self._maxsize or not self._maxsize:
            return
        while self._weight + weight > self._maxsize:
            self._forget(self.policy.evict())
            self.evictions += 1
        self.inside[key] = entry = Entry(key, weight)
        self._weight += weight
        self.policy.add(entry)

    def _forget(self, entry: Entry[Hashable]) -> None:
        del self.inside[entry.key]
        self._weight -= entry.weight
