"""What verbs cost, counted and not timed: jobs that have ended, or are due another day, make none of them dearer."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest
from redis import Redis

from lldkit.clock import MICRO, ManualClock
from lldkit.scheduler import JobState, Keep, LeaseRef, MemoryStore, Store
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.redis import RedisStore
from lldkit.scheduler.rows import CODES, NAMES
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.helpers import a_job, end, ids, put, schema_of, wish

HOUR = 3_600 * MICRO
MANY = 10**8


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def a_life(store: Store, clock: ManualClock) -> None:
    """Each verb of a worker once, and what it looks at each second."""
    clock.advance(1)
    name = f"new-{store.now()}"
    put(store, a_job(name), capacity=MANY)
    (lease,) = store.claim(wish())
    assert ids([lease]) == [name]
    store.renew([LeaseRef(name, lease.fence)], seconds=30)
    assert store.settle([end(lease)]) == [True]
    assert store.claim(wish()) == []
    store.next_due("q")
    store.stats("q")
    assert store.prune("q", Keep(succeeded_rows=None, seconds=None)) == 0
    assert store.prune("q", Keep(succeeded_rows=MANY)) == 0


def burden(store: Store, count: int) -> None:
    """Let so many jobs succeed, and as many of the highest priority wait for an hour."""
    put(store, *(a_job(delay=HOUR, head_start=9 * 60 * MICRO, priority=9) for _ in range(count)))
    put(store, *(a_job() for _ in range(count)))
    while leases := store.claim(wish(1_000)):
        store.settle(list(map(end, leases)))


# In memory: instructions of Python's machine.


def instructions(store: Store, clock: ManualClock) -> int:
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # else CPython 3.12 tells of no instruction the first time
    sys.settrace(trace)
    try:
        a_life(store, clock)
    finally:
        sys.settrace(before)
    return count


def test_no_instruction_more_in_memory(clock: ManualClock) -> None:
    store = MemoryStore(clock=clock)
    burden(store, 1)
    a_life(store, clock)
    before = instructions(store, clock)
    burden(store, 2_000)
    assert instructions(store, clock) <= before * 1.1


# On SQLite: instructions of its machine.


def copies(state: JobState, count: int) -> str:
    """SQL that makes so many jobs, older than all others, like the first one of a state."""
    different = {"id": f"printf('{state.value} %07d', number)", "seq": f"number - {MANY} * state"}
    return f"""
        INSERT INTO lldkit_jobs ({", ".join(NAMES)})
        WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count})
        SELECT {", ".join(different.get(name, name) for name in NAMES)}
        FROM (SELECT * FROM lldkit_jobs WHERE state = {CODES[state]} LIMIT 1), numbers
    """


def steps(path: Path, clock: ManualClock) -> int:
    store, count = SQLiteStore(path, clock=clock), 0
    connection = store._database.connection()

    def step() -> None:
        nonlocal count
        count += 1

    connection.set_progress_handler(step, 1)
    a_life(store, clock)
    store.close()
    return count


def test_no_step_more_on_sqlite_for_a_million_ended_jobs_and_a_hundred_thousand_delayed_ones(
    clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path, clock=clock)
    burden(store, 1)
    store.close()
    before = steps(path, clock)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = OFF")
        for state, count in ((JobState.SUCCEEDED, 1_000_000), (JobState.SCHEDULED, 100_000)):
            connection.execute(copies(state, count))
            connection.execute(f"UPDATE lldkit_job_counts SET n = n + {count} WHERE what = '{state.value}'")
    assert steps(path, clock) <= before * 1.1
    counts = SQLiteStore(path, clock=clock).stats("q")
    assert (counts[JobState.SUCCEEDED], counts[JobState.SCHEDULED]) == (1_000_003, 100_001)


# On Redis: commands, those in scripts included.


def commands(store: RedisStore, client: Redis, clock: ManualClock) -> int:
    client.config_resetstat()
    a_life(store, clock)
    return sum(stats["calls"] for stats in client.info("commandstats").values())


def test_no_command_more_on_redis(clock: ManualClock, redis_client: Redis) -> None:
    store = RedisStore(redis_client, clock=clock)
    burden(store, 1)
    a_life(store, clock)
    before = commands(store, redis_client, clock)
    burden(store, 2_000)
    assert commands(store, redis_client, clock) <= before * 1.1


# On PostgreSQL: rows and entries of indexes that were read.


class OneConnection:
    """The pool of a store that has one connection, and so one account of what it has read."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        yield self._connection


READ = """
    SELECT (SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables
            WHERE schemaname = current_schema AND relname = 'jobs')
         + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
            WHERE schemaname = current_schema AND relname = 'jobs')
"""


def test_only_rows_that_are_in_play_are_read_on_postgres_also_by_plans_of_its_youth(
    clock: ManualClock, postgres_dsn: str
) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:

        def read() -> int:
            connection.execute("SELECT pg_stat_force_next_flush()")
            row = connection.execute(READ).fetchone()
            assert row is not None
            return int(row[0])

        store = PostgresStore(OneConnection(connection), schema=schema_of(postgres_dsn), clock=clock)
        for _ in range(12):  # after ten times the server keeps a plan
            a_life(store, clock)
        burden(store, 5_000)
        a_life(store, clock)  # steps over what has been overwritten, once
        before = read()
        a_life(store, clock)
        assert 0 < read() - before < 200  # of one job, by a dozen statements
