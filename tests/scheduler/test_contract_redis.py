"""The store on Redis does what every store does."""

import pytest
from redis import Redis

from lldkit.clock import ManualClock
from lldkit.scheduler import Store
from lldkit.scheduler.redis import RedisStore
from scheduler.contract import StoreContract


class TestRedisStore(StoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock, redis_client: Redis) -> Store:
        return RedisStore(redis_client, clock=clock)
