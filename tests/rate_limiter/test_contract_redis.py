"""Redis keeps what every engine promises."""

from collections.abc import AsyncIterator

import pytest
from redis import Redis
from redis import asyncio as aredis

from lldkit.rate_limiter import Store
from lldkit.rate_limiter.redis import RedisStore
from rate_limiter.contract import StoreContract
from servers import GivenRedis, RedisServer


class TestRedisStore(StoreContract):
    @pytest.fixture
    async def store(self, redis_client: Redis, redis_server: RedisServer | GivenRedis) -> AsyncIterator[Store]:
        async with aredis.Redis.from_url(redis_server.url) as aclient:
            yield RedisStore(redis_client, aclient, caller_time=True)
