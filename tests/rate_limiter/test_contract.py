"""The engine of one process keeps what every engine promises."""

import pytest

from lldkit.rate_limiter import MemoryStore, Store
from rate_limiter.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
