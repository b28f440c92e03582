"""Redis killed, restarted, frozen, emptied, a replica, a cluster: calls work once or fail in our words."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis, RedisCluster
from redis import asyncio as aredis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.rate_limiter import (
    ConcurrencyLimiter,
    RateLimiter,
    RateLimiterEvent,
    StoreFailed,
    StoreUnavailable,
    per_hour,
)
from lldkit.rate_limiter.redis import RedisLeases, RedisStore
from servers import GivenRedis, RedisServer, free_port

TIMEOUT = 0.3


@pytest.fixture
def client(breakable_redis: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(breakable_redis.url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT) as client:
        yield client


@pytest.fixture
async def aclient(breakable_redis: RedisServer) -> AsyncIterator[aredis.Redis]:
    url = breakable_redis.url
    async with aredis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT) as client:
        yield client


def test_scripts_that_were_flushed_are_sent_again(client: Redis) -> None:
    limiter = RateLimiter(per_hour(5), store=RedisStore(client))
    remaining = []
    for _ in range(3):
        remaining.append(limiter.acquire("k").remaining)
        client.script_flush()
    assert remaining == [4, 3, 2]


def test_a_restarted_server_goes_on_where_it_was(client: Redis, breakable_redis: RedisServer) -> None:
    heard: list[RateLimiterEvent] = []
    limiter = RateLimiter(per_hour(5), store=RedisStore(client), on_event=heard.append)
    assert limiter.acquire("k").remaining == 4
    breakable_redis.stop()
    with pytest.raises(StoreUnavailable, match="redis did not answer") as failed:
        limiter.acquire("k")
    assert (failed.value.store, limiter.stats.store_faults) == ("redis", 1)
    assert [type(event) for event in heard] == [StoreFailed]
    breakable_redis.start()
    assert limiter.acquire("k").remaining == 3


async def test_a_restarted_server_serves_tasks_again(aclient: aredis.Redis, breakable_redis: RedisServer) -> None:
    limiter = RateLimiter(per_hour(5), store=RedisStore(aclient))
    assert (await limiter.aacquire("k")).remaining == 4
    breakable_redis.stop()
    failures = await asyncio.gather(*(limiter.aacquire("k") for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [StoreUnavailable] * 3
    breakable_redis.start()
    decisions = await asyncio.gather(*(limiter.aacquire("k") for _ in range(3)))
    assert [decision.remaining for decision in decisions] == [3, 2, 1]


def test_a_failover_to_an_empty_replica_starts_anew(client: Redis, breakable_redis: RedisServer) -> None:
    limiter = RateLimiter(per_hour(5), store=RedisStore(client))
    limiter.acquire("k", cost=5)
    breakable_redis.flush()  # no data and no scripts
    assert limiter.acquire("k").remaining == 4


def test_a_replica_that_refuses_writes_is_unavailable(client: Redis) -> None:
    limiter = RateLimiter(per_hour(5), store=RedisStore(client))
    client.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(StoreUnavailable):
            limiter.acquire("k")
    finally:
        client.replicaof("NO", "ONE")
    assert limiter.acquire("k").remaining == 4


def test_a_frozen_server_ends_the_call_in_time_and_costs_its_units_at_most_once(
    client: Redis, breakable_redis: RedisServer
) -> None:
    limiter = RateLimiter(per_hour(5), store=RedisStore(client))
    limiter.acquire("k")
    breakable_redis.pause()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        limiter.acquire("k")
    assert time.monotonic() - began < TIMEOUT + 2
    breakable_redis.resume()
    assert limiter.peek("k").remaining in {3, 4}


async def test_a_frozen_server_ends_the_calls_of_tasks_in_time_and_costs_their_units_at_most_once(
    aclient: aredis.Redis, breakable_redis: RedisServer
) -> None:
    limiter = RateLimiter(per_hour(50), store=RedisStore(aclient))
    await limiter.aacquire("k")
    breakable_redis.pause()
    began = time.monotonic()
    failures = await asyncio.gather(*(limiter.aacquire("k") for _ in range(10)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [StoreUnavailable] * 10
    assert time.monotonic() - began < TIMEOUT + 2
    breakable_redis.resume()
    assert 39 <= (await limiter.apeek("k")).remaining <= 49


def test_leases_survive_a_flushed_script_and_name_a_dead_server(client: Redis, breakable_redis: RedisServer) -> None:
    slots = ConcurrencyLimiter(2, store=RedisLeases(client))
    first = slots.acquire("k").lease
    assert first
    client.script_flush()
    assert slots.acquire("k").in_flight == 2
    breakable_redis.stop()
    with pytest.raises(StoreUnavailable):
        first.renew()
    breakable_redis.start()
    first.renew()
    first.release()
    assert slots.acquire("k")


async def test_a_cluster_routes_by_key_or_keeps_a_limiter_in_one_slot(redis_server: RedisServer | GivenRedis) -> None:
    if isinstance(redis_server, GivenRedis):
        pytest.skip("a cluster node is started from the executable of the shared server")
    quotas = [per_hour(5, name="user"), per_hour(5, name="tenant")]
    bus = str(free_port())  # by default 10 000 above the port, where clients may have one
    with RedisServer("--cluster-enabled", "yes", "--cluster-port", bus) as node, Redis.from_url(node.url) as plain:
        plain.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        deadline = time.monotonic() + 20
        while b"cluster_state:ok" not in plain.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
            assert time.monotonic() < deadline
        with RedisCluster(host="127.0.0.1", port=node.port) as client:
            by_key = RateLimiter(quotas, store=RedisStore(client))
            assert [by_key.acquire(user).remaining for user in ("a", "b", "a")] == [4, 4, 3]
            with pytest.raises(ValueError, match='hash_tag="name"'):
                by_key.acquire({"user": "a", "tenant": "b"})
            by_name = RateLimiter(quotas, store=RedisStore(client, hash_tag="name"))
            assert [by_name.acquire({"user": user, "tenant": "t"}).remaining for user in "aba"] == [4, 3, 2]
        async with aredis.RedisCluster(host="127.0.0.1", port=node.port) as aclient:
            limiter = RateLimiter(quotas, store=RedisStore(aclient))
            decisions = await asyncio.gather(*(limiter.aacquire(user) for user in "abcabcabc"))
            assert [decision.remaining for decision in decisions] == [2, 3, 4, 1, 2, 3, 0, 1, 2]
