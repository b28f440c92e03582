"""The engine of one host keeps what every engine promises, and its debts through a restart of the host."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import SQLiteStore, Store
from rate_limiter.contract import StoreContract


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
        with closing(SQLiteStore(tmp_path / "limits.db", clock=clock)) as store:
            yield store
