"""Versions in an SQLite file: for processes of one host, and a history that survives a restart."""

import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM, Clock
from lldkit.engines.sqlite import UNAVAILABLE, Database
from lldkit.snapshot.documents import checked_publication, read_text, succeed, written
from lldkit.snapshot.interface import Document, StoreUnavailable, VersionNotFound
from lldkit.snapshot.memory import HEARTBEAT
from lldkit.snapshot.twins import Twins

__all__ = ["SQLiteStore"]

MIGRATIONS = [
    """
    CREATE TABLE config_version (
        namespace TEXT NOT NULL, version INTEGER NOT NULL, origin TEXT NOT NULL, body TEXT NOT NULL,
        author TEXT NOT NULL, reason TEXT NOT NULL, parent INTEGER, created_at TEXT NOT NULL,
        PRIMARY KEY (namespace, version)
    ) WITHOUT ROWID
    """
]
MISSING = object()
ROW = "body, version, origin, author, reason, parent, created_at"
NEWEST = f"SELECT {ROW} FROM config_version WHERE namespace = ? ORDER BY version DESC LIMIT ?"  # noqa: S608 - constants
ONE = f"SELECT {ROW} FROM config_version WHERE namespace = ? AND version = ?"  # noqa: S608
BOUNDS = "SELECT min(version), max(version) FROM config_version WHERE namespace = ?"
HEAD = "SELECT version, origin FROM config_version WHERE namespace = ? ORDER BY version DESC LIMIT 1"
INSERT = f"INSERT INTO config_version (namespace, {ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
PRUNE = "DELETE FROM config_version WHERE namespace = ? AND version <= ?"


class SQLiteStore(Twins):
    """Keeps the last `history_limit` versions of `namespace` in the file `path`.

    A publication is one write transaction, durable when it returns as far as `lldkit.engines.sqlite` says. Listeners
    ask the file ten times a second whether anybody has written. Safe for threads, tasks and processes of one host.
    `StoreUnavailable` when the file is locked for longer than `busy_timeout` seconds, or cannot be read or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        namespace: str = "default",
        history_limit: int = 1_000,
        busy_timeout: float = 5.0,
        clock: Clock = SYSTEM,
    ) -> None:
        self._namespace = namespace
        self._history_limit = check_count("history_limit", history_limit, least=1)
        self._clock = clock
        self._database = Database(path, busy_timeout=busy_timeout)
        with self._answering():
            self._database.migrate("snapshot", MIGRATIONS)

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound`."""
        with self._answering():
            connection = self._database.connection()
            query, which = (NEWEST, 1) if version is None else (ONE, version)
            if row := connection.execute(query, (self._namespace, which)).fetchone():
                return _document(row)
            oldest, newest = connection.execute(BOUNDS, (self._namespace,)).fetchone()
        raise VersionNotFound(version, oldest or 0, newest or 0)

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected`, else raise `VersionConflict`."""
        checked, at = checked_publication(body, expected, author, reason), self._clock.now()
        with self._answering(), self._database.transaction() as connection:
            row = connection.execute(NEWEST, (self._namespace, 1)).fetchone()
            head = _document(row) if row else None
            origin = head.origin if head else secrets.token_hex(8)
            document = succeed(head, checked, expected=expected, author=author, reason=reason, origin=origin, at=at)
            connection.execute(INSERT, (self._namespace, *_row(document)))
            connection.execute(PRUNE, (self._namespace, document.version - self._history_limit))
        return document

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are kept, newest first."""
        check_count("limit", limit, least=1)
        with self._answering():
            rows = self._database.connection().execute(NEWEST, (self._namespace, limit)).fetchall()
        return tuple(map(_document, rows))

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        """Listen until `stop` is set; as `DocumentStore.hints`."""
        seen: object = MISSING
        while not stop.is_set():
            with self._answering():
                head = self._database.connection().execute(HEAD, (self._namespace,)).fetchone()
            moved, seen = head != seen, head
            yield moved
            if not moved:
                stop.wait(HEARTBEAT)

    def close(self) -> None:
        """Close the connections of all threads. Idempotent."""
        self._database.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except UNAVAILABLE as error:
            raise StoreUnavailable("the SQLite file") from error


def _document(row: Sequence[Any]) -> Document:
    body, version, origin, author, reason, parent, created_at = row
    return Document(read_text(body), version, origin, author, reason, parent, datetime.fromisoformat(created_at))


def _row(document: Document) -> tuple[object, ...]:
    head = (written(document.body), document.version, document.origin, document.author, document.reason)
    return (*head, document.parent, document.created_at.isoformat())
