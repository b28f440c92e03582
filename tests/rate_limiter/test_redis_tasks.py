"""Redis for tasks: one pipeline per tick, whoever is cancelled; and a store that lacks a client says so."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis import Redis
from redis import asyncio as aredis

from lldkit.rate_limiter import RateLimiter, StoreUnavailable, per_hour, per_second
from lldkit.rate_limiter.redis import RedisStore
from servers import GivenRedis, RedisServer

Given = RedisServer | GivenRedis


class Counting:
    """An asyncio client that counts its pipelines and what they carried."""

    def __init__(self, url: str) -> None:
        self.client = aredis.Redis.from_url(url)
        self.sent: list[int] = []
        self.departure = asyncio.Event()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        raise AssertionError("not in a pipeline")

    def pipeline(self, transaction: Any = None) -> Any:
        pipeline = self.client.pipeline(transaction)
        execute = pipeline.execute

        async def counted(**options: Any) -> Any:
            self.sent.append(len(pipeline.command_stack))
            self.departure.set()
            return await execute(**options)

        vars(pipeline)["execute"] = counted
        return pipeline


@pytest.fixture
async def counting(redis_client: Redis, redis_server: Given) -> AsyncIterator[Counting]:
    counting = Counting(redis_server.url)
    async with counting.client:
        yield counting


async def test_what_tasks_ask_in_one_tick_travels_as_one_pipeline(counting: Counting) -> None:
    limiter = RateLimiter(per_hour(40), store=RedisStore(counting))
    await limiter.apeek("k")  # the script is known from here on
    counting.sent.clear()
    decisions = await asyncio.gather(*(limiter.aacquire("k") for _ in range(64)))
    assert [decision.allowed for decision in decisions] == [True] * 40 + [False] * 24
    assert counting.sent == [64]


async def test_a_task_that_is_cancelled_in_its_tick_asks_nothing_and_spoils_nobody(counting: Counting) -> None:
    limiter = RateLimiter(per_hour(40), store=RedisStore(counting))
    tasks = [asyncio.ensure_future(limiter.aacquire("k")) for _ in range(3)]
    asyncio.get_running_loop().call_soon(tasks[1].cancel)  # runs after all three have asked
    async with asyncio.timeout(10):
        first, cancelled, last = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [decision.remaining for decision in (first, last)] == [39, 38]  # type: ignore[union-attr]
    assert (await limiter.apeek("k")).remaining == 38


async def test_a_task_that_is_cancelled_later_leaves_the_others_their_answers(counting: Counting) -> None:
    limiter = RateLimiter(per_hour(40), store=RedisStore(counting))
    tasks = [asyncio.ensure_future(limiter.aacquire("k")) for _ in range(3)]
    await counting.departure.wait()
    tasks[1].cancel()
    async with asyncio.timeout(10):
        first, cancelled, last = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [decision.remaining for decision in (first, last)] == [39, 37]  # type: ignore[union-attr]
    assert (await limiter.apeek("k")).remaining == 37  # it may have cost its units, once


async def test_a_bad_call_fails_alone(counting: Counting, redis_client: Redis) -> None:
    limiter = RateLimiter(per_hour(40), store=RedisStore(counting))
    await limiter.aacquire("bad")
    (name,) = redis_client.keys()
    redis_client.delete(name)
    redis_client.rpush(name, "not a text")
    bad, good = await asyncio.gather(limiter.aacquire("bad"), limiter.aacquire("k"), return_exceptions=True)
    assert "WRONGTYPE" in str(bad)
    assert not isinstance(bad, StoreUnavailable)
    assert good


def test_one_store_serves_loop_after_loop(redis_client: Redis, redis_server: Given) -> None:
    async def once(store: RedisStore, client: Any) -> int:
        async with client:
            return (await RateLimiter(per_hour(9), store=store).aacquire("k")).remaining

    client = aredis.Redis.from_url(redis_server.url)
    store = RedisStore(client)
    assert [asyncio.run(once(store, client)) for _ in range(3)] == [8, 7, 6]


async def test_the_verbs_of_a_client_that_is_not_there_say_so(redis_client: Redis, redis_server: Given) -> None:
    async with aredis.Redis.from_url(redis_server.url) as aclient:
        tasks_only, threads_only = (RateLimiter(per_second(1), store=RedisStore(c)) for c in (aclient, redis_client))
        with pytest.raises(TypeError, match="no plain client"):
            tasks_only.acquire("k")
        with pytest.raises(TypeError, match="no asyncio client"):
            await threads_only.aacquire("k")
        both: Sequence[tuple[Any, Any]] = [(aclient, redis_client), (redis_client, redis_client), (aclient, aclient)]
        for pair in both:
            with pytest.raises(TypeError, match="a plain client and then an asyncio client"):
                RedisStore(*pair)
