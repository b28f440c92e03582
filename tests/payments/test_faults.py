"""Engines that fail in the middle: the verb raises, nothing is half done, and what was begun comes to its end."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from lldkit.payments import postgres
from lldkit.payments.errors import StoreUnavailable
from lldkit.payments.interface import GatewayReply, GatewayRequest
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.rows import KINDS
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.store import Query, Store
from lldkit.payments.tables import IntentState
from payments.helpers import Shop, usd
from servers import PostgresServer

Strike: TypeAlias = Callable[[Any], object]
"""What happens to a connection just before the statement that is to fail."""


class Struck:
    """A connection that strikes before its statement number `at`; BEGIN and COMMIT are statements too."""

    def __init__(self, connection: Any, blow: "Blow") -> None:
        self._connection = connection
        self._blow = blow

    def execute(self, statement: Any, *given: Any) -> Any:
        if statement != "ROLLBACK":
            self._blow.count(self._connection)
        return self._connection.execute(statement, *given)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._blow.count(self._connection)
        with self._connection.transaction():
            yield
            self._blow.count(self._connection)
        self._blow.after_commit()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Blow:
    """Counts the statements, and strikes before one of them, or after one of the commits."""

    def __init__(self, strike: Strike, at: int = 0, after: int = 0) -> None:
        self.statements = self.commits = 0
        self._strike, self._at, self._after = strike, at, after

    def count(self, connection: Any) -> None:
        self.statements += 1
        if self.statements == self._at:
            self._strike(connection)

    def after_commit(self) -> None:
        self.commits += 1
        if self.commits == self._after:
            raise psycopg.OperationalError("the answer was lost")


def disk_error(_: Any) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@contextmanager
def striking_sqlite(store: SQLiteStore, blow: Blow, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = store._database.connection
    with monkeypatch.context() as patch:
        patch.setattr(store._database, "connection", lambda: Struck(real(), blow))
        yield


@contextmanager
def striking_postgres(store: PostgresStore, blow: Blow, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = store._postgres.connection

    @contextmanager
    def connection() -> Iterator[Struck]:
        with real() as lent:
            yield Struck(lent, blow)

    with monkeypatch.context() as patch:
        patch.setattr(store._postgres, "connection", connection)
        yield


def rows(store: Store) -> dict[str, Any]:
    """All that a store holds."""
    return {table: store.scan(Query(table, limit=10_000)) for table in KINDS}


def waiting(store: Store) -> tuple[Shop, str]:
    """A shop with one payment that is authorized."""
    shop = Shop(store)
    return shop, shop.authorized().id


def ends_well(shop: Shop, intent_id: str) -> None:
    """Whatever was left open is closed, and the verb again has its outcome."""
    shop.clock.advance(61)
    shop.payments.recover()
    intent = shop.payments.capture(intent_id, idempotency_key="k")
    assert (intent.state, intent.captured) == (IntentState.CAPTURED, usd(100))
    assert shop.gateway.effects(intent_id).money_calls == 2
    assert shop.balance() == (0, 0, 0, 100)
    assert shop.payments.reconcile(shop.gateway.statement()).agrees


def whole(store: Store, before: dict[str, Any], shop: Shop, intent_id: str) -> IntentState:
    """All is as before, or all of the question was written down; the state."""
    state, after = shop.payments.get(intent_id).state, rows(store)
    grown = {table: len(after[table]) - len(before[table]) for table in KINDS}
    if state is IntentState.AUTHORIZED:
        assert after == before
    else:
        assert {table: number for table, number in grown.items() if number} == {"history": 1, "keys": 1, "outbox": 1}
    return state


def test_each_statement_of_sqlite_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    with closing(SQLiteStore(tmp_path / "whole.db", synchronous="NORMAL")) as store:
        shop, intent_id = waiting(store)
        with striking_sqlite(store, count := Blow(disk_error), monkeypatch):
            shop.payments.capture(intent_id, idempotency_key="k")
    for at in range(1, count.statements + 1):
        with closing(SQLiteStore(tmp_path / f"{at}.db", synchronous="NORMAL")) as store:
            shop, intent_id = waiting(store)
            before = rows(store)
            with striking_sqlite(store, Blow(disk_error, at), monkeypatch), pytest.raises(StoreUnavailable):
                shop.payments.capture(intent_id, idempotency_key="k")
            states.append(whole(store, before, shop, intent_id))
            ends_well(shop, intent_id)
    assert len(states) == 8 + 5 + 14  # the question; what the answer reads; what it writes
    assert set(states) == {IntentState.AUTHORIZED, IntentState.CAPTURING}


def test_a_postgres_connection_that_is_killed_before_each_statement_leaves_no_trace(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:

        def kill(connection: Any) -> None:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", (connection.info.backend_pid,))

        with closing(PostgresStore(postgres_dsn, server_time=False)) as store:
            count = Blow(kill)
            shop, intent_id = waiting(store)
            with striking_postgres(store, count, monkeypatch):
                shop.payments.capture(intent_id, idempotency_key="k")
            assert count.statements > 20
            for at in range(1, count.statements + 1):
                admin.execute("TRUNCATE payments_rows")
                shop, intent_id = waiting(store)
                before = rows(store)
                with striking_postgres(store, Blow(kill, at), monkeypatch), pytest.raises(StoreUnavailable):
                    shop.payments.capture(intent_id, idempotency_key="k")
                whole(store, before, shop, intent_id)
                ends_well(shop, intent_id)


@pytest.mark.parametrize(("commit", "state", "calls"), [(1, IntentState.CAPTURING, 1), (2, IntentState.CAPTURED, 2)])
def test_a_commit_whose_answer_was_lost_is_found_and_nothing_is_done_twice(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, commit: int, state: IntentState, calls: int
) -> None:
    with closing(PostgresStore(postgres_dsn, server_time=False)) as store:
        shop, intent_id = waiting(store)
        with striking_postgres(store, Blow(print, after=commit), monkeypatch), pytest.raises(StoreUnavailable):
            shop.payments.capture(intent_id, idempotency_key="k")
        assert shop.payments.get(intent_id).state is state
        assert shop.gateway.effects(intent_id).money_calls == calls
        ends_well(shop, intent_id)


def test_a_postgres_that_is_away_is_told_and_nothing_acknowledged_is_lost(breakable_postgres: PostgresServer) -> None:
    with closing(PostgresStore(breakable_postgres.dsn, server_time=False)) as store:
        shop, intent_id = waiting(store)
        breakable_postgres.stop()
        with pytest.raises(StoreUnavailable):
            shop.payments.capture(intent_id, idempotency_key="k")
        with pytest.raises(StoreUnavailable):
            shop.payments.get(intent_id)
        breakable_postgres.start()
        assert shop.payments.get(intent_id).state is IntentState.AUTHORIZED
        ends_well(shop, intent_id)


class PoolOfOne:
    """What `psycopg_pool.ConnectionPool` does, with one connection; whoever finds it lent is refused at once."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._free = [connection]

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        if not self._free:
            raise psycopg.OperationalError("no connection is free")  # as its PoolTimeout
        connection = self._free.pop()
        try:
            with connection.transaction():
                yield connection
        finally:
            self._free.append(connection)


def test_a_pool_without_a_free_connection_is_told_and_nothing_is_half_done(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        pool = PoolOfOne(connection)
        store = PostgresStore(pool, server_time=False)
        shop, intent_id = waiting(store)
        before = rows(store)
        with pool.connection():
            for verb in (shop.payments.capture, shop.payments.get):
                with pytest.raises(StoreUnavailable):
                    verb(intent_id)
        assert rows(store) == before
        assert shop.gateway.effects(intent_id).money_calls == 1
        send = shop.gateway.send
        with ExitStack() as others, monkeypatch.context() as patch:

            def busy(request: GatewayRequest) -> GatewayReply:
                others.enter_context(pool.connection())  # it is free while the gateway is asked
                return send(request)

            patch.setattr(shop.gateway, "send", busy)
            with pytest.raises(StoreUnavailable):
                shop.payments.capture(intent_id, idempotency_key="k")
        assert shop.payments.get(intent_id).state is IntentState.CAPTURING
        ends_well(shop, intent_id)


@pytest.mark.parametrize("error", postgres.ENDED_BY_THE_SERVER)
def test_a_commit_that_the_server_ends_for_another_is_made_again_a_few_times(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    real, left = postgres._write, [0]

    def struck(*given: Any) -> None:
        real(*given)
        left[0] -= 1
        if left[0] >= 0:
            raise error

    with closing(PostgresStore(postgres_dsn, server_time=False)) as store:
        shop, intent_id = waiting(store)
        before = rows(store)
        monkeypatch.setattr(postgres, "_write", struck)
        left[0] = postgres.TRIES
        with pytest.raises(StoreUnavailable):
            shop.payments.capture(intent_id, idempotency_key="k")
        assert rows(store) == before
        left[0] = postgres.TRIES - 1
        ends_well(shop, intent_id)


def test_on_a_full_disk_nothing_is_half_done_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path / "shop.db", synchronous="NORMAL")) as store:
        shop = Shop(store)
        connection = store._database.connection()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        acknowledged: list[str] = []

        def fill() -> None:
            while len(acknowledged) < 1_000:
                acknowledged.append(shop.created().id)

        with pytest.raises(StoreUnavailable):
            fill()
        assert 0 < len(acknowledged) < 1_000
        assert [name for (_, name), _ in store.scan(Query("intents", limit=10_000))] == sorted(acknowledged)
        connection.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        assert shop.captured().captured == usd(100)
