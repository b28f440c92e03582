"""The store on SQLite does what every store does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import Store
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.contract import StoreContract


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock, tmp_path: Path) -> Iterator[Store]:
        store = SQLiteStore(tmp_path / "jobs.db", clock=clock)
        yield store
        store.close()
