"""Jobs that do nothing, run and enqueued: what a queue costs, beside its peers, in memory and on SQLite.

Ours is always at least once, with leases and heartbeats. huey takes a job out before it runs it, so a crash loses it,
and its SQLite does not sync; APScheduler's one-shot jobs in memory end with the process.
"""

import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from huey import Huey, MemoryHuey, SqliteHuey
from huey.consumer import Consumer
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside, value_row
from lldkit.scheduler import ClaimRequest, JobEvent, MemoryStore, Outcome, Queue, Store, Worker
from lldkit.scheduler.sqlite import SQLiteStore

JOBS = 500


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def ours(store: Callable[[], Store], *, batch: int = 50) -> Callable[[], None]:
    """Enqueue in bulk and run."""

    def run() -> None:
        queue = Queue(store=store())
        work = queue.task(name="work")(lambda n: None)
        queue.submit([work.call(n) for n in range(JOBS)])
        Worker(queue, concurrency=1, batch=batch, signals=False).run(until_idle=True)
        queue.store.close()

    return run


class _Consumer(Consumer):  # type: ignore[misc]
    """huey's, but for its signal handlers, which want the main thread."""

    def _set_signal_handlers(self) -> None: ...


def huey_run(make: Callable[[], Huey]) -> Callable[[], None]:
    """Enqueue one by one, for it has no bulk, and run; polling is tuned in its favour."""

    def run() -> None:
        queue, done, left = make(), threading.Event(), JOBS

        @queue.task()  # type: ignore[untyped-decorator]
        def work(n: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                done.set()

        for n in range(JOBS):
            work(n)
        consumer = _Consumer(
            queue, workers=1, periodic=False, initial_delay=0.0001, max_delay=0.0001, check_worker_health=False
        )
        consumer.start()
        done.wait()
        consumer.stop(graceful=True)

    return run


def apscheduler_run() -> None:
    """Add one-shot jobs that are due, and run them."""
    scheduler = BackgroundScheduler(
        timezone=UTC, executors={"default": ThreadPoolExecutor(1)}, job_defaults={"misfire_grace_time": None}
    )
    done, left = threading.Event(), JOBS

    def work(n: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    for n in range(JOBS):
        scheduler.add_job(work, args=(n,))
    scheduler.start()
    done.wait()
    scheduler.shutdown()


def test_enqueue_and_run_in_memory(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        {
            "lldkit": ours(MemoryStore),
            "huey": huey_run(lambda: MemoryHuey(results=False)),
            "apscheduler": apscheduler_run,
        },
        row="enqueue and run, memory",
        target="2.2 x huey, 8 x APScheduler",
        number=1,
        rounds=25,
        per=JOBS,
    )


@pytest.mark.parametrize(("batch", "target"), [(50, "2 x huey"), (1, "0.8 x huey")])
def test_enqueue_and_run_on_sqlite(benchmark: BenchmarkFixture, tmp_path: Path, batch: int, target: str) -> None:
    numbers = iter(range(10_000))
    beside(
        benchmark,
        {
            "lldkit": ours(lambda: SQLiteStore(tmp_path / f"{next(numbers)}.db"), batch=batch),
            "huey": huey_run(lambda: SqliteHuey(filename=str(tmp_path / f"{next(numbers)}.db"), results=False)),
        },
        row=f"enqueue and run, SQLite, batch {batch}",
        target=target,
        number=1,
        rounds=5,
        per=JOBS,
    )


def enqueueing(store: Store) -> Callable[[], None]:
    queue = Queue(store=store, capacity=None)
    work = queue.task(name="work")(lambda n: None)

    def enqueue() -> None:
        for n in range(200):
            work.enqueue(n)

    return enqueue


def huey_enqueueing(queue: Huey) -> Callable[[], None]:
    @queue.task()  # type: ignore[untyped-decorator]
    def work(n: int) -> None: ...

    def enqueue() -> None:
        for n in range(200):
            work(n)

    return enqueue


def test_enqueue_one(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    beside(
        benchmark,
        {
            "lldkit": enqueueing(MemoryStore()),
            "huey": huey_enqueueing(MemoryHuey(results=False)),
            "lldkit SQLite": enqueueing(SQLiteStore(tmp_path / "ours.db")),
            "huey SQLite": huey_enqueueing(SqliteHuey(filename=str(tmp_path / "huey.db"), results=False)),
        },
        row="enqueue one",
        target="as huey",
        number=1,
        rounds=15,
        per=200,
    )


def test_enqueue_in_bulk_on_sqlite(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "bulk.db")
    queue = Queue(store=store, capacity=None)
    work = queue.task(name="work")(lambda n: None)
    beside(
        benchmark,
        {
            "lldkit": lambda: queue.submit([work.call(n) for n in range(200)]),
            "lldkit one by one": enqueueing(SQLiteStore(tmp_path / "single.db")),
        },
        row="enqueue in bulk, SQLite",
        target="4 x its own single",
        number=1,
        rounds=15,
        per=200,
    )


def test_add_delayed_jobs_in_memory(benchmark: BenchmarkFixture) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)

    def add() -> None:
        queue = Queue(capacity=None)
        work = queue.task(name="work")(lambda n: None).options(at=later)
        for n in range(JOBS):
            work.enqueue(n)

    def add_to_apscheduler() -> None:
        scheduler = BackgroundScheduler(timezone=UTC)
        scheduler.start(paused=True)
        for n in range(JOBS):
            scheduler.add_job(print, "date", run_date=later, args=(n,))
        scheduler.shutdown()

    beside(
        benchmark,
        {"lldkit": add, "apscheduler": add_to_apscheduler},
        row="add delayed jobs, memory",
        target="20 x APScheduler",
        number=1,
        rounds=5,
        per=JOBS,
    )


def test_bytes_per_waiting_job(benchmark: BenchmarkFixture) -> None:
    def bytes_of_one() -> float:
        queue = Queue(capacity=None)
        work = queue.task(name="work")(lambda n: None).options(delay_seconds=3600)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for n in range(JOBS):
            work.enqueue(n)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return (after - before) / JOBS

    value_row(benchmark, {"lldkit": bytes_of_one}, row="a waiting job, memory", target="700 beyond the payload")


@pytest.mark.parametrize("engine", ["memory", "SQLite"])
def test_delayed_jobs_do_not_slow_a_claim(benchmark: BenchmarkFixture, tmp_path: Path, engine: str) -> None:
    def turn_over(name: str, *, delayed: int) -> Callable[[], object]:
        """Put, claim and settle fifty jobs, beside others of the highest priority that are due in an hour."""
        store: Store = MemoryStore() if engine == "memory" else SQLiteStore(tmp_path / f"{name}.db")
        queue = Queue(store=store, capacity=None)
        work = queue.task(name="work")(lambda n: None)
        later = work.options(delay_seconds=3600, priority=9)
        queue.submit([later.call(n) for n in range(delayed)])
        want = ClaimRequest(queue.name, 50, 30_000_000, "worker", True)

        def run() -> None:
            queue.submit([work.call(n) for n in range(50)])
            leases = store.claim(want)
            store.settle([Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True) for lease in leases])

        return run

    beside(
        benchmark,
        {"lldkit": turn_over("loaded", delayed=20_000), "lldkit alone": turn_over("fresh", delayed=0)},
        row=f"a job beside 20,000 delayed ones, {engine}",
        target="1.5 x alone",
        number=1,
        rounds=30,
        per=50,
    )
