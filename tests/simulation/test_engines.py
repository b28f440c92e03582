"""Faults around real engines: the client is wrapped as it is, and what the engine holds tells what happened."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from lldkit.simulation import Duplicated, Faults, LostReply, LostRequest


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "counter.db", isolation_level=None)
    connection.execute("CREATE TABLE counter (n INTEGER)")
    connection.execute("INSERT INTO counter VALUES (0)")
    yield connection
    connection.close()


@pytest.fixture
def postgres(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE counter (n INTEGER)")
        connection.execute("INSERT INTO counter VALUES (0)")
        yield connection


def check(add: Callable[[Faults], object], held: Callable[[], int]) -> None:
    """The same for all: a request lost is no effect, a reply lost is one, a doubled call is two."""
    for kind, effects in ((LostRequest, 0), (LostReply, 1), (Duplicated, 2)):
        before = held()
        faults = Faults(1, plan=[kind("engine", 1.0)])
        if kind is Duplicated:
            add(faults)
        else:
            with pytest.raises(TimeoutError):
                add(faults)
        assert held() - before == effects, kind


def test_memory() -> None:
    class Memory:
        n = 0

        def add(self) -> None:
            self.n += 1

    memory = Memory()
    check(lambda faults: faults.wrap(memory, name="engine").add(), lambda: memory.n)


def test_sqlite(sqlite: sqlite3.Connection) -> None:
    check(
        lambda faults: faults.wrap(sqlite, name="engine").execute("UPDATE counter SET n = n + 1"),
        lambda: int(sqlite.execute("SELECT n FROM counter").fetchone()[0]),
    )


def test_redis(redis_client: Redis) -> None:
    check(lambda faults: faults.wrap(redis_client, name="engine").incr("n"), lambda: int(redis_client.get("n") or 0))


def test_postgres(postgres: psycopg.Connection) -> None:
    check(
        lambda faults: faults.wrap(postgres, name="engine").execute("UPDATE counter SET n = n + 1"),
        lambda: int((postgres.execute("SELECT n FROM counter").fetchone() or (0,))[0]),
    )
