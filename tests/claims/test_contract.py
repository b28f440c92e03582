"""The contract of claims, in memory and on SQLite; and a user's own engine."""

from pathlib import Path

import pytest

from claims.contract import ClaimsContract, Desk
from claims.helpers import manual_desk, memory_desk
from lldkit.claims import MemoryClaims
from lldkit.claims.sqlite import SQLiteJournal
from lldkit.clock import ManualClock


class TestMemory(ClaimsContract):
    @pytest.fixture
    def desk(self) -> Desk:
        return memory_desk()


class TestTheMemoryOfOneObject(ClaimsContract):
    @pytest.fixture
    def desk(self) -> Desk:
        clock = ManualClock()
        claims = MemoryClaims(clock=clock, max_extensions=2)
        return Desk(claims, claims, clock.advance)


class TestSQLite(ClaimsContract):
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Desk:
        path = tmp_path / "claims.db"
        return manual_desk(SQLiteJournal(path, namespace="x"), SQLiteJournal(path, namespace="x"))
