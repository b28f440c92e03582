"""Payments in one SQLite file, for the processes of one host; a commit survives the death of process and machine."""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from lldkit.engines.sqlite import UNAVAILABLE, Database
from lldkit.payments.errors import StaleVersion, StoreUnavailable
from lldkit.payments.rows import read, written
from lldkit.payments.store import Change, Key, Query, Row, Write

__all__ = ["SQLiteStore"]

MIGRATIONS = [
    """
    CREATE TABLE payments_rows (
        kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL, due INTEGER,
        value TEXT NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX payments_groups ON payments_rows (kind, grp, id)",
    "CREATE INDEX payments_due ON payments_rows (kind, due, id) WHERE due IS NOT NULL",
]
VERSION = "SELECT version FROM payments_rows WHERE kind = ? AND id = ?"
READ = """
    SELECT r.kind, r.id, r.version, r.value FROM json_each(?) AS k
    CROSS JOIN payments_rows AS r ON r.kind = json_extract(k.value, '$[0]') AND r.id = json_extract(k.value, '$[1]')
"""
INSERT = "INSERT INTO payments_rows VALUES (?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING"
UPDATE = (
    "UPDATE payments_rows SET version = version + 1, grp = ?, due = ?, value = ? "
    "WHERE kind = ? AND id = ? AND version = ?"
)
DELETE = "DELETE FROM payments_rows WHERE kind = ? AND id = ? AND version = ?"


class SQLiteStore:
    """Keeps rows in the file `path`. Safe for threads and for processes of one host.

    With `synchronous="FULL"`, the default because this is money, a commit survives a power cut; "NORMAL" is faster and
    survives the death of the process only. StoreUnavailable when the file is locked for longer than `busy_timeout`
    seconds, the disk is full, or it cannot be read or written; then nothing was changed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_timeout: float = 5.0,
    ) -> None:
        self._database = Database(path, busy_timeout=busy_timeout, synchronous=synchronous)
        with self._answering():
            self._database.migrate("payments", MIGRATIONS)

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        """Those of the keys that are there."""
        with self._answering():
            rows = self._database.connection().execute(READ, (json.dumps(list(keys)),)).fetchall()
        return {(kind, name): Row(read(kind, value), version) for kind, name, version, value in rows}

    def commit(self, change: Change, /) -> None:
        """Make all writes in one transaction, or raise StaleVersion and make none."""
        with self._answering(), self._database.transaction() as connection:
            for write in change.writes:
                _make(connection, write)

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        """The first rows that the query means."""
        conditions, given = ["kind = ?", "id > ?"], [query.table, query.after]
        if query.group is not None:
            conditions.append("grp = ?")
            given.append(query.group)
        order = "id"
        if query.due is not None:
            conditions.append(f"due <= {int(query.due)}")
            order = "due, id"
        text = f"SELECT id, version, value FROM payments_rows WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"  # noqa: S608
        with self._answering():
            rows = self._database.connection().execute(text, (*given, query.limit)).fetchall()
        return [((query.table, name), Row(read(query.table, value), version)) for name, version, value in rows]

    def close(self) -> None:
        """Close the connections of all threads. Idempotent."""
        self._database.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except UNAVAILABLE as error:
            raise StoreUnavailable("the SQLite file") from error


def _make(connection: sqlite3.Connection, write: Write) -> None:
    """Write the row if its version still stands."""
    key, value, expected, group, due = write
    if value is None:
        made = connection.execute(DELETE, (*key, expected))
    elif expected:
        made = connection.execute(UPDATE, (group, due, written(value), *key, expected))
    else:
        made = connection.execute(INSERT, (*key, group, due, written(value)))
    if not made.rowcount:
        (found,) = connection.execute(VERSION, key).fetchone() or (0,)
        if found != expected:
            raise StaleVersion(":".join(key), expected, found)
