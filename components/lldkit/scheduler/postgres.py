"""The engine of many hosts: jobs in a schema of a PostgreSQL database."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from lldkit.clock import MICRO, Clock
from lldkit.engines.postgres import UNAVAILABLE, Connection, Pool, Postgres
from lldkit.engines.postgres_bell import PostgresBell
from lldkit.scheduler import ledger
from lldkit.scheduler.interface import JobState, Keep, SchemaMismatch, StoreUnavailable, UnknownJob
from lldkit.scheduler.postgres_table import PostgresTable, Statements
from lldkit.scheduler.rows import CODES, record_from_row
from lldkit.scheduler.store import ClaimRequest, Lease, LeaseRef, NewJob, Put, Record, Renewal, ScheduleState
from lldkit.scheduler.transactional import TransactionalStore

__all__ = ["PostgresStore"]

T = TypeVar("T")

CROSSED = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)
"""Two transactions have got into each other's way, and ours was undone. A UniqueViolation: both have put one id."""
TRIES = 5
PART_FOR_LOCKS = 0.8
"""How much of the timeout a transaction may wait for a lock; 0 milliseconds mean for ever."""
FOLD_EVERY = 64


class PostgresStore(TransactionalStore):
    """Keeps jobs in the schema `schema` of a database, which is made by the first call; any number of hosts share it.

    Each verb is one transaction. Workers skip what others have in hand, and a plain job that is enqueued in a caller's
    transaction makes nobody wait. What needs one order waits for its like only: jobs of a key or a unique key, a child
    and the end of its parents, claims of a queue with limits. So transactions that enqueue such jobs should be short:
    until they end, nobody can acknowledge the running job of that key, or that parent. A `connection` for `put` and
    `settle` is a `psycopg.Connection` inside a transaction in READ COMMITTED.

    Time is the server's, or `clock` in tests. Word of changes comes by LISTEN, on a connection of its own while
    somebody listens; a pooler in transaction mode has no LISTEN, and then a change is found within a worker's
    `poll_seconds`. `dsn_or_pool` and `timeout` are those of `lldkit.engines.postgres.Postgres`.

    Safe for threads and forks. `StoreUnavailable` when the server does not answer or a pool is exhausted;
    `SchemaMismatch` for tables of a newer version.
    """

    def __init__(
        self,
        dsn_or_pool: str | Pool,
        *,
        schema: str = "lldkit",
        timeout: float | None = 5.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        if not re.fullmatch("[a-z_][a-z0-9_]{0,39}", schema):
            raise ValueError(f"schema must be a name of up to 40 of a-z, 0-9 and _, got {schema!r}")
        self._schema = schema
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._statements = Statements(schema, 0 if timeout is None else round(timeout * PART_FOR_LOCKS * 1_000))
        self._clock = clock
        self._is_migrated = False
        self._transactions = itertools.count(1)
        self._bell = bell = PostgresBell(self._connection, self._statements.channel)
        self._name = bell.name

    # Transactions

    def _do(self, work: Callable[[Any], T], connection: Any = None) -> T:
        """Do `work`; again, where it has got into another transaction's way."""
        if connection is not None:
            return super()._do(work, connection)
        with self._answering():
            for _ in range(TRIES - 1):
                try:
                    return super()._do(work)
                except CROSSED:
                    continue
            return super()._do(work)

    @contextmanager
    def _transaction(self, connection: Any = None) -> Iterator[PostgresTable]:
        if connection is not None:
            with self._joining(connection) as table:
                yield table
            return
        with self._connection() as own, own.transaction():
            cursor = own.cursor(row_factory=tuple_row).execute(self._statements.sql["begin"])
            while cursor.nextset():
                pass
            table = PostgresTable(own, self._statements, self._time(cursor.fetchone()), self._name)
            yield table
            table.flush()
            if next(self._transactions) % FOLD_EVERY == 0:
                table.fold()

    @contextmanager
    def _joining(self, connection: Connection) -> Iterator[PostgresTable]:
        """A part of the caller's transaction, which stays theirs to commit; errors are those of psycopg."""
        if not isinstance(connection, psycopg.Connection):
            raise TypeError(f"connection must be a psycopg.Connection, got a {type(connection).__name__}")
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise ValueError("the connection is in no transaction that the jobs could belong to; begin one first")
        with self._answering():
            self._migrate()
        with connection.transaction():
            row = connection.cursor(row_factory=tuple_row).execute(self._statements.sql["joined"]).fetchone()
            assert row is not None  # noqa: S101 - a SELECT without FROM
            if row[1] != "read committed":
                raise ValueError(
                    f"the transaction must be READ COMMITTED to see what others do, it is {row[1].upper()}"
                )
            if not row[2]:
                raise ValueError(f"the connection is to {connection.info.dbname!r}, but the jobs are elsewhere")
            table = PostgresTable(connection, self._statements, self._time(row))
            yield table
            table.flush()

    @contextmanager
    def _reading(self) -> Iterator[PostgresTable]:
        with self._answering(), self._connection() as connection:
            yield PostgresTable(connection, self._statements, 0)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        self._migrate()
        with self._postgres.connection() as connection:
            yield connection

    def _migrate(self) -> None:
        if self._is_migrated:
            return
        statements = self._statements
        self._postgres.migrate(statements.namespace, statements.migrations)
        with self._postgres.connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            row = cursor.execute(statements.sql["version"], {"namespace": statements.namespace}).fetchone()
        if row is not None and row[0] > len(statements.migrations):
            raise SchemaMismatch(row[0], len(statements.migrations))
        self._is_migrated = True

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except UNAVAILABLE as error:
            raise StoreUnavailable("PostgreSQL") from error

    # Verbs that lock more than the ledger knows of, or less

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        """Add jobs. `capacity` counts what is committed: enqueues at the same moment may pass it together."""

        def work(table: PostgresTable) -> list[Put]:
            table.lock_keys(jobs)
            table.block = len(jobs)
            return ledger.put(table, jobs, capacity)

        answers = self._do(work, connection)
        if connection is None:
            self.notify()
        return answers

    def claim(self, want: ClaimRequest) -> list[Lease]:
        """Lease jobs; with limits, one claim of the queue after the other."""

        def work(table: PostgresTable) -> list[Lease]:
            table.page = want.limit
            if want.limits or want.group_limit is not None:
                table.lock(("claims", want.queue))
            return ledger.claim(table, want)

        leases = self._do(work)
        if leases:
            self.notify()
        return leases

    def renew(self, leases: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        """Move deadlines; one statement."""
        answers: list[Renewal] = self._do(lambda table: table.renew(leases, seconds))
        return answers

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs, the oldest first; up to 10,000 of each state at once."""
        pruned: int = self._do(lambda table: table.prune(queue, keep))
        return pruned

    # Views

    def get(self, job_id: str, /) -> Record:
        """Look a job up."""
        with self._reading() as table:
            found = table.look([job_id])
        if job_id not in found:
            raise UnknownJob(job_id)
        return found[job_id]

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        with self._reading() as table:
            return table.look_at_schedules(queue)

    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """List jobs, from the newest."""
        code = None if state is None else CODES[state]
        asked = {"queue": queue, "state": code, "task": task, "before": before, "limit": limit}
        return list(map(record_from_row, self._ask("list", **asked)))

    def stats(self, queue: str) -> Mapping[JobState, int]:
        """Count jobs; each transaction has counted what it did."""
        with self._reading() as table:
            counts = table.counts(queue)
        return {state: counts[state.value] for state in JobState}

    def claims(self, queue: str) -> int:
        """Count claims."""
        with self._reading() as table:
            counts = table.counts(queue)
        return counts["claims"]

    def now(self) -> int:
        """The server's clock."""
        return self._time(None if self._clock else self._ask("now")[0])

    def _time(self, row: Sequence[Any] | None) -> int:
        if self._clock is not None:
            return round(self._clock.now().timestamp() * MICRO)
        assert row is not None  # noqa: S101 - the server has said its time
        return int(row[0])

    def next_due(self, queue: str) -> int | None:
        """When the first SCHEDULED job is due or the first lease ends."""
        at: int | None = self._ask("next_due", queue=queue)[0][0]
        return at

    def _ask(self, name: str, **given: Any) -> list[tuple[Any, ...]]:
        with self._answering(), self._connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            return cursor.execute(self._statements.sql[name], given, prepare=False).fetchall()

    def close(self) -> None:
        """Close the connections that are ours. Idempotent."""
        self._postgres.close()

    def __repr__(self) -> str:
        return f"PostgresStore(schema={self._schema!r})"
