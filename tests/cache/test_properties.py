"""What holds after any operations: the cache beside naive models."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.cache import Cache, PolicyName, RemovalCause, belady, simulate
from lldkit.clock import ManualClock

POLICIES: list[PolicyName] = ["arc", "fifo", "lfu", "lru", "s3fifo", "sieve", "w-tinylfu"]
KEYS = st.integers(0, 12)
TRACES = st.lists(KEYS, max_size=300)


def naive_lru(trace: list[int], size: int) -> int:
    inside: list[int] = []
    hits = 0
    for key in trace:
        if key in inside:
            hits += 1
            inside.remove(key)
        inside.append(key)
        del inside[: max(0, len(inside) - size)]
    return hits


def naive_lfu(trace: list[int], size: int) -> int:
    uses: dict[int, tuple[int, int]] = {}  # key -> (uses, since when)
    hits = 0
    for now, key in enumerate(trace):
        if key in uses:
            hits += 1
        elif len(uses) == size:
            del uses[min(uses, key=uses.__getitem__)]
        uses[key] = (uses.get(key, (0, 0))[0] + 1, now)
    return hits


def naive_belady(trace: list[int], size: int) -> int:
    inside: set[int] = set()
    hits = 0
    for now, key in enumerate(trace):
        if key in inside:
            hits += 1
            continue
        if len(inside) == size:
            later = trace[now:]
            inside.remove(max(inside, key=lambda other: later.index(other) if other in later else len(trace)))
        inside.add(key)
    return hits


@given(TRACES, st.integers(1, 8))
def test_the_simulator_counts_as_the_naive_models_do(trace: list[int], size: int) -> None:
    assert simulate(trace, policy="lru", maxsize=size).hits == naive_lru(trace, size)
    if len(trace) < 10 * size:  # before the first halving
        assert simulate(trace, policy="lfu", maxsize=size).hits == naive_lfu(trace, size)
    best = belady(trace, maxsize=size).hits
    assert best == naive_belady(trace, size)
    assert all(simulate(trace, policy=policy, maxsize=size).hits <= best for policy in POLICIES)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("put"), KEYS, st.integers(0, 9), st.sampled_from([None, 1, 5])),
        st.tuples(st.just("invalidate"), KEYS),
        st.tuples(st.just("advance"), st.integers(1, 4)),
        st.tuples(st.just("resize"), st.integers(0, 30)),
        st.tuples(st.just("expire"), st.integers(0, 3)),
        st.tuples(st.just("clear")),
        st.tuples(st.just("load"), KEYS, st.integers(0, 9)),
    ),
    max_size=80,
)


class Beside:
    """A cache, and what was put last and until when; the cache may hold less."""

    def __init__(self, policy: PolicyName) -> None:
        self.clock = ManualClock()
        self.removed: list[RemovalCause] = []
        self.gets = self.stored = 0
        self.last: dict[int, tuple[int, float]] = {}
        self.cache = Cache[int, int](
            maxsize=20,
            policy=policy,
            weigher=lambda _, value: value,
            clock=self.clock,
            record_stats=True,
            on_removal=lambda _key, _value, cause: self.removed.append(cause),
        )

    def fits(self, value: int) -> bool:
        return self.cache.maxsize != 0 and value <= (self.cache.maxsize or 0)

    def get(self, key: int) -> None:
        self.cache.get(key)
        self.gets += 1

    def put(self, key: int, value: int, ttl: float | None) -> None:
        if self.fits(value):
            self.cache.put(key, value, ttl=ttl)
            self.stored += 1
            self.last[key] = (value, self.clock.monotonic() + (ttl or 1e9))

    def load(self, key: int, value: int) -> None:
        self.gets += 1
        if key in self.cache:
            assert self.cache.get_or_load(key, lambda _: -1) == self.last[key][0]
        else:
            assert self.cache.get_or_load(key, lambda _: value) == value
            self.stored += self.fits(value)
            self.last[key] = (value, 1e9)

    def invalidate(self, key: int) -> None:
        was_inside = key in self.cache
        assert self.cache.invalidate(key) is was_inside
        self.last.pop(key, None)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def resize(self, maxsize: int) -> None:
        self.cache.resize(maxsize)

    def expire(self, limit: int) -> None:
        assert self.cache.expire(limit) <= limit

    def clear(self) -> None:
        self.cache.clear()
        self.last.clear()

    def check(self) -> None:
        now, inside = self.clock.monotonic(), dict(self.cache.items())
        assert all(self.last[key][0] == value and self.last[key][1] > now for key, value in inside.items())
        assert len(self.cache) == len(inside) == len(list(self.cache.values())) == len(list(self.cache))
        assert self.cache.weight == sum(inside.values()) <= (self.cache.maxsize or 0)


@settings(max_examples=200)
@given(st.sampled_from(POLICIES), OPERATIONS)
def test_whatever_is_done_it_holds_the_last_values_within_its_bounds(policy: PolicyName, operations: list[Any]) -> None:
    beside = Beside(policy)
    for operation, *arguments in operations:
        getattr(beside, operation)(*arguments)
        beside.check()
    stats, causes = beside.cache.stats, Counter(beside.removed)
    assert stats.hits + stats.misses == beside.gets
    assert beside.stored == len(beside.cache) + causes.total()  # what came in has left once, or is inside
    assert causes[RemovalCause.SIZE] == stats.evictions
    assert causes[RemovalCause.EXPIRED] == stats.expirations
