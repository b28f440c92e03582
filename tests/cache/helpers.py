"""What several tests share: costs that are counted, and caches of several processes on one Redis."""

import asyncio
import math
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from redis import Redis

from lldkit.cache import Cache, CacheEvent, TieredCache
from lldkit.cache.redis import RedisStore
from lldkit.clock import ManualClock

Keys: TypeAlias = Sequence[int]
MakeTier: TypeAlias = Callable[..., TieredCache[Any, Any]]


def lines(body: Callable[[], object]) -> int:
    """How many lines of Python `body` runs: its cost, counted instead of timed."""
    ran = 0

    def trace(*_: object) -> Any:
        nonlocal ran
        ran += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        body()
    finally:
        sys.settrace(before)
    return ran


def never(key: object) -> Any:
    raise AssertionError(f"{key!r} was loaded")


class Fleet:
    """Caches of several processes, as it were: each has a tier of its own, and all share one Redis and one clock."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.clock = ManualClock(auto_advance=True)
        self.events: list[CacheEvent] = []

    def store(self, **settings: Any) -> RedisStore:
        return RedisStore(self.client, namespace="t", clock=self.clock, **settings)

    def tier(self, ttl: float | None = None, **settings: Any) -> TieredCache[Any, Any]:
        l1 = Cache[Any, Any](maxsize=100, ttl=ttl, clock=self.clock)
        return TieredCache(l1, self.store(**settings), invalidation=None, on_event=self.events.append)


class Squares:
    """A loader of many that keeps what it was asked for, and does something meanwhile."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.asked: list[Keys] = []
        self.meanwhile = meanwhile

    def __call__(self, keys: Keys) -> Mapping[int, int]:
        self.asked.append(keys)
        self.meanwhile()
        return {key: key * key for key in keys if key >= 0}

    def later(self, keys: Keys) -> Awaitable[Mapping[int, int]]:
        return asyncio.sleep(0, self(keys))


class Counted:
    """A client that counts its trips to the server."""

    def __init__(self, client: Redis) -> None:
        self.client: Any = client
        self.trips = 0

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        self.trips += 1
        return self.client.execute_command(*arguments, **options)

    def pipeline(self, transaction: Any = None) -> Any:
        self.trips += 1
        return self.client.pipeline(transaction=transaction)


class Silent:
    """A channel that proves nothing."""

    proven_until = -math.inf

    def start(self, *_: object) -> None: ...
    def ensure(self) -> None: ...
    def close(self) -> None: ...


def tier_on(store: RedisStore, clock: ManualClock, **settings: Any) -> TieredCache[Any, Any]:
    return TieredCache(Cache(maxsize=100, clock=clock), store, **{"invalidation": None, **settings})
