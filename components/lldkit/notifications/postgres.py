"""Notifications in PostgreSQL, for any number of hosts: SKIP LOCKED for claims, versions for the rest, server time."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from lldkit.engines.postgres import UNAVAILABLE, Connection, Pool, Postgres
from lldkit.engines.postgres_bell import PostgresBell
from lldkit.notifications.interface import StoreUnavailable
from lldkit.notifications.rows import read, written
from lldkit.notifications.statements import statements
from lldkit.notifications.store import Key, Query, Row, StaleVersion, Write, is_due

__all__ = ["PostgresStore"]

NOW = "coalesce(%(now)s::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
SQL = statements("postgres.sql", now=NOW)
FOR_EVER = (1 << 63) - 1


class PostgresStore:
    """Keeps rows in tables that any number of hosts share. Safe for threads and forks.

    Leases are by the server's time, or with `server_time=False` by the caller's; the calendar is always the caller's.
    `dsn_or_pool` and `timeout` are those of `lldkit.engines.postgres.Postgres`. A `connection` is one of psycopg to the
    same database; what is done with it counts when its owner commits. StoreUnavailable where the server does not
    answer: then a commit was made or not.
    """

    def __init__(self, dsn_or_pool: str | Pool, *, timeout: float | None = 5.0, server_time: bool = True) -> None:
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._server_time = server_time
        self._migrated = False
        self._bell = PostgresBell(self._postgres.connection, "lldkit_notifications")

    def commit(self, writes: Sequence[Write], /, *, now: int, connection: Connection | None = None) -> None:
        """Make all writes, or raise StaleVersion and make none."""
        with self._connection(connection) as used, used.transaction():
            _write(used, writes, self._now(now))
            if has_news := is_due(writes, now):
                used.execute(SQL["notify"].encode(), ("" if connection else self._bell.name,))
        if has_news and connection is None:
            self._bell.ring()

    def claim(self, shares: Sequence[tuple[str, int]], /, *, now: int, lease: int) -> list[tuple[Key, Row]]:
        """Lease due rows; those that another worker is leasing at this moment are passed over."""
        claimed: list[tuple[Key, Row]] = []
        with self._connection() as used, used.transaction():
            for lane, most in shares:
                given = {"lane": lane, "most": most, "calendar": now, "now": self._now(now), "lease": lease}
                claimed += _rows(used.execute(SQL["claim"].encode(), given).fetchall()).items()
        return claimed

    def find(self, what: Collection[Key] | Query, /, *, connection: Connection | None = None) -> Mapping[Key, Row]:
        """Look rows up."""
        with self._connection(connection) as used:
            if isinstance(what, Query):
                text = SQL["by_lane"] if what.lane else SQL["by_kind"] if what.group is None else SQL["by_group"]
                given = {**what._asdict(), "due": FOR_EVER if what.due is None else what.due}
                return _rows(used.execute(text.encode(), given).fetchall())
            columns = ([kind for kind, _ in what], [name for _, name in what])
            return _rows(used.execute(SQL["by_keys"].encode(), columns).fetchall()) if what else {}

    def subscribe(self, give: Callable[[], object], /) -> Callable[[], None]:
        """Call `give` after commits, by any host, by which something is due, over a connection of its own.

        A pooler in transaction mode cannot listen; then a worker looks once a second.
        """
        return self._bell.subscribe(give)

    def close(self) -> None:
        """Close the connections that are ours. Idempotent."""
        self._postgres.close()

    def _now(self, now: int) -> int | None:
        return None if self._server_time else now

    @contextlib.contextmanager
    def _connection(self, given: Connection | None = None) -> Iterator[Connection]:
        try:
            if not self._migrated:
                self._postgres.migrate("notifications", SQL.migrations)
                self._migrated = True
            if given is not None:
                yield given
                return
            with self._postgres.connection() as connection:
                yield connection
        except UNAVAILABLE as error:  # deadlocks are among them
            raise StoreUnavailable("PostgreSQL") from error


def _rows(found: Sequence[tuple[Any, ...]]) -> dict[Key, Row]:
    return {(kind, name): Row(read(kind, value), version, due) for kind, name, value, version, due in found}


def _write(connection: Connection, writes: Sequence[Write], now: int | None) -> None:
    """In the order of the keys, so that two writers of the same rows do not wait for each other in a circle."""
    for write in sorted(writes, key=lambda write: write.key):
        (kind, name), value, expected, group, lane, due, lease = write
        given: dict[str, Any] = {"kind": kind, "id": name, "expected": expected, "now": now}
        if value is None:
            made = connection.execute(SQL["delete"].encode(), given).rowcount if expected else 1
        else:
            given |= {"group": group, "lane": lane, "due": due, "lease": lease, "value": written(value)}
            made = connection.execute((SQL["update"] if expected else SQL["insert"]).encode(), given).rowcount
        if made == 0:
            raise StaleVersion(write.key, expected, 0)
