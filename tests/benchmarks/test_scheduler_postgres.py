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
from psycopg.conninfo import conninfo_to_dict
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import value_row
from lldkit.scheduler import Queue, Worker
from lldkit.scheduler.postgres import PostgresStore

JOBS = 2_000
ROUNDS = 1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def ours(dsn: str) -> Callable[[], float]:
    schema = str(conninfo_to_dict(dsn)["options"]).partition("=")[2]

    def run() -> float:
        queue, ended = Queue(store=PostgresStore(dsn, schema=schema)), [0.0]

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
