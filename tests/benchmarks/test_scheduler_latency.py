"""How soon an idle worker starts a job, and how soon another one reruns the job of a worker that was killed.

The p99 of 200 jobs that come one by one is shown. All are told of a job by their server, none polls for it;
worker and caller share a process. huey polls, and pgqueuer may miss a word and then waits for half a minute, so they
are not here.
"""

import asyncio
import logging
import queue
import signal
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import procrastinate
import pytest
import saq
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import value_row
from lldkit.clock import MICRO
from lldkit.scheduler import JobState, Queue, Worker
from lldkit.scheduler.postgres import PostgresStore
from lldkit.scheduler.redis import RedisStore
from scheduler.contract_processes import enqueue, queue_at, victim
from scheduler.helpers import schema_of
from scheduler.victims import LEASE
from servers import GivenRedis, RedisServer

JOBS = 200
PAUSE_SECONDS = 0.005  # between two jobs, so that the worker is idle again


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def url(redis_server: RedisServer | GivenRedis) -> str:
    redis_server.flush()
    return redis_server.url


def p99(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 99 // 100]


def ours(jobs: Queue) -> float:
    started: queue.SimpleQueue[float] = queue.SimpleQueue()

    @jobs.task()
    def work() -> None:
        started.put(perf_counter())

    worker = Worker(jobs, signals=False)
    thread = threading.Thread(target=worker.run)
    thread.start()
    waits = []
    for _ in range(JOBS):
        threading.Event().wait(PAUSE_SECONDS)
        before = perf_counter()
        work.enqueue()
        waits.append(started.get() - before)
    worker.stop()
    thread.join()
    jobs.store.close()
    return p99(waits)


async def measured(submit: Callable[[], Awaitable[object]], started: "asyncio.Queue[float]") -> float:
    """The same with coroutines; the first job waits for the worker to be up."""
    waits = []
    for _ in range(JOBS + 1):
        await asyncio.sleep(PAUSE_SECONDS)
        before = perf_counter()
        await submit()
        waits.append(await started.get() - before)
    return p99(waits[1:])


async def saq_latency(url: str) -> float:
    started: asyncio.Queue[float] = asyncio.Queue()

    async def work(context: Any) -> None:
        started.put_nowait(perf_counter())

    jobs = saq.Queue.from_url(url, name="latency")
    await jobs.connect()
    working = asyncio.create_task(saq.Worker(jobs, functions=[("work", work)]).start())
    found = await measured(partial(jobs.enqueue, "work"), started)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await jobs.disconnect()
    return found


def test_latency_on_redis(benchmark: BenchmarkFixture, url: str) -> None:
    value_row(
        benchmark,
        {
            "lldkit": lambda: ours(Queue(store=RedisStore(url))),
            "saq": lambda: asyncio.run(saq_latency(url)),
        },
        row="from enqueue to start, p99, Redis",
        unit="s",
        target="below each",
    )


async def procrastinate_latency(dsn: str) -> float:
    started: asyncio.Queue[float] = asyncio.Queue()
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @app.task(name="work")
    async def work() -> None:
        started.put_nowait(perf_counter())

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        working = asyncio.create_task(app.run_worker_async(install_signal_handlers=False, concurrency=8))
        found = await measured(work.defer_async, started)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    return found


def test_latency_on_postgresql(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    value_row(
        benchmark,
        {
            "lldkit": lambda: ours(Queue(store=PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn)))),
            "procrastinate": lambda: asyncio.run(procrastinate_latency(postgres_dsn)),
        },
        row="from enqueue to start, p99, PostgreSQL",
        unit="s",
        target="below each",
    )


def recovery(where: str) -> float:
    """Seconds from the SIGKILL of a worker in mid-job to the second start of the job, by the store's clock."""
    with queue_at(where) as jobs, victim(where) as one:
        job = enqueue(jobs, "wait", "x")
        assert one.heard() == ["started", "x", "1"]
        one.send(signal.SIGKILL)
        one.ended()
        killed_at = jobs.store.now()
        Worker(jobs, signals=False).run(until_idle=True)
        again = jobs.get(job)
        assert (again.state, again.fence) == (JobState.SUCCEEDED, 2)
        return ((again.record.started or 0) - killed_at) / MICRO


def test_recovery_after_a_kill(benchmark: BenchmarkFixture, url: str, postgres_dsn: str, tmp_path: Path) -> None:
    value_row(
        benchmark,
        {
            "lldkit": partial(recovery, postgres_dsn),
            "lldkit Redis": partial(recovery, url),
            "lldkit SQLite": partial(recovery, str(tmp_path / "jobs.db")),
        },
        row="from SIGKILL to the rerun, PostgreSQL",
        unit="s",
        target=f"lease of {LEASE} s + 1 s",
    )
