"""The cache beside its peers: hits, misses, the decorator, tasks, threads and bytes."""

import asyncio
import functools
import lzma
import threading
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import aiocache
import async_lru
import cachebox
import cachetools
import cashews
import lru
import pytest
import theine
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

import servers
from benchmarks.beside import abeside, beside, code, value_row
from conftest import Vectors
from lldkit.cache import Cache, PolicyName, TieredCache, cached
from lldkit.cache.redis import RedisStore
from lldkit.cache.tracking import Tracking

SIZE = 1_000


class LockedOrder:
    """What many write by hand: an OrderedDict under a lock."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._maxsize:
                self._entries.popitem(last=False)


def setter(cache: Any) -> Callable[[Any, Any], object]:
    put: Callable[[Any, Any], object] = cache.set if isinstance(cache, theine.Cache) else cache.__setitem__
    return put


def filled(cache: Any) -> Any:
    put = setter(cache)
    for number in range(SIZE):
        put(number, number)
    return cache


def gets(**caches: Any) -> dict[str, Any]:
    names = {"lru_dict": "lru-dict", "ordered": "OrderedDict + Lock", "stats": "lldkit with stats"}
    return {names.get(name, name): code("get(7)", get=filled(cache).get) for name, cache in caches.items()}


def test_get_hit(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        {
            **gets(
                lldkit=Cache[int, int](maxsize=SIZE),
                cachebox=cachebox.LRUCache(SIZE),
                lru_dict=lru.LRU(SIZE),
                cachetools=cachetools.LRUCache(SIZE),
                theine=theine.Cache(SIZE),
                ordered=LockedOrder(SIZE),
            ),
            "floor, dict.get": code("get(7)", get=dict.fromkeys(range(SIZE)).get),
        },
        row="get, hit",
        floor="floor, dict.get",
        target="<= 1.7 x cachebox, <= 0.35 x OrderedDict + Lock",
    )


def test_get_hit_with_a_lifetime(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        gets(
            lldkit=Cache[int, int](maxsize=SIZE, ttl=1_000),
            cachebox=cachebox.TTLCache(SIZE, 1_000),
            cachetools=cachetools.TTLCache(SIZE, 1_000),
        ),
        row="get, hit, with a lifetime",
        target="<= 0.2 x cachetools",
    )


def test_get_hit_with_statistics(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        gets(lldkit=Cache[int, int](maxsize=SIZE), stats=Cache[int, int](maxsize=SIZE, record_stats=True)),
        row="get, hit, with statistics",
        ours="lldkit with stats",
        target="<= 1.6 x without",
    )


@pytest.mark.parametrize(("trace", "size"), [("web12", 1_500), ("OLTP", 5_000)])
@pytest.mark.parametrize("policy", ["s3fifo", "w-tinylfu"])
def test_get_and_put_on_a_miss(
    benchmark: BenchmarkFixture, vectors: Vectors, trace: str, size: int, policy: PolicyName
) -> None:
    with lzma.open(vectors.path("cache-traces") / f"{trace}.txt.xz", "rt") as file:
        keys = [int(line) for line in file][: 200 if benchmark.disabled else 50_000]

    def over(make: Callable[[], Any]) -> Callable[[], object]:
        def run() -> None:
            cache = make()
            get, put = cache.get, setter(cache)
            for key in keys:
                if not (found := get(key)) or found == (None, False):
                    put(key, 1)

        return run

    beside(
        benchmark,
        {
            "lldkit": over(lambda: Cache[int, int](maxsize=size, policy=policy)),
            "cachetools": over(lambda: cachetools.LRUCache(size)),
            "cachebox": over(lambda: cachebox.LRUCache(size)),
            "theine": over(lambda: theine.Cache(size)),
        },
        row=f"get, and put on a miss: {trace} at {size}, {policy}",
        target="<= 1 x cachetools" if policy == "s3fifo" else "<= 1.2 x theine",
        per=len(keys),
        number=1,
        rounds=5,
    )


def same(key: int) -> int:
    return key


async def asame(key: int) -> int:
    return key


def test_a_decorated_hit(benchmark: BenchmarkFixture) -> None:
    subjects: dict[str, Any] = {
        "lldkit": cached(maxsize=SIZE)(same),
        "floor, functools.lru_cache": functools.lru_cache(SIZE)(same),
        "cachebox": cachebox.cached(cachebox.LRUCache(SIZE))(same),
        "cachetools": cachetools.cached(cachetools.LRUCache(SIZE))(same),
    }
    beside(
        benchmark,
        {name: code("call(7)", call=call) for name, call in subjects.items()},
        row="decorated, hit",
        floor="floor, functools.lru_cache",
        target="<= 4 x functools.lru_cache",
    )


async def test_an_async_hit(benchmark: BenchmarkFixture) -> None:
    cashews.cache.setup("mem://")
    subjects: dict[str, Any] = {
        "lldkit": cached(maxsize=SIZE)(asame),
        "floor, a coroutine": asame,
        "cachebox": cachebox.cached(cachebox.LRUCache(SIZE))(asame),
        "async-lru": async_lru.alru_cache(maxsize=SIZE)(asame),
        "aiocache": aiocache.cached()(asame),
        "cashews": cashews.cache(ttl="1m", key="k:{key}")(asame),
    }
    await abeside(
        benchmark,
        {name: code("await call(7)", call=call) for name, call in subjects.items()},
        row="decorated coroutine function, hit",
        floor="floor, a coroutine",
        target="<= 5 x a coroutine",
    )
    await asyncio.sleep(0)


def test_eight_threads(benchmark: BenchmarkFixture) -> None:
    operations = 800 if benchmark.disabled else 40_000  # so many that the starting of threads is no part of the figure

    def storm(cache: Any, threads: int) -> Callable[[], object]:
        get, put = filled(cache).get, setter(cache)

        def body() -> None:
            for number in range(operations // threads):
                if number % 10:
                    get(number % SIZE)
                else:
                    put(number % SIZE, number)

        def run() -> None:
            pool = [threading.Thread(target=body) for _ in range(threads)]
            for thread in pool:
                thread.start()
            for thread in pool:
                thread.join()

        return run

    beside(
        benchmark,
        {
            "lldkit": storm(Cache[int, int](maxsize=SIZE), 8),
            "lldkit, one thread": storm(Cache[int, int](maxsize=SIZE), 1),
            "OrderedDict + Lock": storm(LockedOrder(SIZE), 8),
            "cachebox": storm(cachebox.LRUCache(SIZE), 8),
        },
        row="8 threads, 90 % get",
        target="<= 1.1 x one thread",
        per=operations,
        number=1,
    )


def test_a_hit_in_front_of_redis(
    benchmark: BenchmarkFixture, redis_server: servers.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py has this peer serve from 7.4 on; what it needs of the server, RESP3 and CLIENT TRACKING, 6.0 has too."""
    monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "6.0.0")
    tracked: Any = Redis.from_url(redis_server.url, protocol=3, cache_config=CacheConfig(max_size=SIZE))
    bare: Any = Redis.from_url(redis_server.url)
    l1 = Cache[str, int](maxsize=SIZE)
    with TieredCache(l1, RedisStore(bare, namespace="b"), invalidation=Tracking(), max_staleness=60) as tier:
        bare.set("k", 1)
        tier.put("k", 1)
        while "k" not in l1:  # until the news of the own write has come
            tier.get("k")
        beside(
            benchmark,
            {
                "lldkit": code("get('k')", get=tier.get),
                "redis with a client-side cache": code("get('k')", get=tracked.get),
                "redis, a round trip": code("get('k')", get=bare.get),
            },
            row="hit in the first of two tiers",
            target=">= 100 x faster than redis with a client-side cache",
        )
    tracked.close()
    bare.close()


def test_bytes_per_entry(benchmark: BenchmarkFixture) -> None:
    def weight(make: Callable[[], Any]) -> Callable[[], float]:
        def measure() -> float:
            keys: Sequence[int] = range(10_000, 20_000)
            tracemalloc.start()
            cache = make()
            for key in keys:
                cache[key] = None
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return size / len(keys)

        return measure

    value_row(
        benchmark,
        {
            "lldkit": weight(lambda: Cache[int, None](maxsize=10_000)),
            "cachetools": weight(lambda: cachetools.LRUCache(10_000)),
        },
        row="bytes per entry, int -> None",
        unit="bytes",
        target="<= 1.2 x cachetools",
    )


def test_the_floors_do_what_the_subjects_do() -> None:
    assert filled(LockedOrder(SIZE)).get(7) == filled(Cache[int, int](maxsize=SIZE)).get(7) == 7
