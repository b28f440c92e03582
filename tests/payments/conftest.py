"""Stores for the tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lldkit.payments.memory import MemoryStore
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.store import Store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of the stores, empty."""
    found: Store
    if request.param == "memory":
        found = MemoryStore()
    elif request.param == "sqlite":
        found = SQLiteStore(tmp_path / "shop.db", synchronous="NORMAL")
    else:
        found = PostgresStore(request.getfixturevalue("postgres_dsn"), server_time=False)
    yield found
    found.close()
