"""The engine of one host: jobs in an SQLite file that any number of processes share."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.engines.sqlite import UNAVAILABLE, Database
from lldkit.scheduler.interface import JobState, Keep, SchemaMismatch, StoreUnavailable
from lldkit.scheduler.rows import CODES, COLUMNS, record_from_row
from lldkit.scheduler.sqlite_table import SQLiteTable
from lldkit.scheduler.store import Record
from lldkit.scheduler.transactional import TransactionalStore

__all__ = ["SQLiteStore"]

_TEXT = resources.files("lldkit.scheduler").joinpath("sqlite.sql").read_text(encoding="utf-8")
SCHEMA = [statement for statement in _TEXT.split(";\n") if statement.strip()]
VERSION = "SELECT version FROM lldkit_migrations WHERE namespace = 'scheduler'"
LIST = f"""
    SELECT {COLUMNS} FROM lldkit_jobs
    WHERE queue = ? AND state = coalesce(?, state) AND task = coalesce(?, task) AND seq < coalesce(?, seq + 1)
    ORDER BY seq DESC LIMIT ?
"""  # noqa: S608 - constants
NEXT_DUE = """
    SELECT min(at) FROM (
        SELECT min(due) AS at FROM lldkit_jobs WHERE state = 1 AND queue = ?
        UNION ALL SELECT min(lease) FROM lldkit_jobs WHERE state = 3 AND queue = ?
    )
"""
WATCH_SECONDS = 0.02  # real ones, between two looks at whether a neighbour has committed


class SQLiteStore(TransactionalStore):
    """Keeps jobs in the file `path`; what was enqueued survives the death of any process.

    Each verb is one write transaction (`BEGIN IMMEDIATE`), so verbs pass one after the other, whoever asks. With
    `durability="full"` a commit also survives a power cut, for a sync of the disk each. Time is `clock`, which all
    processes of a host share. Word of a neighbour's commit comes from `PRAGMA data_version`, asked 50 times a second
    while somebody waits. A `connection` for `put` and `settle` is one to this file, inside a transaction of its owner.

    Safe for threads and forks. `StoreUnavailable` when the file stays locked for `busy_timeout` seconds, cannot be
    read or written, or the disk is full; `SchemaMismatch` for a file of a newer version.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Literal["normal", "full"] = "normal",
        busy_timeout: float = 5.0,
        clock: Clock = SYSTEM,
    ) -> None:
        super().__init__()
        if durability not in {"normal", "full"}:
            raise ValueError(f"durability must be 'normal' or 'full', got {durability!r}")
        self._path = Path(path).absolute()
        self._durability = durability.upper()
        self._clock = clock
        self._database = Database(path, busy_timeout=busy_timeout)
        self._watch = _Watch(self)
        with self._answering():
            self._database.migrate("scheduler", SCHEMA)
            (version,) = self._database.connection().execute(VERSION).fetchone()
        if version > len(SCHEMA):
            raise SchemaMismatch(version, len(SCHEMA))

    @contextmanager
    def _transaction(self, connection: Any = None) -> Iterator[SQLiteTable]:
        if connection is not None:
            with self._joining(connection) as table:
                yield table
            return
        with self._answering():
            self._database.connection().execute(f"PRAGMA synchronous = {self._durability}")
            with self._database.transaction() as own:
                table = SQLiteTable(own, self.now())
                yield table
                table.flush()

    @contextmanager
    def _joining(self, connection: sqlite3.Connection) -> Iterator[SQLiteTable]:
        """A part of the caller's transaction, which stays theirs to commit."""
        self._check(connection)
        connection.execute("SAVEPOINT lldkit_scheduler")
        try:
            table = SQLiteTable(connection, self.now())
            yield table
            table.flush()
        except BaseException:
            connection.execute("ROLLBACK TO lldkit_scheduler")
            raise
        finally:
            connection.execute("RELEASE lldkit_scheduler")

    def _check(self, connection: sqlite3.Connection) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"connection must be a sqlite3.Connection, got a {type(connection).__name__}")
        if not connection.in_transaction:
            raise ValueError("the connection is in no transaction that the jobs could belong to; execute BEGIN first")
        files = [file for _, name, file in connection.execute("PRAGMA database_list") if name == "main"]
        if not self._path.samefile(files[0]):
            raise ValueError(f"the connection is to {files[0]!r}, but the jobs are in {str(self._path)!r}")

    @contextmanager
    def _reading(self) -> Iterator[SQLiteTable]:
        with self._answering():
            yield SQLiteTable(self._database.connection(), self.now())

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except UNAVAILABLE as error:
            raise StoreUnavailable("the SQLite file") from error

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs, the oldest first; up to 10,000 of each state at once."""
        with self._transaction() as table:
            return table.prune(queue, keep)

    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """List jobs, from the newest."""
        with self._answering():
            asked = (queue, None if state is None else CODES[state], task, before, limit)
            return list(map(record_from_row, self._database.connection().execute(LIST, asked)))

    def stats(self, queue: str) -> Mapping[JobState, int]:
        """Count jobs; kept up to date by each transaction."""
        counts = self._counts(queue)
        return {state: counts[state.value] for state in JobState if state.value in counts}

    def claims(self, queue: str) -> int:
        """Count claims."""
        return self._counts(queue).get("claims", 0)

    def _counts(self, queue: str) -> dict[str, int]:
        with self._reading() as table:
            return table.counts(queue)

    def now(self) -> int:
        """The host's wall clock."""
        return round(self._clock.now().timestamp() * MICRO)

    def next_due(self, queue: str) -> int | None:
        """When the first SCHEDULED job is due or the first lease ends."""
        with self._answering():
            at: int | None = self._database.connection().execute(NEXT_DUE, (queue, queue)).fetchone()[0]
            return at

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` after each change by this process or another."""
        unsubscribe = super().subscribe(give)
        self._watch.enter()

        def leave() -> None:
            unsubscribe()
            self._watch.leave()

        return leave

    def data_version(self) -> int:
        """A number that changes when another connection has committed."""
        with self._answering():
            version: int = self._database.connection().execute("PRAGMA data_version").fetchone()[0]
            return version

    def close(self) -> None:
        """Close the connections of all threads. Idempotent."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self._path)!r})"


class _Watch:
    """The thread that looks whether a neighbour has committed, while somebody listens."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._listeners = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def enter(self) -> None:
        """One more listens; from here on no commit is missed."""
        with self._lock:
            self._listeners += 1
            if self._listeners == 1:
                self._over, looked = threading.Event(), threading.Event()
                arguments = (self._over, looked)
                self._thread = threading.Thread(target=self._run, args=arguments, name="watch", daemon=True)
                self._thread.start()
                looked.wait()

    def leave(self) -> None:
        """One fewer."""
        with self._lock:
            self._listeners -= 1
            if self._listeners or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._over.set()
        if thread is not threading.current_thread():
            thread.join()

    def _run(self, over: threading.Event, looked: threading.Event) -> None:
        seen = self._look()
        looked.set()
        while not over.wait(WATCH_SECONDS):
            version = self._look()
            if version != seen:
                self._store.notify()
            seen = version

    def _look(self) -> int | None:
        """A number that changes when another connection has committed, None while the file cannot be read."""
        try:
            return self._store.data_version()
        except (StoreUnavailable, RuntimeError):  # a RuntimeError: the store was closed
            return None
