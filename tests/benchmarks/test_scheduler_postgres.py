"""Jobs that do nothing, enqueued in bulk and run on PostgreSQL, beside queues of its own.

All use psycopg, one server (without fsync), one worker process, and open their connections anew. pgqueuer and
procrastinate run coroutines of one event loop, ours a thread. Timed is from the enqueue to the last run: pgqueuer takes
four seconds to stop, which says nothing about its jobs. About one second of its time is a pause all the same, whatever
the number of jobs; each job beyond costs it less than ours.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import procrastinate
import psycopg
import pytest
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode
from psycopg.conninfo import make_conninfo
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside, value_row
from lldkit.scheduler import ClaimRequest, JobEvent, Outcome, Queue, Worker
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.rows import COLUMNS, NAMES
from scheduler.helpers import schema_of

JOBS = 2_000
ROUNDS = 1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def other_dsn(postgres_dsn: str) -> Iterator[str]:
    """A second empty schema on the same server."""
    schema = f"{schema_of(postgres_dsn)}_2"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        yield make_conninfo(postgres_dsn, options=f"-csearch_path={schema}")
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def ours(dsn: str) -> Callable[[], float]:
    def run() -> float:
        queue, ended = Queue(store=PostgresStore(dsn, schema=schema_of(dsn))), [0.0]

        @queue.task(name="work")
        def work(n: int) -> None:
            ended[0] = time.perf_counter()

        began = time.perf_counter()
        queue.submit([work.call(n) for n in range(JOBS)])
        Worker(queue, concurrency=1, batch=100, signals=False).run(until_idle=True)
        queue.store.close()
        return ended[0] - began

    return run


def pgqueuer_run(dsn: str) -> Callable[[], float]:
    async def install() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await Queries(PsycopgDriver(connection)).install()

    async def run() -> float:
        ended = [0.0]
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            queries = Queries(PsycopgDriver(connection))
            manager = QueueManager(queries)

            @manager.entrypoint("work")
            async def work(job: Job) -> None:
                ended[0] = time.perf_counter()

            began = time.perf_counter()
            await queries.enqueue(["work"] * JOBS, [b"1"] * JOBS, [0] * JOBS)
            await manager.run(batch_size=100, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=0.01))
        return ended[0] - began

    asyncio.run(install())
    return lambda: asyncio.run(run())


def procrastinate_run(dsn: str) -> Callable[[], float]:
    def app() -> procrastinate.App:
        return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    async def install() -> None:
        async with app().open_async() as opened:
            await opened.schema_manager.apply_schema_async()

    async def run() -> float:
        ended = [0.0]
        async with app().open_async() as opened:

            @opened.task(name="work")
            async def work(n: int) -> None:
                ended[0] = time.perf_counter()

            began = time.perf_counter()
            calls: list[dict[str, Any]] = [{"n": n} for n in range(JOBS)]
            await work.batch_defer_async(*calls)
            await opened.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False, concurrency=8)
        return ended[0] - began

    asyncio.run(install())
    return lambda: asyncio.run(run())


def least(run: Callable[[], float]) -> Callable[[], float]:
    """Seconds per job."""
    return lambda: min(run() for _ in range(ROUNDS)) / JOBS


def test_enqueue_and_run_on_postgresql(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    value_row(
        benchmark,
        {
            "lldkit": least(ours(postgres_dsn)),
            "pgqueuer": least(pgqueuer_run(postgres_dsn)),
            "procrastinate": least(procrastinate_run(postgres_dsn)),
        },
        row="enqueue and run, PostgreSQL, batch 100",
        unit="s",
        target="1.5 x pgqueuer, 30 x procrastinate",
    )


def pgqueuer_enqueue(dsn: str) -> Callable[[], float]:
    async def run() -> float:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            queries = Queries(PsycopgDriver(connection))
            began = time.perf_counter()
            await queries.enqueue(["work"] * JOBS, [b"1"] * JOBS, [0] * JOBS)
            return time.perf_counter() - began

    async def install() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await Queries(PsycopgDriver(connection)).install()

    asyncio.run(install())
    return lambda: asyncio.run(run())


def our_enqueue(dsn: str) -> Callable[[], float]:
    def run() -> float:
        queue = Queue(store=PostgresStore(dsn, schema=schema_of(dsn)), capacity=None)
        work = queue.task(name="work")(lambda n: None)
        work.enqueue(0)  # connects
        began = time.perf_counter()
        queue.submit([work.call(n) for n in range(JOBS)])
        seconds = time.perf_counter() - began
        queue.store.close()
        return seconds

    return run


def test_enqueue_on_postgresql(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    value_row(
        benchmark,
        {
            "lldkit": least(our_enqueue(postgres_dsn)),
            "pgqueuer": least(pgqueuer_enqueue(postgres_dsn)),
        },
        row="enqueue in bulk, PostgreSQL",
        unit="s",
        target="3 x pgqueuer",
    )


def turn_over(store: PostgresStore, count: int) -> None:
    """Put, claim and settle so many jobs, fifty at once."""
    queue = Queue(store=store, capacity=None)
    work = queue.task(name="work")(lambda n: None)
    want = ClaimRequest(queue.name, 50, 30_000_000, "worker", True)
    for _ in range(count // 50):
        queue.submit([work.call(n) for n in range(50)])
        leases = store.claim(want)
        store.settle([Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True) for lease in leases])


COPIES = """
    INSERT INTO jobs ({columns}) SELECT {values}
    FROM (SELECT * FROM jobs WHERE state = 4 LIMIT 1) AS one, generate_series(1, %s) AS number
"""


def test_ended_jobs_do_not_slow_those_that_come(benchmark: BenchmarkFixture, postgres_dsn: str, other_dsn: str) -> None:
    fresh, loaded = (PostgresStore(dsn, schema=schema_of(dsn)) for dsn in (other_dsn, postgres_dsn))
    turn_over(fresh, 50)
    turn_over(loaded, 50)
    different = {"id": "'old-' || number", "seq": "-number"}
    values = ", ".join(different.get(name, name) for name in NAMES)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        count = 1_000 if benchmark.disabled else 1_000_000
        connection.execute(COPIES.format(columns=COLUMNS, values=values).encode(), [count])
        connection.execute("VACUUM ANALYZE jobs")
    beside(
        benchmark,
        {"lldkit": lambda: turn_over(loaded, 200), "lldkit alone": lambda: turn_over(fresh, 200)},
        row="a job beside a million ended ones, PostgreSQL",
        target="1.4 x alone",
        number=1,
        rounds=10,
        per=200,
    )
    loaded.close()
    fresh.close()


def test_an_old_transaction_does_not_slow_those_that_come(
    benchmark: BenchmarkFixture, postgres_dsn: str, other_dsn: str
) -> None:
    """What has been overwritten cannot be cleared away meanwhile, so each claim steps over it."""
    fresh, loaded = (PostgresStore(dsn, schema=schema_of(dsn)) for dsn in (other_dsn, postgres_dsn))
    turn_over(fresh, 50)
    turn_over(loaded, 50)
    with psycopg.connect(postgres_dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM jobs")
        turn_over(loaded, 200 if benchmark.disabled else 20_000)
        beside(
            benchmark,
            {"lldkit": lambda: turn_over(loaded, 200), "lldkit alone": lambda: turn_over(fresh, 200)},
            row="a job after 20,000 in an old transaction, PostgreSQL",
            target="1.25 x alone",
            number=1,
            rounds=10,
            per=200,
        )
    loaded.close()
    fresh.close()
