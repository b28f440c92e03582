"""The store in memory does what every store does."""

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import MemoryStore, Store
from scheduler.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock) -> Store:
        return MemoryStore(clock=clock)
