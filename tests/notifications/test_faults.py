"""Engines that fail in the middle: the verb raises, nothing is half done, nothing is sent that is not stored."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from lldkit.notifications import Route, StoreUnavailable
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.sqlite import SQLiteStore
from notifications.helpers import World
from servers import PostgresServer

BOTH = Route(to=("email", "sms"))


def test_a_locked_file_is_unavailable_and_nothing_is_stored_or_sent(tmp_path: Path) -> None:
    world = World(BOTH, store=SQLiteStore(tmp_path / "outbox.db", busy_timeout=0.01))
    first = world.notify()
    blocker = sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as caught:
        world.notify()
    assert caught.value.retry_after > 0
    with pytest.raises(StoreUnavailable):
        world.run()
    assert world.sent() == []
    blocker.execute("ROLLBACK")
    blocker.close()
    assert world.run().sent == 2
    assert world.states(first) == ["email sent", "sms sent"]
    world.router.close()


def test_an_error_of_the_disk_at_any_statement_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(1, 40):
        store = SQLiteStore(tmp_path / f"{at}.db")
        world = World(BOTH, store=store)
        with striking(store, at, monkeypatch) as struck:
            try:
                world.notify(dedupe_key="k")
            except StoreUnavailable:
                assert store.find([("receipt", "x")]) == {}
        if struck.count < at:
            assert at > 4
            return
        assert world.router.next_due() is None
        receipt = world.notify(dedupe_key="k")
        assert world.run().sent == 2
        assert world.states(receipt) == ["email sent", "sms sent"]
        store.close()
    pytest.fail("there is no end of statements")


class Struck:
    """A connection whose statement number `at` fails."""

    def __init__(self, connection: sqlite3.Connection, at: int) -> None:
        self._connection = connection
        self._at = at
        self.count = 0

    def execute(self, statement: str, *given: object) -> object:
        self._strike(statement)
        return self._connection.execute(statement, *given)  # type: ignore[arg-type]

    def executemany(self, statement: str, *given: object) -> object:
        self._strike(statement)
        return self._connection.executemany(statement, *given)  # type: ignore[arg-type]

    def _strike(self, statement: str) -> None:
        if statement != "ROLLBACK":
            self.count += 1
            if self.count == self._at:
                raise sqlite3.OperationalError("disk I/O error")

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction


@contextmanager
def striking(store: SQLiteStore, at: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Struck]:
    struck = Struck(store._database.connection(), at)
    with monkeypatch.context() as patch:
        patch.setattr(store._database, "connection", lambda: struck)
        yield struck


def test_a_killed_server_is_unavailable_and_after_its_restart_everything_is_there(
    breakable_postgres: PostgresServer,
) -> None:
    store = PostgresStore(breakable_postgres.dsn, timeout=10.0, server_time=False)
    world = World(BOTH, store=store)
    receipt = world.notify(dedupe_key="k")
    breakable_postgres.stop()
    with pytest.raises(StoreUnavailable):
        world.notify()
    with pytest.raises(StoreUnavailable):
        world.run()
    assert world.sent() == []
    breakable_postgres.start()
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == receipt
    assert world.run().sent == 2
    assert len(world.sent()) == 1
    store.close()


def test_a_server_that_ends_connections_in_the_middle_of_a_run_costs_a_lease(postgres_dsn: str) -> None:
    world = World(BOTH, store=PostgresStore(make_conninfo(postgres_dsn, application_name="router"), server_time=False))
    receipt = world.notify()
    real = world.channels["email"].send

    def send(message: object) -> object:
        with psycopg.connect(postgres_dsn, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'router'")
        world.channels["email"].send = real  # type: ignore[method-assign]
        return real(message)  # type: ignore[arg-type]

    world.channels["email"].send = send  # type: ignore[method-assign, assignment]
    for _ in range(4):
        try:
            world.run(61)
        except StoreUnavailable:
            continue
    assert world.states(receipt) == ["email sent", "sms sent"]
    assert len(world.sent()) == 1
    world.router.close()


def test_an_exhausted_pool_is_unavailable() -> None:
    class Exhausted:
        def connection(self) -> object:
            raise psycopg.OperationalError("couldn't get a connection after 0.1 sec")

    world = World(BOTH, store=PostgresStore(Exhausted()))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        world.notify()


def test_a_silent_server_is_unavailable_after_the_timeout(breakable_postgres: PostgresServer) -> None:
    store = PostgresStore(breakable_postgres.dsn, timeout=0.5)
    world = World(BOTH, store=store)
    world.notify()
    breakable_postgres.pause()
    try:
        with pytest.raises(StoreUnavailable):
            world.notify()
    finally:
        breakable_postgres.resume()
    store.close()
