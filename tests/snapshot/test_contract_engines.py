"""The contract of document stores, by PostgreSQL and Redis."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from lldkit.snapshot import DocumentStore
from lldkit.snapshot.postgres import PostgresStore
from lldkit.snapshot.redis import RedisStore
from snapshot.contract import DocumentStoreContract


class TestPostgres(DocumentStoreContract):
    @pytest.fixture
    def store(self, postgres_dsn: str) -> Iterator[DocumentStore]:
        store = PostgresStore(postgres_dsn, history_limit=self.LIMIT)
        yield store
        store.close()


@pytest.mark.parametrize("decoded", [False, True], ids=["bytes", "texts"])
class TestRedis(DocumentStoreContract):
    @pytest.fixture
    def store(self, redis_client: Redis, redis_server: Any, decoded: bool) -> Iterator[DocumentStore]:
        del redis_client  # it has emptied the server
        with Redis.from_url(redis_server.url, decode_responses=decoded) as client:
            yield RedisStore(client, history_limit=self.LIMIT)
