"""The contract of claims, on PostgreSQL and Redis, with the clocks of the two clients an hour apart."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from redis import Redis

from claims.contract import ClaimsContract, Desk
from claims.helpers import timed_desk
from lldkit.claims.postgres import PostgresJournal
from lldkit.claims.redis import RedisJournal


class TestPostgres(ClaimsContract):
    @pytest.fixture
    def desk(self, postgres_dsn: str) -> Iterator[Desk]:
        journals = [PostgresJournal(postgres_dsn, namespace="x") for _ in range(2)]
        with closing(journals[0]), closing(journals[1]):
            yield timed_desk(*journals)


@pytest.mark.parametrize("decoded", [False, True], ids=["bytes", "texts"])
class TestRedis(ClaimsContract):
    @pytest.fixture
    def desk(self, redis_client: Redis, redis_server: Any, decoded: bool) -> Iterator[Desk]:
        del redis_client  # it has emptied the server
        with Redis.from_url(redis_server.url, decode_responses=decoded) as client:
            yield timed_desk(RedisJournal(client, namespace="x"), RedisJournal(client, namespace="x"))
