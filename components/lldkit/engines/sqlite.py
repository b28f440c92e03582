"""SQLite for several threads and processes of one host: WAL, explicit transactions, migrations.

WAL with `synchronous=NORMAL`: a commit survives the death of the process at any instant, and readers never wait for the
writer. The price: after a power cut or a crash of the operating system the last commits may be missing (never torn, the
file stays sound), and the file must lie on a local disk.
"""

import ctypes
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

from lldkit.clock import SYSTEM

__all__ = ["UNAVAILABLE", "Database"]

UNAVAILABLE: tuple[type[Exception], ...] = (sqlite3.OperationalError,)
"""Errors that mean "cannot answer now": locked beyond the busy timeout, disk full, I/O error, file not reachable.

SQLite reports bad SQL ("no such table") by the same class, so keep the cause: `raise StoreUnavailable from error`.
"""


class _Held:
    """A thread's hold on its connection, kept in a thread-local: it ends with the thread, at the latest at exit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.release = weakref.finalize(self, _let_go, connection, os.getpid())


def _let_go(connection: sqlite3.Connection, owner: int) -> None:
    """Close the connection, but leak one that this process inherited by fork.

    SQLite forbids a child even to close what its parent opened: that would reset files that the parent still uses.
    """
    if owner == os.getpid():
        connection.close()
    else:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


class Database:
    """One SQLite file with a connection for each thread that uses it.

    `busy_timeout` is how many seconds a writer waits for another writer before `sqlite3.OperationalError`. With
    `synchronous="FULL"` commits survive a power cut too, each at the price of a wait for the disk. Connections
    are opened on first use, are in autocommit mode, and are closed when their thread ends or the database is closed.
    Safe for threads; a forked child opens connections of its own. Queries never hold a lock of this object.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Database(f"{folder}/shop.db") as database:
    ...     database.migrate("shop", ["CREATE TABLE stock (item TEXT PRIMARY KEY, units INTEGER NOT NULL)"])
    ...     with database.transaction() as connection:
    ...         _ = connection.execute("INSERT INTO stock VALUES (?, ?)", ("apple", 3))
    ...     database.connection().execute("SELECT item, units FROM stock").fetchall()
    [('apple', 3)]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_timeout: float = 5.0,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
    ) -> None:
        name = os.fspath(path)
        if name in {"", ":memory:"}:
            raise ValueError(f"path must name a file that all threads and processes can share, got {path!r}")
        if Path(name).is_dir() or not Path(name).absolute().parent.is_dir():
            raise ValueError(f"path must name a file in a folder that exists, got {name!r}")
        if not 0 <= busy_timeout <= 86_400:
            raise ValueError(f"busy_timeout must be 0 to 86400 seconds, got {busy_timeout!r}")
        if synchronous not in {"NORMAL", "FULL"}:
            raise ValueError(f"synchronous must be 'NORMAL' or 'FULL', got {synchronous!r}")
        self._synchronous = synchronous
        self._path = Path(name).absolute()
        self._busy_timeout = busy_timeout
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        """Start without connections; in a forked child the lock too may be held by a thread that does not exist."""
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards _holds and _closed
        self._holds: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection, in autocommit mode; do not close it or hand it to another thread.

        `RuntimeError` when the database is closed.
        """
        if self._pid != os.getpid():
            self._forget()
        if self._closed:
            raise RuntimeError(f"the database {self._path} is closed")
        held: _Held | None = getattr(self._local, "held", None)
        return self._connect() if held is None else held.connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout,
            isolation_level=None,  # autocommit: this module writes every BEGIN itself
            check_same_thread=False,  # only so that close() may close the connections of all threads
        )
        try:
            self._configure(connection)
            self._hold(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hold(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the database {self._path} is closed")
            self._local.held = _Held(connection)
            self._holds.add(self._local.held)

    def _configure(self, connection: sqlite3.Connection) -> None:
        """Set WAL; SQLite does not apply the busy timeout to the change of mode, so that wait is ours."""
        deadline = SYSTEM.monotonic() + self._busy_timeout
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or SYSTEM.monotonic() >= deadline:
                    raise
                SYSTEM.sleep(0.002)
        if mode != "wal":
            raise sqlite3.OperationalError(f"{self._path} is on a file system that cannot hold a WAL (mode {mode!r})")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one write transaction: commit at its end, roll back on any exception.

        It begins with `BEGIN IMMEDIATE`, so what the block reads cannot change before it commits, and a busy database
        shows at the beginning, before anything was done. `RuntimeError` when this thread is in a transaction already.
        """
        connection = self.connection()
        if connection.in_transaction:
            raise RuntimeError("this thread is in a transaction already; transactions do not nest")
        owner = self._pid
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            _commit(connection, owner)
        except BaseException:
            _roll_back(connection, owner)
            raise

    def migrate(self, namespace: str, statements: Sequence[str]) -> None:
        """Apply, once per file and in one transaction, those of the numbered `statements` that `namespace` lacks.

        The list only ever grows at its end; each entry is one SQL statement. Any number of processes may call it at
        once. A file that is already further along (written by newer code) is left as it is.
        """
        if not namespace or isinstance(statements, str):
            raise ValueError(f"migrate needs a namespace and a list of statements, got {namespace!r}, {statements!r}")
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS lldkit_migrations (namespace TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
            query = "SELECT version FROM lldkit_migrations WHERE namespace = ?"
            (version,) = connection.execute(query, (namespace,)).fetchone() or (0,)
            if version >= len(statements):
                return
            for statement in statements[version:]:
                connection.execute(statement)
            connection.execute("REPLACE INTO lldkit_migrations VALUES (?, ?)", (namespace, len(statements)))

    def close(self) -> None:
        """Close the connections of all threads; a transaction under way is rolled back. Closing twice is harmless."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            self._closed = True
            holds = list(self._holds)
        for held in holds:
            held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({str(self._path)!r})"


def _commit(connection: sqlite3.Connection, owner: int) -> None:
    if owner != os.getpid():
        raise RuntimeError("a forked child cannot commit its parent's transaction")
    connection.execute("COMMIT")


def _roll_back(connection: sqlite3.Connection, owner: int) -> None:
    if owner == os.getpid() and connection.in_transaction:  # after some errors SQLite has rolled back by itself
        connection.execute("ROLLBACK")
