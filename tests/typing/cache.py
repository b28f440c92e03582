"""Caches and decorated functions keep their types; checked, never run."""

from collections.abc import Callable
from typing import assert_type

from lldkit.cache import Cache, LoadPolicy, Store, TieredCache, cached
from lldkit.cache.redis import RedisStore
from lldkit.cache.tracking import Tracking

cache = Cache[int, str](maxsize=9)


@cached(maxsize=9)
def plain(x: int, *, y: str = "") -> float:
    return x + len(y)


@cached(maxsize=9)
async def later(x: int) -> bytes:
    return bytes(x)


class Service:
    @cached(maxsize=9)
    def method(self, x: int) -> str:
        return str(x)


async def load(key: int) -> str:
    return str(key)


async def use(service: Service) -> None:
    assert_type(cache.get(1), str | None)
    assert_type(cache.get(1, ""), str)
    assert_type(cache.get(1, 2), str | int)
    assert_type(cache.get_or_load(1, str), str)
    assert_type(await cache.aget_or_load(1, load), str)
    assert_type(cache.get_many([1]), dict[int, str])
    assert_type(plain(1, y="a"), float)
    assert_type(plain.invalidate(1), bool)
    assert_type(await later(1), bytes)
    assert_type(service.method(1), str)
    same: Callable[[int], str] = service.method
    assert_type(service.method.invalidate(1), bool)
    del same
    cache.put("1", "a")  # type: ignore[arg-type]
    cache.put(1, 2)  # type: ignore[arg-type]
    plain("1")  # type: ignore[arg-type]
    service.method("1")  # type: ignore[arg-type]
    Cache[int, str]()  # type: ignore[call-arg]
    Cache[int, str](maxsize=1, policy="mru")  # type: ignore[arg-type]
    LoadPolicy(negative_ttl={1: 2})  # type: ignore[dict-item]


async def use_tiers(store: RedisStore) -> None:
    same: Store = store
    tier = TieredCache(cache, same, invalidation=Tracking())
    assert_type(tier.get(1), str | None)
    assert_type(tier.get(1, 2), str | int)
    assert_type(tier.get_or_load(1, str), str)
    assert_type(await tier.aget(1, ""), str)
    assert_type(await tier.aget_or_load(1, load), str)
    tier.put(1, 2)  # type: ignore[arg-type]
