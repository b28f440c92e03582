"""PostgreSQL through psycopg 3: connections from a DSN or from a pool, bounded waits, migrations.

All is synchronous on purpose. A room's async verb runs its sync twin by `asyncio.to_thread`: one implementation to read
and test, no second pool bound to an event loop, and a thread hop (tens of microseconds) is small beside a round trip
to a database. A cancelled task stops waiting, while its statement may still take effect.
"""

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from lldkit.clock import SYSTEM

__all__ = ["UNAVAILABLE", "Connection", "Pool", "Postgres"]

UNAVAILABLE: tuple[type[Exception], ...] = (psycopg.OperationalError, errors.ReadOnlySqlTransaction)
"""Errors that mean "cannot answer now": no connection, none free in a pool, connection lost, shut down, timed out,
deadlock, out of space, and after a failover a server that is a replica. Whether a statement took effect is unknown."""

Connection: TypeAlias = psycopg.Connection[TupleRow]
RV = TypeVar("RV")


class Pool(Protocol):
    """What is needed of `psycopg_pool.ConnectionPool`."""

    def connection(self) -> AbstractContextManager[Connection]:
        """Lend a connection for the length of a block."""
        ...


class Postgres:
    """Connections to one PostgreSQL database, from a DSN or from the caller's pool.

    With a DSN: autocommit connections, opened when needed, of which up to `max_idle` are kept for reuse; there are as
    many in use as threads inside `connection()`. `timeout` bounds, in seconds, each connect (at least 2) and each
    silence of the server; then `psycopg.OperationalError`, and the connection is dropped. `None` waits for ever.
    With a pool: its own connections, bounds and timeouts; `max_idle` and `timeout` have no effect, and `close` leaves
    it open. Safe for threads; a forked child opens connections of its own.
    """

    def __init__(self, dsn_or_pool: str | Pool, *, max_idle: int = 8, timeout: float | None = 5.0) -> None:
        if max_idle < 0:
            raise ValueError(f"max_idle must be 0 or more connections, got {max_idle!r}")
        if timeout is not None and not 0 < timeout < math.inf:
            raise ValueError(f"timeout must be a positive number of seconds or None, got {timeout!r}")
        self._pool: Pool | None = None
        if isinstance(dsn_or_pool, str):
            self._dsn, self._parameters = dsn_or_pool, _connect_parameters(dsn_or_pool, timeout)
        elif callable(getattr(dsn_or_pool, "connection", None)):
            self._pool = dsn_or_pool
        else:
            raise TypeError(f"expected a DSN or a pool with connection(), got a {type(dsn_or_pool).__name__}")
        self._max_idle = max_idle
        self._timeout = timeout
        self._closed = False
        self._migrated: set[str] = set()  # namespaces whose tables are there
        self._inherited: list[_Connection] = []
        self._idle: list[_Connection] = []
        self._forget()

    def _forget(self) -> None:
        """Start without connections; a forked child must not even close its parent's, that would end the session."""
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards _idle and _closed
        self._inherited += self._idle
        self._idle = []

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection for the length of the block; leave its settings as you found them.

        A connection that broke, or that the block left inside a transaction, is closed and never lent again.
        """
        if self._pool is not None:
            with self._pool.connection() as lent:
                yield lent
            return
        connection = self._take()
        owner = self._pid
        try:
            yield connection
        finally:
            if owner == os.getpid():
                self._give_back(connection)

    def _take(self) -> "_Connection":
        if self._pid != os.getpid():
            self._forget()
        while True:
            with self._lock:
                if self._closed:
                    raise RuntimeError("this Postgres is closed")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = _Connection.connect(self._dsn, autocommit=True, **self._parameters)
                connection.timeout = self._timeout
                return connection
            if _is_quiet(connection):
                return connection
            connection.close()

    def _give_back(self, connection: "_Connection") -> None:
        reusable = connection.pgconn.transaction_status == TransactionStatus.IDLE
        with self._lock:
            keep = reusable and not self._closed and len(self._idle) < self._max_idle
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def migrate(self, namespace: str, statements: Sequence[str]) -> None:
        """Apply, once per schema and in one transaction, those of the numbered `statements` that `namespace` lacks.

        The list only ever grows at its end. Any number of processes may call it at once: an advisory lock lets in one
        after the other. A schema that is already further along (written by newer code) is left as it is.
        """
        if not namespace or isinstance(statements, str):
            raise ValueError(f"migrate needs a namespace and a list of statements, got {namespace!r}, {statements!r}")
        with self.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS lldkit_migrations (namespace text PRIMARY KEY, version integer NOT NULL)"
            )
            query = "SELECT version FROM lldkit_migrations WHERE namespace = %s"
            (version,) = connection.execute(query, (namespace,)).fetchone() or (0,)
            if version >= len(statements):
                return
            for statement in statements[version:]:
                connection.execute(statement.encode())
            connection.execute(
                "INSERT INTO lldkit_migrations VALUES (%s, %s)"
                " ON CONFLICT (namespace) DO UPDATE SET version = excluded.version",
                (namespace, len(statements)),
            )

    @contextmanager
    def tables(
        self, namespace: str, statements: Sequence[str], unavailable: Callable[[], Exception]
    ) -> Iterator[Connection]:
        """Lend a connection to the tables of `namespace`, which `migrate` makes before the first block.

        Where the server cannot answer, for the tables or within the block, `unavailable()` is raised.
        """
        try:
            if namespace not in self._migrated:
                self.migrate(namespace, statements)
                self._migrated.add(namespace)
            with self.connection() as connection:
                yield connection
        except UNAVAILABLE as error:
            raise unavailable() from error

    def close(self) -> None:
        """Close the idle connections at once, those in use when their block ends. Closing twice is harmless."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_MIGRATION_LOCK = int.from_bytes(b"lldkit")


def _connect_parameters(dsn: str, timeout: float | None) -> dict[str, Any]:
    """Check the DSN; its own connect_timeout has precedence over `timeout` (libpq knows whole seconds, at least 2)."""
    try:
        known = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Neither the DSN nor libpq's message, which quotes it: both may hold a password.
        raise ValueError("not a DSN; expected 'postgresql://user@host/name' or 'host=... dbname=...'") from None
    if timeout is None or "connect_timeout" in known:
        return {}
    return {"connect_timeout": max(2, math.ceil(timeout))}


def _is_quiet(connection: Connection) -> bool:
    """Whether an idle connection has nothing to read; what a server says unasked is, in nearly all cases, goodbye."""
    if connection.closed:
        return False
    with DefaultSelector() as selector:
        selector.register(connection.pgconn.socket, EVENT_READ)
        return not selector.select(0)


class _Connection(psycopg.Connection[TupleRow]):
    """A connection that ends with a server's silence; libpq by itself waits for ever."""

    timeout: float | None = None

    def wait(self, gen: PQGen[RV], *args: Any, **options: Any) -> RV:
        bounded = gen if self.timeout is None else self._bounded(gen, self.timeout)
        return super().wait(bounded, *args, **options)

    def _bounded(self, gen: PQGen[RV], timeout: float) -> PQGen[RV]:
        """Drive `gen`; psycopg resumes it when data arrives, and with 0 several times a second when none does."""
        deadline = SYSTEM.monotonic() + timeout
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = SYSTEM.monotonic()
                if ready:
                    deadline = now + timeout
                elif now >= deadline:
                    self.close()
                    raise psycopg.OperationalError(f"no answer within {timeout} s; whether it took effect is unknown")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
