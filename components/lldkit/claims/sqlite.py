"""Claims in an SQLite file, for the processes of one host; one statement appends, and thereby decides."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from lldkit.claims.interface import Change
from lldkit.claims.journal import Read, Record, Unreachable
from lldkit.claims.sealed import MARGIN, seal, unseal, unseal_all
from lldkit.claims.shell import JournaledClaims
from lldkit.clock import SYSTEM, Clock
from lldkit.engines.sqlite import UNAVAILABLE, Database

__all__ = ["SQLiteClaims", "SQLiteJournal"]

MIGRATIONS = [
    """
    CREATE TABLE journal (
        namespace TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (namespace, seq)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE journal_snapshot (namespace TEXT PRIMARY KEY, seq INTEGER NOT NULL, body TEXT NOT NULL)",
]
APPEND = """
    INSERT INTO journal SELECT :namespace, :expected + 1 + key, value FROM json_each(:bodies)
    WHERE NOT EXISTS (SELECT 1 FROM journal WHERE namespace = :namespace AND seq > :expected)
      AND coalesce((SELECT seq FROM journal_snapshot WHERE namespace = :namespace), 0) <= :expected
"""
BEHIND = "SELECT seq, body FROM journal WHERE namespace = ? AND seq > ? ORDER BY seq"
SNAPSHOT = "SELECT seq, body FROM journal_snapshot WHERE namespace = ? AND seq > ?"
CUT = "DELETE FROM journal WHERE namespace = ? AND seq = ?"
KEEP = """
    INSERT INTO journal_snapshot VALUES (?, ?, ?)
    ON CONFLICT (namespace) DO UPDATE SET seq = excluded.seq, body = excluded.body WHERE seq < excluded.seq
"""
DROP = "DELETE FROM journal WHERE namespace = ? AND seq <= ?"


class SQLiteJournal:
    """A journal in the file `path`, shared by name. Safe for threads, processes of one host, and forks."""

    timed = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        namespace: str,
        busy_timeout: float = 5.0,
        synchronous: Literal["NORMAL", "FULL"] = "FULL",
    ) -> None:
        self._namespace = namespace
        self._database = Database(path, busy_timeout=busy_timeout, synchronous=synchronous)
        with _reaching():
            self._database.migrate("journal", MIGRATIONS)

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`; a torn last record is cut off."""
        with _reaching():
            connection = self._database.connection()
            rows = connection.execute(BEHIND, (self._namespace, after)).fetchall()
            found = None
            if not rows or rows[0][0] != after + 1:
                found = connection.execute(SNAPSHOT, (self._namespace, after)).fetchone()
            if found:
                rows = connection.execute(BEHIND, (self._namespace, found[0])).fetchall()
            records, torn = unseal_all(rows)
            if torn is not None:
                connection.execute(CUT, (self._namespace, torn))
        return Read(records, None if found is None else (found[0], unseal(*found)))

    def append(self, expected: int, records: Sequence[Record], *, since: int = 0, before: int = 0) -> bool:  # noqa: ARG002 - see Journal
        """Add records if `expected` is the last one, all or none."""
        given = {"namespace": self._namespace, "expected": expected, "bodies": json.dumps(list(map(seal, records)))}
        with _reaching():
            return self._database.connection().execute(APPEND, given).rowcount > 0

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        """Keep the state after record `seq`, and let what is well before it go."""
        with _reaching(), self._database.transaction() as connection:
            connection.execute(KEEP, (self._namespace, seq, seal(body)))
            connection.execute(DROP, (self._namespace, seq - MARGIN))

    def close(self) -> None:
        """Close the connections of all threads."""
        self._database.close()


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise Unreachable(f"SQLite: {error}") from error


class SQLiteClaims(JournaledClaims):
    """Claims in the file `path`, for the processes of one host; they survive a crash and, by FULL, a power cut.

    The clock is the processes' own. Other parameters are those of `JournaledClaims`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        namespace: str = "default",
        busy_timeout: float = 5.0,
        synchronous: Literal["NORMAL", "FULL"] = "FULL",
        clock: Clock = SYSTEM,
        max_ttl_seconds: float = 34_560_000,
        max_extensions: int = 5,
        keep_seconds: float = 86_400,
        on_event: Callable[[Change], None] | None = None,
    ) -> None:
        super().__init__(
            SQLiteJournal(path, namespace=f"claims:{namespace}", busy_timeout=busy_timeout, synchronous=synchronous),
            clock=clock,
            max_ttl_seconds=max_ttl_seconds,
            max_extensions=max_extensions,
            keep_seconds=keep_seconds,
            on_event=on_event,
        )
