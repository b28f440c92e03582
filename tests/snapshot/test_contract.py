"""The contract of document stores, by the engines that are always there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lldkit.snapshot import DocumentStore, MemoryStore
from lldkit.snapshot.file import FileStore
from lldkit.snapshot.sqlite import SQLiteStore
from snapshot.contract import DocumentStoreContract


class TestMemory(DocumentStoreContract):
    @pytest.fixture
    def store(self) -> DocumentStore:
        return MemoryStore(history_limit=self.LIMIT)


class TestSQLite(DocumentStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DocumentStore]:
        store = SQLiteStore(tmp_path / "documents.db", history_limit=self.LIMIT)
        yield store
        store.close()


class TestFile(DocumentStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DocumentStore:
        return FileStore(tmp_path / "app.json", versions_directory=tmp_path / "versions", history_limit=self.LIMIT)
