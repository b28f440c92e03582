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
    for number, (key, weight) in enumerate(
        zip(keys, repeat(1) if weights is None else weights, strict=weights is not None)
    ):
        if progress is not None and number % PROGRESS_EVERY == 0:
            progress(number)
        run.request(key, weight)
    return run.result()


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
        self._maxsize = maxsize
        self._policy = make_policy(maxsize)
        self._inside: dict[Hashable, Entry[Hashable]] = {}
        self._weight = self._requests = self._hits = self._evictions = self._asked = self._hit_weight = 0

    def request(self, key: Hashable, weight: int) -> None:
        self._requests += 1
        self._asked += weight
        entry = self._inside.get(key)
        if entry is not None:
            self._hits += 1
            self._hit_weight += weight
            self._policy.hit(entry)
            if entry.weight == weight:
                return
            self._policy.remove(entry)
            self._forget(entry)
        if weight <= self._maxsize and self._maxsize:
            self._store(Entry(key, weight))

    def _store(self, entry: Entry[Hashable]) -> None:
        while self._weight + entry.weight > self._maxsize:
            self._forget(self._policy.evict())
            self._evictions += 1
        self._inside[entry.key] = entry
        self._weight += entry.weight
        self._policy.add(entry)

    def _forget(self, entry: Entry[Hashable]) -> None:
        del self._inside[entry.key]
        self._weight -= entry.weight

    def result(self) -> SimulationResult:
        return SimulationResult(
            requests=self._requests,
            hits=self._hits,
            evictions=self._evictions,
            hit_ratio=self._hits / max(1, self._requests),
            byte_hit_ratio=self._hit_weight / max(1, self._asked),
        )
