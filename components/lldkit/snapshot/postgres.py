"""Versions in PostgreSQL: compare and set in one transaction, and NOTIFY as the hint; only the number travels."""

import contextlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC
from importlib import resources
from typing import Any

from lldkit.arguments import check_count
from lldkit.engines.postgres import UNAVAILABLE, Connection, Pool, Postgres
from lldkit.snapshot.documents import checked_publication, frozen, written
from lldkit.snapshot.interface import Document, StoreUnavailable, VersionConflict, VersionNotFound
from lldkit.snapshot.memory import HEARTBEAT
from lldkit.snapshot.twins import Twins

__all__ = ["PostgresStore"]

_TEXT = resources.files("lldkit.snapshot").joinpath("postgres.sql").read_text(encoding="utf-8")
_SECTIONS = (section.split("\n", 1) for section in _TEXT.split("-- : ")[1:])
SQL: dict[str, bytes] = {name: statement.encode() for name, statement in _SECTIONS}
MIGRATIONS = [SQL["versions"].decode(), SQL["heads"].decode()]


class PostgresStore(Twins):
    """Keeps the last `history_limit` versions of `namespace` in tables that any number of hosts share.

    A publication is one transaction; of several upon one version one wins. `created_at` is the server's time. A
    listener holds a connection of its own, and needs one that keeps its session: not one from a pooler in transaction
    mode. `dsn_or_pool` and `timeout` are those of `lldkit.engines.postgres.Postgres`. Tables are made by the first
    call. Safe for threads, tasks and forks. `StoreUnavailable` where the server does not answer.
    """

    def __init__(
        self,
        dsn_or_pool: str | Pool,
        *,
        namespace: str = "default",
        history_limit: int = 1_000,
        timeout: float | None = 5.0,
    ) -> None:
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._common = {"namespace": namespace, "history_limit": check_count("history_limit", history_limit, least=1)}
        self._namespace = namespace

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound`."""
        with self._connection() as connection:
            query = SQL["newest" if version is None else "one"]
            row = connection.execute(query, {**self._common, "limit": 1, "version": version}).fetchone()
            bounds = None if row else connection.execute(SQL["bounds"], self._common).fetchone()
        if row:
            return _document(row)
        oldest, newest = bounds or (0, 0)
        raise VersionNotFound(version, oldest, newest)

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected`, else raise `VersionConflict`."""
        text = written(checked_publication(body, expected, author, reason))
        given = {**self._common, "expected": expected, "body": text, "author": author, "reason": reason}
        with self._connection() as connection, connection.transaction():
            connection.execute(SQL["begin"], {**given, "origin": secrets.token_hex(8)})
            advanced = connection.execute(SQL["advance"], given).fetchone()
            if advanced is None:
                (actual,) = connection.execute(SQL["head"], given).fetchone() or (0,)
                raise VersionConflict(expected, actual)
            (row,) = connection.execute(SQL["insert"], {**given, "origin": advanced[0]}).fetchall()
            connection.execute(SQL["prune"], given)
            connection.execute(SQL["notify"], given)
        return _document(row)

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are kept, newest first."""
        check_count("limit", limit, least=1)
        with self._connection() as connection:
            rows = connection.execute(SQL["newest"], {**self._common, "limit": limit}).fetchall()
        return tuple(map(_document, rows))

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        """Listen until `stop` is set; as `DocumentStore.hints`."""
        with self._connection() as connection:
            connection.execute("LISTEN lldkit_snapshot")
            try:
                yield True
                while not stop.is_set():
                    heard = [each.payload for each in connection.notifies(timeout=HEARTBEAT, stop_after=1)]
                    yield any(payload.rpartition(":")[0] == self._namespace for payload in heard)
            finally:
                with contextlib.suppress(*UNAVAILABLE):
                    connection.execute("UNLISTEN lldkit_snapshot")

    def close(self) -> None:
        """Close the connections that are ours. Idempotent."""
        self._postgres.close()

    def _connection(self) -> AbstractContextManager[Connection]:
        return self._postgres.tables("snapshot", MIGRATIONS, lambda: StoreUnavailable("PostgreSQL"))


def _document(row: Sequence[Any]) -> Document:
    body, version, origin, author, reason, parent, created_at = row
    return Document(frozen(body), version, origin, author, reason, parent, created_at.astimezone(UTC))
