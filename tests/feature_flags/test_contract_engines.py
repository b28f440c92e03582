"""Commits, conflicts and following by every engine: one contract."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from feature_flags.helpers import document, flag
from lldkit.feature_flags import FlagAdmin, FlagClient, FlagsChanged, PutFlag, SetState
from lldkit.snapshot import DocumentStore, MemoryStore, VersionConflict
from lldkit.snapshot.file import FileStore
from lldkit.snapshot.postgres import PostgresStore
from lldkit.snapshot.redis import RedisStore
from lldkit.snapshot.sqlite import SQLiteStore

PATIENCE = 30.0


class Contract(ABC):
    @pytest.fixture
    @abstractmethod
    def store(self) -> Any:
        """An empty store."""

    def test_a_race_of_eight_writers_loses_no_edit(self, store: DocumentStore) -> None:
        FlagAdmin(store).commit([PutFlag("first", flag())], author="ana")
        start = threading.Barrier(8)

        def write(name: str) -> None:
            start.wait()
            admin = FlagAdmin(store, attempts=200)
            for n in range(3):
                admin.commit([PutFlag(f"{name}-{n}", flag())], author=name)

        threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flags: Any = store.read().body["flags"]
        assert set(flags) == {"first", *(f"w{writer}-{n}" for writer in range(8) for n in range(3))}
        assert store.read().version == 25

    def test_a_stale_expectation_writes_nothing(self, store: DocumentStore) -> None:
        admin = FlagAdmin(store)
        admin.commit([PutFlag("f", flag())], author="ana", expected=0)
        with pytest.raises(VersionConflict):
            admin.commit([SetState("f", enabled=False)], author="bob", expected=0)
        assert store.read().version == 1

    def test_a_rollback_has_a_history(self, store: DocumentStore) -> None:
        admin = FlagAdmin(store)
        admin.commit([PutFlag("f", flag(serve="on"))], author="ana")
        admin.commit([SetState("f", enabled=False)], author="bob", reason="on fire")
        admin.rollback(to=1, author="cia", reason="put out")
        assert [(each.version, each.author, each.reason) for each in admin.history("f")] == [
            (3, "cia", "put out"),
            (2, "bob", "on fire"),
            (1, "ana", ""),
        ]
        assert FlagClient(store).boolean("f", False) is True

    def test_a_kill_switch_reaches_a_follower(self, store: DocumentStore) -> None:
        admin = FlagAdmin(store)
        admin.commit([PutFlag("f", flag(serve="on", off="off"))], author="ana")
        client = FlagClient(store)
        killed = threading.Event()

        def listen(change: FlagsChanged) -> None:
            if "f" in change.changed and not client.boolean("f", True):
                killed.set()

        client.on_change(listen)
        with client.follow() as follower:
            admin.commit([SetState("f", enabled=False)], author="bob")
            assert killed.wait(PATIENCE)
        assert follower.status.version == 2


class TestMemory(Contract):
    @pytest.fixture
    def store(self) -> DocumentStore:
        return MemoryStore()


class TestFile(Contract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DocumentStore:
        return FileStore(tmp_path / "flags.json", versions_directory=tmp_path / "versions")


class TestSQLite(Contract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DocumentStore:
        return SQLiteStore(tmp_path / "flags.db")


class TestPostgres(Contract):
    @pytest.fixture
    def store(self, postgres_dsn: str) -> Iterator[DocumentStore]:
        store = PostgresStore(postgres_dsn)
        yield store
        store.close()


class TestRedis(Contract):
    @pytest.fixture
    def store(self, redis_client: Redis) -> DocumentStore:
        return RedisStore(redis_client)


def test_a_file_that_somebody_edits_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text('{"flags": {"f": {"type": "boolean", "variants": {"on": true, "off": false}, "serve": "off"}}}')
    client = FlagClient(FileStore(path))
    assert client.boolean("f", True) is False
    path.write_text(path.read_text().replace('"serve": "off"', '"serve": "on"'))
    assert client.refresh().version == 2
    assert client.boolean("f", False) is True
    path.write_text("{")
    assert client.refresh().applied is False
    assert client.boolean("f", False) is True


def test_a_document_in_the_limits_of_the_stores_is_served_whole() -> None:
    store = MemoryStore(document({f"f{n}": flag(serve="on") for n in range(20_000)}))
    client = FlagClient(store)
    assert client.boolean("f19999", False) is True
    assert list(client.problems) == []
