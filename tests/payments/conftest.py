"""Stores for the tests of this room."""

from collections.abc import Iterator

import pytest

from lldkit.payments.memory import MemoryStore
from lldkit.payments.store import Store


@pytest.fixture(params=["memory"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each of the stores, empty."""
    found = MemoryStore()
    yield found
    found.close()
