"""The rate limiter in memory, beside its peers and beside the least that a limiter in Python can cost."""

import itertools
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import aiolimiter
import limits
import pyrate_limiter
import pytest
import throttled
import throttled.asyncio
import token_bucket as token_bucket_peer
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import abeside, beside, code, value_row
from lldkit.rate_limiter import MemoryStore, RateLimiter, per_day, per_second

PLENTY = 10_000_000


class Floor:
    """The CPython floor: GCRA with a clock, a lock and the arithmetic, for many keys; answers True or False."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self.interval = period / limit
        self.capacity = burst * self.interval
        self.lock = threading.Lock()
        self.arrivals: dict[str, float] = {}

    def acquire(self, key: str, cost: int = 1) -> bool:
        now = time.monotonic()
        with self.lock:
            arrival = max(self.arrivals.get(key, now), now) + cost * self.interval
            if arrival - self.capacity > now:
                return False
            self.arrivals[key] = arrival
            return True


def hitting(limit: int, seconds: int) -> tuple[Any, Any]:
    """The fixed window of `limits`, its cheapest strategy."""
    strategy = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
    return strategy.hit, limits.RateLimitItemPerSecond(limit, seconds)


def throttling(limit: int, seconds: int, keys: int = 1_024) -> Any:
    quota = throttled.per_duration(timedelta(seconds=seconds), limit, burst=limit)
    return throttled.Throttled(using="gcra", quota=quota, store=throttled.MemoryStore(options={"MAX_SIZE": keys})).limit


def test_acquire_hot_key(benchmark: BenchmarkFixture) -> None:
    hit, item = hitting(PLENTY, 1)
    peer = token_bucket_peer.Limiter(PLENTY, PLENTY, token_bucket_peer.MemoryStorage())
    pyrate = pyrate_limiter.Limiter(pyrate_limiter.Rate(PLENTY, pyrate_limiter.Duration.SECOND))
    beside(
        benchmark,
        {
            "lldkit": code("acquire('k')", acquire=RateLimiter(per_second(PLENTY)).acquire),
            "floor, by hand": code("acquire('k')", acquire=Floor(PLENTY, 1.0, PLENTY).acquire),
            "limits": code("hit(item, 'k')", hit=hit, item=item),
            "throttled-py": code("limit('k')", limit=throttling(PLENTY, 1)),
            "pyrate-limiter": code("acquire('k', blocking=False)", acquire=pyrate.try_acquire),
            "token-bucket": code("consume('k')", consume=peer.consume),
        },
        row="acquire, hot key, full Decision",
        floor="floor, by hand",
        target="<= 2.0 x floor; >= 4 x limits, throttled-py; >= 7 x pyrate-limiter",
    )


def test_acquire_denied_many_keys(benchmark: BenchmarkFixture) -> None:
    keys = [f"client {number}" for number in range(100 if benchmark.disabled else 100_000)]
    ours, floor = RateLimiter(per_day(1)), Floor(1, 86_400.0, 1)
    hit, item = hitting(1, 86_400)
    limit = throttling(1, 86_400, keys=200_000)
    peer = token_bucket_peer.Limiter(1 / 86_400, 1, token_bucket_peer.MemoryStorage())
    pyrate = pyrate_limiter.Limiter(pyrate_limiter.Rate(1, pyrate_limiter.Duration.DAY))
    for key in keys:
        ours.acquire(key)
        floor.acquire(key)
        hit(item, key)
        limit(key)
        peer.consume(key)
        pyrate.try_acquire(key, blocking=False)

    def rounds() -> Iterator[str]:
        return itertools.cycle(keys)

    beside(
        benchmark,
        {
            "lldkit": code("acquire(next(keys))", acquire=ours.acquire, keys=rounds()),
            "floor, by hand": code("acquire(next(keys))", acquire=floor.acquire, keys=rounds()),
            "limits": code("hit(item, next(keys))", hit=hit, item=item, keys=rounds()),
            "throttled-py": code("limit(next(keys))", limit=limit, keys=rounds()),
            "pyrate-limiter": code("acquire(next(keys), blocking=False)", acquire=pyrate.try_acquire, keys=rounds()),
            "token-bucket": code("consume(next(keys))", consume=peer.consume, keys=rounds()),
        },
        row="acquire denied, 100 000 keys in turn",
        floor="floor, by hand",
        target="<= 2.2 x floor; ahead of all but token-bucket",
    )


async def test_athrottle_without_a_wait(benchmark: BenchmarkFixture) -> None:
    quota = throttled.per_duration(timedelta(seconds=1), PLENTY, burst=PLENTY)
    peer = throttled.asyncio.Throttled(using="gcra", quota=quota, store=throttled.asyncio.MemoryStore())
    await abeside(
        benchmark,
        {
            "lldkit": code("await throttle('k', timeout=1.0)", throttle=RateLimiter(per_second(PLENTY)).athrottle),
            "aiolimiter": code("await acquire()", acquire=aiolimiter.AsyncLimiter(PLENTY, 1).acquire),
            "throttled-py async": code("await limit('k', timeout=1.0)", limit=peer.limit),
        },
        row="athrottle, no wait",
        target="within 1.3 x aiolimiter; >= 4 x throttled-py",
    )


def test_bytes_per_live_key(benchmark: BenchmarkFixture) -> None:
    keys = [f"client {number}" for number in range(1_000 if benchmark.disabled else 100_000)]

    def grown(make: Callable[[], Callable[[str], object]]) -> Callable[[], float]:
        def measure() -> float:
            tracemalloc.start()
            ask = make()
            for key in keys:
                ask(key)
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return size / len(keys)

        return measure

    def plain() -> Callable[[str], object]:
        states: dict[str, tuple[float, float]] = {}
        return lambda key: states.__setitem__(key, (time.monotonic(), time.monotonic()))

    def limits_hit() -> Callable[[str], object]:
        hit, item = hitting(10, 86_400)
        return lambda key: hit(item, key)

    value_row(
        benchmark,
        {
            "lldkit": grown(lambda: RateLimiter(per_day(10), store=MemoryStore(max_keys=200_000)).acquire),
            "floor, a dict of str to tuple": grown(plain),
            "limits": grown(limits_hit),
            "throttled-py": grown(lambda: throttling(10, 86_400, keys=200_000)),
            "token-bucket": grown(
                lambda: token_bucket_peer.Limiter(10 / 86_400, 10, token_bucket_peer.MemoryStorage()).consume
            ),
        },
        row="bytes per live key, 100 000 keys",
        unit="bytes",
        floor="floor, a dict of str to tuple",
        target="<= 1.2 x floor",
    )


@pytest.mark.parametrize("limiter", [RateLimiter, Floor])
def test_the_floor_and_the_limiter_do_the_same_work(limiter: Any) -> None:
    acquire = (RateLimiter(per_day(5)) if limiter is RateLimiter else Floor(5, 86_400.0, 5)).acquire
    assert [bool(acquire("k")) for _ in range(6)] == [True] * 5 + [False]
