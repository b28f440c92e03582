"""Notifications in one SQLite file, for the processes of one host; a commit survives the death of the process."""

import contextlib
import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from lldkit.engines.sqlite import UNAVAILABLE, Database
from lldkit.notifications.interface import StoreUnavailable
from lldkit.notifications.rows import read, written
from lldkit.notifications.statements import statements
from lldkit.notifications.store import Key, Query, Row, StaleVersion, Write, is_due
from lldkit.turns import Bell

__all__ = ["SQLiteStore"]

SQL = statements("sqlite.sql")
FOR_EVER = (1 << 63) - 1
FEW_KEYS = 3


class SQLiteStore:
    """Keeps rows in the file `path`. Safe for threads and for processes of one host; the caller's time counts.

    A `connection` is a `sqlite3.Connection` to the same file; what is done with it counts when its owner commits, and
    begins a transaction if there is none. `synchronous="FULL"` lets a commit survive a power cut too. StoreUnavailable
    when the file is locked for longer than `busy_timeout` seconds, the disk is full, or it cannot be read or written;
    then nothing was changed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "NORMAL",
        busy_timeout: float = 5.0,
    ) -> None:
        self._database = Database(path, busy_timeout=busy_timeout, synchronous=synchronous)
        self._bell = Bell()
        with _answering():
            self._database.migrate("notifications", SQL.migrations)

    def commit(self, writes: Sequence[Write], /, *, now: int, connection: sqlite3.Connection | None = None) -> None:
        """Make all writes, or raise StaleVersion and make none."""
        with _answering(), self._transaction(connection) as open_connection:
            _write(open_connection, writes, now)
        if connection is None and is_due(writes, now):
            self._bell.ring()

    def claim(self, shares: Sequence[tuple[str, int]], /, *, now: int, lease: int) -> list[tuple[Key, Row]]:
        """Lease due rows; who finds none due has not waited for a writer."""
        with _answering():
            if not _due(self._database.connection(), shares, now):
                return []
            with self._database.transaction() as connection:
                due = _due(connection, shares, now)
                connection.executemany(SQL["lease"], [(now + lease, kind, name) for kind, name, *_ in due])
        return [
            ((kind, name), Row(read(kind, value), version + 1, now + lease)) for kind, name, value, version, _ in due
        ]

    def find(
        self, what: Collection[Key] | Query, /, *, connection: sqlite3.Connection | None = None
    ) -> Mapping[Key, Row]:
        """Look rows up."""
        with _answering():
            reading = connection or self._database.connection()
            rows = _query(reading, what) if isinstance(what, Query) else _by_keys(reading, what)
            return {(kind, name): Row(read(kind, value), version, due) for kind, name, value, version, due in rows}

    def subscribe(self, give: Callable[[], object], /) -> Callable[[], None]:
        """Call `give` after commits of this store by which something is due; not after those of a `connection`."""
        return self._bell.subscribe(give)

    def close(self) -> None:
        """Close the connections of all threads. Idempotent."""
        self._database.close()

    @contextlib.contextmanager
    def _transaction(self, connection: sqlite3.Connection | None) -> Iterator[sqlite3.Connection]:
        if connection is None:
            with self._database.transaction() as own:
                yield own
            return
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        connection.execute("SAVEPOINT notifications")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK TO notifications")
            raise
        finally:
            connection.execute("RELEASE notifications")


def _write(connection: sqlite3.Connection, writes: Sequence[Write], now: int) -> None:
    new: list[tuple[Any, ...]] = []
    for key, value, expected, group, lane, due, lease in writes:
        leased = None if lease is None else now + lease
        if value is None:
            if connection.execute(SQL["delete"], (*key, expected)).rowcount == 0 and expected:
                raise StaleVersion(key, expected, 0)
        elif expected:
            given = (group, lane, due, leased, written(value), *key, expected)
            if connection.execute(SQL["update"], given).rowcount == 0:
                raise StaleVersion(key, expected, 0)
        else:
            new.append((*key, group, lane, due, leased, written(value)))
    try:
        connection.executemany(SQL["insert"], new)
    except sqlite3.IntegrityError:
        raise StaleVersion(next(write.key for write in writes if not write.expected), 0, 1) from None


def _due(connection: sqlite3.Connection, shares: Sequence[tuple[str, int]], now: int) -> list[Any]:
    """Rows that may be leased: first those whose lease has run out, then those whose time has come."""
    found: list[Any] = []
    for lane, most in shares:
        lost = connection.execute(SQL["by_lease"], (lane, now, most)).fetchall()
        found += lost
        found += connection.execute(SQL["by_due"], (lane, now, most - len(lost))).fetchall()
    return found


def _query(connection: sqlite3.Connection, query: Query) -> list[Any]:
    if query.lane:
        until = FOR_EVER if query.due is None else query.due
        given = (query.lane, until, query.limit)
        rows = (
            connection.execute(SQL["by_due"], given).fetchall() + connection.execute(SQL["by_lease"], given).fetchall()
        )
        return sorted(rows, key=lambda row: (row[4], row[1]))[: query.limit]
    if query.group is None:
        return connection.execute(SQL["by_kind"], (query.kind, query.after, query.limit)).fetchall()
    return connection.execute(SQL["by_group"], (query.kind, query.after, query.group, query.limit)).fetchall()


def _by_keys(connection: sqlite3.Connection, keys: Collection[Key]) -> Iterator[Any]:
    if len(keys) <= FEW_KEYS:
        for key in keys:
            yield from connection.execute(SQL["by_key"], key)
        return
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for kind, name in keys:
        by_kind[kind].append(name)
    for kind, names in by_kind.items():
        yield from connection.execute(SQL["by_keys"], (kind, json.dumps(names)))


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise StoreUnavailable("the SQLite file") from error
