"""Guards in front of real engines: what a fake engine cannot show."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.clock import ManualClock
from lldkit.rate_limiter import Denials, Fallback, FallbackEntered, FallbackLeft, Leased, RateLimiter, Store, per_hour
from lldkit.rate_limiter.postgres import PostgresStore
from lldkit.rate_limiter.redis import RedisStore
from lldkit.rate_limiter.sqlite import SQLiteStore
from servers import RedisServer


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """An engine that goes by the limiter's clock."""
    store: Store
    if request.param == "sqlite":
        store = SQLiteStore(tmp_path / "limits.db", clock=clock)
    elif request.param == "postgres":
        store = PostgresStore(request.getfixturevalue("postgres_dsn"), caller_time=True)
    else:
        store = RedisStore(request.getfixturevalue("redis_client"), caller_time=True)
    with closing(store):
        yield store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(monotonic=1_000.0)


class Watched:
    """Passes everything on to an engine but its closing, and notes the verbs."""

    def __init__(self, engine: Store) -> None:
        self.engine = engine
        self.verbs: list[str] = []

    def close(self) -> None:
        self.verbs.append("close")

    def __getattr__(self, name: str) -> Any:
        self.verbs.append(name)
        return getattr(self.engine, name)


def test_leased_units_are_served_here_and_the_unused_ones_come_back_at_close(engine: Store, clock: ManualClock) -> None:
    guard = Leased(Watched(engine), units=10, seconds=60)
    limiter, bare = (
        RateLimiter(per_hour(100), store=guard, clock=clock),
        RateLimiter(per_hour(100), store=engine, clock=clock),
    )
    for _ in range(3):
        assert limiter.acquire("k")
    assert bare.peek("k").remaining == 90  # a lease of ten was taken
    guard.close()
    assert 96 <= bare.peek("k").remaining <= 97  # seven were left; the last unit owed may not come back
    assert bare.acquire("k", cost=96)
    assert not bare.acquire("k", cost=2)


def test_a_denied_key_is_not_asked_again_until_it_may_pass(engine: Store, clock: ManualClock) -> None:
    watched = Watched(engine)
    limiter = RateLimiter(per_hour(3_600, burst=1), store=Denials(watched, max_age=60.0), clock=clock)
    assert limiter.acquire("k")
    assert not any(limiter.acquire("k") for _ in range(10))
    assert watched.verbs.count("apply") == 2
    clock.advance(1.0)
    assert limiter.acquire("k")


@pytest.fixture
def stalled(breakable_redis: RedisServer) -> Iterator[RedisServer]:
    try:
        yield breakable_redis
    finally:
        breakable_redis.resume()


def test_a_stopped_server_costs_one_timeout_and_then_nothing_for_a_pause(stalled: RedisServer) -> None:
    client = redis.Redis.from_url(stalled.url, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
    heard: list[Any] = []
    guard = Fallback(RedisStore(client), on_error="local", share=0.5, timeout=0.25, pause=30.0)
    clock = ManualClock()
    limiter = RateLimiter(per_hour(4), store=guard, clock=clock, on_event=heard.append)
    assert limiter.acquire("k")
    stalled.pause()
    began = time.monotonic()
    answers = [limiter.acquire("k").allowed for _ in range(50)]
    assert time.monotonic() - began < 5.0  # one time-out of 0.2 s, not fifty; the rest is room for a busy machine
    assert sum(answers) == 2  # half of the quota
    stalled.resume()
    clock.advance(30.0)
    assert limiter.acquire("k")
    assert [type(event) for event in heard if type(event).__name__.startswith("Fallback")] == [
        FallbackEntered,
        FallbackLeft,
    ]
    client.close()


async def test_a_task_waits_for_a_stopped_server_no_longer_than_the_timeout(stalled: RedisServer) -> None:
    client = redis.asyncio.Redis.from_url(stalled.url)  # without a time-out of its own
    limiter = RateLimiter(per_hour(4), store=Fallback(RedisStore(client), on_error="open", timeout=0.25, pause=30.0))
    assert await limiter.aacquire("k")
    stalled.pause()
    began = time.monotonic()
    assert all([await limiter.aacquire("k") for _ in range(50)])
    assert time.monotonic() - began < 5.0
    stalled.resume()
    await client.aclose()
