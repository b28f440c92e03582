"""The engine of a fleet keeps what every engine promises."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from lldkit.rate_limiter import Store
from lldkit.rate_limiter.postgres import PostgresStore
from rate_limiter.contract import StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, postgres_dsn: str) -> Iterator[Store]:
        with closing(PostgresStore(postgres_dsn, caller_time=True)) as store:
            yield store
