"""What the tests of every engine share: the verbs spoken by threads and by tasks, time, keys, and naive counting."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Decision,
    Key,
    Quota,
    RateLimiter,
    Reservation,
    Store,
    Verdict,
    fixed_window,
    gcra,
    sliding_counter,
    sliding_log,
    token_bucket,
)

BUCKETS: tuple[Algorithm[Any], ...] = (gcra, token_bucket)
PROMISING = (*BUCKETS, fixed_window)
ALGORITHMS = (*PROMISING, sliding_log, sliding_counter)
START = 1_000  # seconds; a multiple of every period used here, so that windows begin when the tests do
MICRO = 1_000_000

# Pairs that some joining or escaping would confuse, and what engines choke on.
TRICKY_KEYS: tuple[Key, ...] = (
    *(1, "1", (1,), ("1",), ((1,),), "[1]", '"1"', "(1,)", -1, "-1", 0, "", (), ("",), "()", "null"),
    *(("a:b", "c"), ("a", "b:c"), "a:b:c", ("a", "b", "c"), ("a", ("b", "c")), ("a,b", "c"), ("a", "b,c")),
    *("{a}", "a", "{a}:b", "{", "}", "{}", "\0", "\0\0", "a\0", "a\0b", "\n", "\\", "\\n", "'", "%", "%s", "$1"),
    *("lldkit", "lldkit:", "default", "é", "e\u0301", "\U0001f600", "\ud83d\ude00", "\ud83d", "A", "a ", "1.0"),
    *(2**63, -(2**63) - 1, 2**64, 2**200, "x" * 5_000, "x" * 4_999 + "y", ("x",) * 2_000),
    "".join(chr(0x4E00 + number * 7_919 % 20_000) for number in range(3_000)),  # long, and no engine can compress it
)

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
every_bucket = pytest.mark.parametrize("algorithm", BUCKETS, ids=lambda algorithm: algorithm.name)
every_promising = pytest.mark.parametrize("algorithm", PROMISING, ids=lambda algorithm: algorithm.name)


class Speaker:
    """The verbs of one limiter, spoken as threads do or as tasks do."""

    def __init__(self, limiter: RateLimiter, *, tasks: bool) -> None:
        self.limiter = limiter
        self._tasks = tasks

    async def acquire(self, key: Key, cost: int = 1) -> Decision:
        return await self.limiter.aacquire(key, cost=cost) if self._tasks else self.limiter.acquire(key, cost=cost)

    async def peek(self, key: Key, cost: int = 1) -> Decision:
        return await self.limiter.apeek(key, cost=cost) if self._tasks else self.limiter.peek(key, cost=cost)

    async def throttle(self, key: Key, cost: int = 1, timeout: float | None = None) -> Decision:
        if self._tasks:
            return await self.limiter.athrottle(key, cost=cost, timeout=timeout)
        return self.limiter.throttle(key, cost=cost, timeout=timeout)

    async def reserve(self, key: Key, cost: int = 1, max_delay: float = math.inf) -> Reservation:
        if self._tasks:
            return await self.limiter.areserve(key, cost=cost, max_delay=max_delay)
        return self.limiter.reserve(key, cost=cost, max_delay=max_delay)

    async def cancel(self, promise: Reservation) -> None:
        if self._tasks:
            await promise.acancel()
        else:
            promise.cancel()

    async def reset(self, key: Key) -> None:
        if self._tasks:
            await self.limiter.areset(key)
        else:
            self.limiter.reset(key)


Make: TypeAlias = Callable[..., Speaker]


def figures(decision: Decision) -> tuple[object, ...]:
    """All that a decision says."""
    waits = (decision.retry_after_us, decision.reset_after_us, decision.refill_after_us, decision.delay_us)
    return (decision.quota.name, decision.allowed, decision.remaining, *waits)


def most_in_any(admitted: Sequence[tuple[int, int]], length: int) -> int:
    """The most units of (microsecond, units) that lie in any [t, t + length)."""
    return max(sum(units for at, units in admitted if begin <= at < begin + length) for begin, _ in admitted)


def assert_within(quota: Quota, algorithm: Algorithm[Any], admitted: Sequence[tuple[int, int]]) -> None:
    """The guarantee of each algorithm, counted naively over (microsecond, units)."""
    if algorithm is fixed_window:
        by_window: Counter[int] = Counter()
        for at, units in admitted:
            by_window[at // quota.period_us] += units
        assert max(by_window.values()) <= quota.limit
    elif algorithm is sliding_log:
        assert most_in_any(admitted, quota.period_us) <= quota.limit
    elif algorithm in BUCKETS:
        ordered = sorted(admitted)
        for first, (begin, _) in enumerate(ordered):
            total = 0
            for at, units in ordered[first:]:
                total += units
                assert (total - quota.burst) * quota.period_us <= quota.limit * (at - begin)


class Contract:
    """What the tests of an engine stand on; `algorithms` are those that it runs."""

    algorithms: tuple[Algorithm[Any], ...] = ALGORITHMS

    @pytest.fixture
    def store(self) -> Store:
        """An empty store that goes by `Ask.now`."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(monotonic=START, auto_advance=True)

    @pytest.fixture(params=[False, True], ids=["threads", "tasks"])
    def tasks(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param)

    @pytest.fixture
    def make(self, store: Store, clock: ManualClock, tasks: bool) -> Make:
        def make(quota: Quota | Sequence[Quota], algorithm: Algorithm[Any] = gcra, **options: Any) -> Speaker:
            build = functools.partial(RateLimiter, quota, algorithm=algorithm, store=store, clock=clock, **options)
            if algorithm not in self.algorithms:
                with pytest.raises(ValueError, match=algorithm.name):
                    build()
                pytest.skip(f"this engine refuses {algorithm.name}, as it says")
            return Speaker(build(), tasks=tasks)

        return make

    def ask(
        self, algorithm: Algorithm[Any], quotas: tuple[Quota, ...], keys: tuple[Any, ...], now: int, **rest: Any
    ) -> Ask:
        rest = {"mode": "acquire", **rest}
        return Ask(name="trace", algorithm=algorithm, quotas=quotas, keys=keys, now=now, **rest)

    async def apply(self, store: Store, ask: Ask, tasks: bool) -> Sequence[Verdict]:
        """Ask the store itself, at any time, also an earlier one."""
        if ask.algorithm not in self.algorithms:
            pytest.skip(f"this engine does not run {ask.algorithm.name}")
        return await store.aapply(ask) if tasks else store.apply(ask)
