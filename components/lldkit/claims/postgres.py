"""Claims in PostgreSQL, for any number of hosts: the primary key decides who is next, the server how late it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import errors

from lldkit.claims.interface import Change
from lldkit.claims.journal import Read, Record, Unreachable
from lldkit.claims.sealed import MARGIN, seal, unseal, unseal_all
from lldkit.claims.shell import JournaledClaims
from lldkit.claims.times import to_datetime
from lldkit.engines.postgres import UNAVAILABLE, Connection, Pool, Postgres

__all__ = ["PostgresClaims", "PostgresJournal"]

FASTER = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
"""Errors that say that somebody else has appended, or is about to, and that this here was not."""
MIGRATIONS = [
    "CREATE TABLE lldkit_journal (namespace text, seq bigint, body text NOT NULL, PRIMARY KEY (namespace, seq))",
    "CREATE TABLE lldkit_journal_snapshot (namespace text PRIMARY KEY, seq bigint NOT NULL, body text NOT NULL)",
]
BEHIND = b"""
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, seq, body
    FROM (SELECT 1) AS one LEFT JOIN lldkit_journal ON namespace = %s AND seq > %s ORDER BY seq
"""
SNAPSHOT = b"SELECT seq, body FROM lldkit_journal_snapshot WHERE namespace = %s AND seq > %s"
APPEND = b"""
    INSERT INTO lldkit_journal
    SELECT %(namespace)s, %(expected)s + n, body FROM unnest(%(bodies)s::text[]) WITH ORDINALITY AS given (body, n)
    WHERE clock_timestamp() >= %(since)s AND clock_timestamp() < %(before)s
      AND NOT EXISTS (SELECT 1 FROM lldkit_journal WHERE namespace = %(namespace)s AND seq > %(expected)s)
      AND NOT EXISTS (SELECT 1 FROM lldkit_journal_snapshot WHERE namespace = %(namespace)s AND seq > %(expected)s)
"""
CUT = b"DELETE FROM lldkit_journal WHERE namespace = %s AND seq = %s"
KEEP = b"""
    INSERT INTO lldkit_journal_snapshot AS kept VALUES (%s, %s, %s)
    ON CONFLICT (namespace) DO UPDATE SET seq = excluded.seq, body = excluded.body WHERE kept.seq < excluded.seq
"""
DROP = b"DELETE FROM lldkit_journal WHERE namespace = %s AND seq <= %s"


class PostgresJournal:
    """A journal in tables that many hosts share, made by the first call. Safe for threads and forks."""

    timed = True

    def __init__(self, dsn_or_pool: str | Pool, *, namespace: str, timeout: float | None = 5.0) -> None:
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._namespace = namespace
        self._migrated = False

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`, and the server's time; a torn last record is cut off."""
        with self._connection() as connection:
            now, rows = self._behind(connection, after)
            found = None
            if not rows or rows[0][0] != after + 1:
                found = connection.execute(SNAPSHOT, (self._namespace, after)).fetchone()
            if found:
                now, rows = self._behind(connection, found[0])
            records, torn = unseal_all(rows)
            if torn is not None:
                connection.execute(CUT, (self._namespace, torn))
        return Read(records, None if found is None else (found[0], unseal(*found)), now)

    def _behind(self, connection: Connection, after: int) -> tuple[int, list[tuple[int, str]]]:
        rows = connection.execute(BEHIND, (self._namespace, after)).fetchall()
        return rows[0][0], [(seq, body) for _, seq, body in rows if seq is not None]

    def append(self, expected: int, records: Sequence[Record], *, since: int, before: int) -> bool:
        """Add records if `expected` is the last one, all or none, and if the server's clock is between the times."""
        times = {"since": to_datetime(since), "before": to_datetime(before)}
        given = {"namespace": self._namespace, "expected": expected, "bodies": list(map(seal, records))}
        with self._connection() as connection:
            try:
                return connection.execute(APPEND, given | times).rowcount > 0
            except FASTER:
                return False

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        """Keep the state after record `seq`, and let what is well before it go."""
        with self._connection() as connection, connection.transaction():
            connection.execute(KEEP, (self._namespace, seq, seal(body)))
            connection.execute(DROP, (self._namespace, seq - MARGIN))

    def close(self) -> None:
        """Close the connections that are ours."""
        self._postgres.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            if not self._migrated:
                self._postgres.migrate("journal", MIGRATIONS)
                self._migrated = True
            with self._postgres.connection() as connection:
                yield connection
        except UNAVAILABLE as error:
            raise Unreachable("PostgreSQL did not answer") from error


class PostgresClaims(JournaledClaims):
    """Claims in PostgreSQL, for any number of hosts; only the server's time counts.

    `dsn_or_pool` and `timeout` are those of `lldkit.engines.postgres.Postgres`. Other parameters are those of
    `JournaledClaims`.
    """

    def __init__(
        self,
        dsn_or_pool: str | Pool,
        *,
        namespace: str = "default",
        timeout: float | None = 5.0,
        max_ttl_seconds: float = 34_560_000,
        max_extensions: int = 5,
        keep_seconds: float = 86_400,
        on_event: Callable[[Change], None] | None = None,
    ) -> None:
        super().__init__(
            PostgresJournal(dsn_or_pool, namespace=f"claims:{namespace}", timeout=timeout),
            max_ttl_seconds=max_ttl_seconds,
            max_extensions=max_extensions,
            keep_seconds=keep_seconds,
            on_event=on_event,
        )
