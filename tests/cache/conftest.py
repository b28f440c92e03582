"""Two tiers: a fleet of caches on the server of all tests, or lone ones on a server that may be broken."""

from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import servers
from cache.helpers import Fleet, MakeTier, tier_on
from lldkit.cache import TieredCache
from lldkit.cache.redis import RedisStore
from lldkit.clock import ManualClock


@pytest.fixture
def fleet(redis_client: Redis) -> Fleet:
    return Fleet(redis_client)


@pytest.fixture
def lone(breakable_redis: servers.RedisServer) -> MakeTier:
    """Makes tiers on a server that can be stopped."""

    def make(**settings: Any) -> TieredCache[Any, Any]:
        client: Any = Redis.from_url(breakable_redis.url, retry=Retry(NoBackoff(), 0), socket_timeout=10)
        clock = ManualClock(auto_advance=True)
        return tier_on(RedisStore(client, namespace="t", down_seconds=1, clock=clock), clock, **settings)

    return make
