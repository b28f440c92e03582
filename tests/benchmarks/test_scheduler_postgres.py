"""Jobs that do nothing, enqueued in bulk and run on PostgreSQL, beside queues of its own.

All use psycopg, one server (without fsync), one worker process, and open their connections anew. pgqueuer and
procrastinate run coroutines of one event loop, ours a thread.
"""

import asyncio
import logging
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

from benchmarks.beside import beside
from lldkit.scheduler import Queue, Worker
from lldkit.scheduler.postgres import PostgresStore

JOBS = 500


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def ours(dsn: str) -> Callable[[], None]:
    schema = str(conninfo_to_dict(dsn)["options"]).partition("=")[2]

    def run() -> None:
        queue = Queue(store=PostgresStore(dsn, schema=schema))
        work = queue.task(name="work")(lambda n: None)
        queue.submit([work.call(n) for n in range(JOBS)])
        Worker(queue, concurrency=1, batch=100, signals=False).run(until_idle=True)
        queue.store.close()

    return run


def pgqueuer_run(dsn: str) -> Callable[[], None]:
    async def install() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await Queries(PsycopgDriver(connection)).install()

    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            queries = Queries(PsycopgDriver(connection))
            manager = QueueManager(queries)

            @manager.entrypoint("work")
            async def work(job: Job) -> None: ...

            await queries.enqueue(["work"] * JOBS, [b"1"] * JOBS, [0] * JOBS)
            await manager.run(batch_size=100, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=1))

    asyncio.run(install())
    return lambda: asyncio.run(run())


def procrastinate_run(dsn: str) -> Callable[[], None]:
    def app() -> procrastinate.App:
        return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    async def install() -> None:
        async with app().open_async() as opened:
            await opened.schema_manager.apply_schema_async()

    async def run() -> None:
        async with app().open_async() as opened:

            @opened.task(name="work")
            async def work(n: int) -> None: ...

            calls: list[dict[str, Any]] = [{"n": n} for n in range(JOBS)]
            await work.batch_defer_async(*calls)
            await opened.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False, concurrency=8)

    asyncio.run(install())
    return lambda: asyncio.run(run())


def test_enqueue_and_run_on_postgresql(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    beside(
        benchmark,
        {
            "lldkit": ours(postgres_dsn),
            "pgqueuer": pgqueuer_run(postgres_dsn),
            "procrastinate": procrastinate_run(postgres_dsn),
        },
        row="enqueue and run, PostgreSQL, batch 100",
        target="1.5 x pgqueuer, 30 x procrastinate",
        number=1,
        rounds=5,
        per=JOBS,
    )
