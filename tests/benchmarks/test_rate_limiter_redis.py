"""The rate limiter in Redis, beside its peers and beside the trip alone."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import limits
import pyrate_limiter
import throttled
import throttled.asyncio
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from redis import asyncio as aredis
from redis.backoff import NoBackoff
from redis.retry import Retry

from benchmarks.beside import abeside, beside, code, value_row
from lldkit.rate_limiter import Ask, Denials, Leased, RateLimiter, gcra, per_hour, per_second
from lldkit.rate_limiter.redis import RedisStore
from servers import GivenRedis, RedisServer

PLENTY = 1_000_000
TASKS = 64
Given = RedisServer | GivenRedis


def limits_storage(client: Redis, server: Given) -> Any:
    """The storage of `limits` on our connections, which the fixture closes."""
    return limits.storage.RedisStorage(server.url, connection_pool=client.connection_pool)


def test_redis_one_after_the_other(benchmark: BenchmarkFixture, redis_client: Redis, redis_server: Given) -> None:
    store, quota = RedisStore(redis_client), per_second(PLENTY)
    ask = Ask(mode="acquire", name="default", algorithm=gcra, keys=("k",), quotas=(quota,), now=0)
    script, keys, args = store._call(ask)
    redis_client.script_load(script.source)
    hit = limits.strategies.FixedWindowRateLimiter(limits_storage(redis_client, redis_server)).hit
    peer_quota = throttled.per_duration(timedelta(seconds=1), PLENTY, burst=PLENTY)
    peer_store = throttled.RedisStore(server=redis_server.url)
    peer = throttled.Throttled(using="gcra", quota=peer_quota, store=peer_store)
    beside(
        benchmark,
        {
            "lldkit": code("acquire('k')", acquire=RateLimiter(quota, store=store).acquire),
            "redis EVALSHA, the same bare": code(
                "evalsha(sha1, 1, *keys, *args)",
                evalsha=redis_client.evalsha,
                sha1=script.sha1,
                keys=tuple(keys),
                args=tuple(args),
            ),
            "limits": code("hit(item, 'k')", hit=hit, item=limits.RateLimitItemPerSecond(PLENTY)),
            "throttled-py": code("limit('k')", limit=peer.limit),
        },
        row="Redis, one call after the other",
        floor="redis EVALSHA, the same bare",
        target="<= 1.1 x bare EVALSHA",
        rounds=100,
    )
    peer_store._backend.get_client().close()


async def test_redis_many_tasks(benchmark: BenchmarkFixture, redis_client: Redis, redis_server: Given) -> None:
    pool = aredis.ConnectionPool.from_url(redis_server.url)
    url = f"async+{redis_server.url}"
    storage = limits.aio.storage.RedisStorage(url, implementation="redispy", connection_pool=pool)
    hit, item = limits.aio.strategies.FixedWindowRateLimiter(storage).hit, limits.RateLimitItemPerSecond(PLENTY)
    peer_quota = throttled.per_duration(timedelta(seconds=1), PLENTY, burst=PLENTY)
    peer_store = throttled.asyncio.RedisStore(server=redis_server.url)
    limit = throttled.asyncio.Throttled(using="gcra", quota=peer_quota, store=peer_store).limit

    async with aredis.Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0)) as client:
        acquire = RateLimiter(per_second(PLENTY), store=RedisStore(client)).aacquire
        bare = RateLimiter(per_second(PLENTY), store=RedisStore(client), name="bare").aacquire
        await acquire("k")

        def at_once(call: Callable[[], Any]) -> Callable[[], Any]:
            return lambda: asyncio.gather(*(call() for _ in range(TASKS)))

        async def one_by_one() -> None:
            for _ in range(TASKS):
                await bare("k")

        await abeside(
            benchmark,
            {
                "lldkit": at_once(lambda: acquire("k")),
                "lldkit one after the other": one_by_one,
                "limits.aio": at_once(lambda: hit(item, "k")),
                "throttled-py async": at_once(lambda: limit("k")),
            },
            row=f"Redis, {TASKS} tasks at once",
            target=">= 2.5 x faster than limits.aio and throttled-py async",
            per=TASKS,
        )
    await pool.aclose()
    await peer_store._backend.get_client().aclose()


def test_redis_bytes_per_key(benchmark: BenchmarkFixture, redis_client: Redis, redis_server: Given) -> None:
    units = 1_000

    def used(acquire: Callable[[], object]) -> Callable[[], float]:
        def measure() -> float:
            redis_client.flushdb()
            for _ in range(units):
                acquire()
            return float(sum(redis_client.memory_usage(name, samples=0) or 0 for name in redis_client.scan_iter()))

        return measure

    ours = RateLimiter(per_hour(units), store=RedisStore(redis_client))
    moving = limits.strategies.MovingWindowRateLimiter(limits_storage(redis_client, redis_server))
    rate = pyrate_limiter.Rate(units, pyrate_limiter.Duration.HOUR)
    bucket = pyrate_limiter.RedisBucket.init([rate], redis_client, "client 42")
    numbers = itertools.count()
    value_row(
        benchmark,
        {
            "lldkit": used(lambda: ours.acquire("client 42")),
            "limits moving window": used(lambda: moving.hit(limits.RateLimitItemPerHour(units), "client 42")),
            "pyrate-limiter": used(lambda: bucket.put(pyrate_limiter.RateItem(str(next(numbers)), bucket.now()))),
        },
        row=f"Redis, bytes per key with {units:_} units live",
        unit="bytes",
        target="<= 150 bytes",
    )


def test_redis_behind_leases(benchmark: BenchmarkFixture, redis_client: Redis) -> None:
    bare = RateLimiter(per_second(PLENTY), store=RedisStore(redis_client), name="bare")
    leased = RateLimiter(per_second(PLENTY), store=Leased(RedisStore(redis_client), units=50, seconds=60))
    beside(
        benchmark,
        {
            "lldkit": code("acquire('k')", acquire=leased.acquire),
            "lldkit, the engine bare": code("acquire('k')", acquire=bare.acquire),
        },
        row="Redis behind Leased(50)",
        target=">= 15 x the engine bare",
    )


def test_redis_denied_behind_denials(benchmark: BenchmarkFixture, redis_client: Redis) -> None:
    bare = RateLimiter(per_hour(1), store=RedisStore(redis_client), name="bare")
    guarded = RateLimiter(per_hour(1), store=Denials(RedisStore(redis_client), max_age=3_600))
    bare.acquire("k")
    guarded.acquire("k")
    beside(
        benchmark,
        {
            "lldkit": code("acquire('k')", acquire=guarded.acquire),
            "lldkit, the engine bare": code("acquire('k')", acquire=bare.acquire),
        },
        row="a denied key in Redis behind Denials",
        target=">= 50 x the engine bare",
    )
