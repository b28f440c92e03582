"""Leases in Redis: as the rules in Python say, by the server's clock."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis import asyncio as aredis

from lldkit.clock import ManualClock
from lldkit.rate_limiter import ConcurrencyLimiter, LeaseLost
from lldkit.rate_limiter.leasing import Holders, grant, renew
from lldkit.rate_limiter.lua import MOST
from lldkit.rate_limiter.redis import RedisLeases
from servers import GivenRedis, RedisServer

Given = RedisServer | GivenRedis
NAMES = itertools.count()
VERBS = st.sampled_from(["acquire", "acquire", "renew", "release"])
TERM = st.integers(1, 20) | st.sampled_from([1_000_000, MOST])
STEPS = st.lists(st.tuples(VERBS, st.sampled_from("abcde"), st.integers(1, 4), TERM, st.integers(0, 12)), max_size=25)


@pytest.fixture(scope="module")
def lasting_client(redis_server: Given) -> Iterator[Redis]:
    """A client for all examples of a property."""
    with Redis.from_url(redis_server.url, socket_timeout=60, socket_connect_timeout=60) as client:
        yield client


@settings(deadline=None, max_examples=60)
@given(STEPS, st.sampled_from([0, 1_800_000_000_000_000, 2**52 - MOST]))
def test_any_steps_get_the_answers_of_the_rules(lasting_client: Redis, steps: list[Any], now: int) -> None:
    holders: Holders = {}
    store, key = RedisLeases(lasting_client, caller_time=True), f"rules {next(NAMES)}"
    for verb, token, limit, term, passed in steps:
        now += passed
        if verb == "acquire" and token not in holders:  # a limiter draws a new token for each request
            expected = grant(holders, token, limit, now + term, now)
            assert store.acquire(key, token, limit, term, now) == expected
        elif verb == "renew":
            assert store.renew(key, token, term, now) == renew(holders, token, now + term, now)
        elif verb == "release":
            store.release(key, token)
            holders.pop(token, None)


def test_a_dead_holder_blocks_its_slot_until_its_lease_expires(redis_client: Redis) -> None:
    clock = ManualClock()
    slots = ConcurrencyLimiter(1, lease_seconds=10, store=RedisLeases(redis_client, caller_time=True), clock=clock)
    dead = slots.acquire("render").lease
    assert dead
    clock.advance(9.999_999)
    refused = slots.acquire("render")
    assert (refused.allowed, refused.in_flight, refused.retry_after) == (False, 1, 0.000_001)
    clock.advance(0.000_001)
    successor = slots.acquire("render").lease
    assert successor
    dead.release()
    assert not slots.acquire("render")
    with pytest.raises(LeaseLost):
        dead.renew()
    successor.renew()


def test_the_servers_clock_decides_and_the_key_outlives_its_leases(redis_client: Redis) -> None:
    """A client at the year 1970 and one at 3000 hold leases of equal length."""
    store = RedisLeases(redis_client)
    assert store.acquire("k", "past", 2, 3_600_000_000, 0).granted
    assert store.acquire("k", "future", 2, 1_800_000_000, 10**16).granted
    refused = store.acquire("k", "late", 2, 1, 0)
    assert (refused.granted, refused.in_flight) == (False, 2)
    assert 1_790_000_000 < refused.retry_after_us <= 1_800_000_000
    (name,) = redis_client.keys()
    assert 3_590_000 < int(redis_client.pttl(name)) <= 3_600_001
    assert not store.renew("k", "stranger", 1, 0)
    assert store.acquire("short", "token", 1, 1, 0).granted
    assert store.acquire("short", "other", 1, 1, 0).granted  # a microsecond has passed


def test_twenty_threads_are_never_more_than_three_inside(redis_client: Redis) -> None:
    slots = ConcurrencyLimiter(3, store=RedisLeases(redis_client, poll_seconds=0.01))
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with slots.throttle("k", timeout=60):
                with lock:
                    inside += 1
                    most = max(most, inside)
                redis_client.ping()
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 3
    assert redis_client.dbsize() == 0


async def test_a_cancelled_task_frees_its_slot(redis_client: Redis, redis_server: Given) -> None:
    async with aredis.Redis.from_url(redis_server.url) as aclient:
        slots = ConcurrencyLimiter(1, store=RedisLeases(redis_client, aclient))
        entered = asyncio.Event()

        async def work() -> None:
            async with await slots.athrottle("k", timeout=10) as lease:
                await lease.arenew()
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await entered.wait()
        assert not await slots.aacquire("k")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await slots.aacquire("k")).in_flight == 1


def test_bad_arguments_are_refused(redis_client: Redis) -> None:
    with pytest.raises(ValueError, match="poll_seconds must be above 0"):
        RedisLeases(redis_client, poll_seconds=0)
    with pytest.raises(ValueError, match="namespace must be"):
        RedisLeases(redis_client, namespace="{}")
    with pytest.raises(ValueError, match="a lease lasts at most"):
        RedisLeases(redis_client).acquire("k", "token", 1, MOST + 1, 0)
