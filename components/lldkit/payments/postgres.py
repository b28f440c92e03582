"""Payments in PostgreSQL, for any number of hosts: rows locked in one order, versions compared, the server's time."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg import errors

from lldkit.clock import MICRO
from lldkit.engines.postgres import Connection, Pool, Postgres
from lldkit.payments.errors import StaleVersion, StoreUnavailable
from lldkit.payments.rows import read, written
from lldkit.payments.store import CLOCK, Change, Key, Query, Row, Write

__all__ = ["PostgresStore"]

MIGRATIONS = [
    """
    CREATE TABLE payments_rows (
        kind text NOT NULL, id text COLLATE "C" NOT NULL, version bigint NOT NULL, grp text NOT NULL, due bigint,
        value text NOT NULL, PRIMARY KEY (kind, id)
    )
    """,
    "CREATE INDEX payments_groups ON payments_rows (kind, grp, id)",
    "CREATE INDEX payments_due ON payments_rows (kind, due, id) WHERE due IS NOT NULL",
]
READ = """
    SELECT r.kind, r.id, r.version, r.value FROM payments_rows r
    JOIN unnest(%s::text[], %s::text[]) AS k (kind, id) ON r.kind = k.kind AND r.id = k.id
"""
LOCK = READ.replace("r.value", "''") + " ORDER BY r.kind, r.id FOR UPDATE OF r"
INSERT = "INSERT INTO payments_rows VALUES (%s, %s, 1, %s, %s, %s) ON CONFLICT DO NOTHING"
UPDATE = "UPDATE payments_rows SET version = version + 1, grp = %s, due = %s, value = %s WHERE kind = %s AND id = %s"
DELETE = "DELETE FROM payments_rows WHERE kind = %s AND id = %s"
NOW = "SELECT extract(epoch FROM clock_timestamp())"
ENDED_BY_THE_SERVER = (errors.DeadlockDetected, errors.SerializationFailure)  # to let another transaction through
TRIES = 5


class PostgresStore:
    """Keeps rows in tables that any number of hosts share. Safe for threads and forks.

    A commit locks the rows that it changes in one order, compares their versions and writes, in one READ COMMITTED
    transaction. The server's time counts, or with `server_time=False` the caller's. `dsn_or_pool` and `timeout` are
    those of `lldkit.engines.postgres.Postgres`. StoreUnavailable where the server does not answer: then the commit was
    made or not, and the same again is refused as stale if it was.
    """

    def __init__(self, dsn_or_pool: str | Pool, *, timeout: float | None = 5.0, server_time: bool = True) -> None:
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._server_time = server_time

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        """Those of the keys that are there, and the server's time for `CLOCK`."""
        found: dict[Key, Row] = {}
        wanted = [key for key in keys if key != CLOCK]
        with self._connection() as connection:
            if wanted:
                rows = connection.execute(READ.encode(), _columns(wanted)).fetchall()
                found = {(kind, name): Row(read(kind, value), version) for kind, name, version, value in rows}
            if CLOCK in keys and self._server_time:
                (seconds,) = connection.execute(NOW.encode()).fetchone() or (0,)
                found[CLOCK] = Row(int(seconds * MICRO), 0)
        return found

    def commit(self, change: Change, /) -> None:
        """Make all writes, or raise StaleVersion and make none."""
        for _ in range(TRIES):
            with self._connection() as connection, contextlib.suppress(*ENDED_BY_THE_SERVER):
                with connection.transaction():
                    _write(connection, change.writes)
                return
        raise StoreUnavailable("PostgreSQL")

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        """The first rows that the query means."""
        conditions = ["kind = %(table)s", "id > %(after)s"]
        conditions += ["grp = %(group)s"] if query.group is not None else []
        conditions += ["due <= %(due)s"] if query.due is not None else []
        order = "id" if query.due is None else "due, id"
        text = (
            f"SELECT id, version, value FROM payments_rows WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants
            f"ORDER BY {order} LIMIT %(limit)s"
        )
        with self._connection() as connection:
            rows = connection.execute(text.encode(), query._asdict()).fetchall()
        return [((query.table, name), Row(read(query.table, value), version)) for name, version, value in rows]

    def close(self) -> None:
        """Close the connections that are ours. Idempotent."""
        self._postgres.close()

    def _connection(self) -> contextlib.AbstractContextManager[Connection]:
        return self._postgres.tables("payments", MIGRATIONS, lambda: StoreUnavailable("PostgreSQL"))


def _columns(keys: Collection[Key]) -> tuple[list[str], list[str]]:
    return [kind for kind, _ in keys], [name for _, name in keys]


def _write(connection: Connection, writes: Sequence[Write]) -> None:
    locked = connection.execute(LOCK.encode(), _columns([write.key for write in writes])).fetchall()
    versions = {(kind, name): version for kind, name, version, _ in locked}
    for key, _, expected, _, _ in writes:
        if versions.get(key, 0) != expected:
            raise StaleVersion(":".join(key), expected, versions.get(key, 0))
    for key, value, expected, group, due in sorted(writes, key=lambda write: write.key):
        if value is None:
            connection.execute(DELETE.encode(), key)
        elif expected:
            connection.execute(UPDATE.encode(), (group, due, written(value), *key))
        else:
            given: tuple[Any, ...] = (*key, group, due, written(value))
            if connection.execute(INSERT.encode(), given).rowcount == 0:
                raise StaleVersion(":".join(key), 0, 1)
