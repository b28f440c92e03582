"""SQLite beside real processes that are killed, stopped and terminated; and transactions of the caller's."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import (
    DeadReason,
    JobState,
    LeaseLost,
    Queue,
    SchemaMismatch,
    StoreUnavailable,
    Unique,
    current_job,
)
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.helpers import PATIENCE, eventually
from scheduler.victims import jobs_of

VICTIMS = Path(__file__).parent / "victims.py"


class Victim:
    """A worker in a process of its own."""

    def __init__(self, path: Path | str, *flags: str, **settings: object) -> None:
        command = [sys.executable, str(VICTIMS), "work", str(path), json.dumps({"concurrency": 4, **settings}), *flags]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def heard(self) -> list[str]:
        """The next line it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(PATIENCE * 4)


@contextmanager
def victim(path: Path | str, *flags: str, **settings: object) -> Iterator[Victim]:
    one = Victim(path, *flags, **settings)
    try:
        assert one.heard() == ["ready"]
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def queue(path: Path) -> Iterator[Queue]:
    go_on = threading.Event()
    go_on.set()
    queue = jobs_of(str(path), go_on)
    yield queue
    queue.store.close()


def enqueue(queue: Queue, task: str, *args: object) -> str:
    found = queue.find(task)
    assert found is not None
    return found.enqueue(*args).id


def ran_here(queue: Queue) -> Callable[[], bool]:
    return lambda: queue.run_inline() > 0


def test_the_job_of_a_killed_worker_runs_again_and_is_charged_with_one_crash(path: Path, queue: Queue) -> None:
    job = enqueue(queue, "wait", "x")
    with victim(path) as one:
        assert one.heard() == ["started", "x", "1"]
        one.send(signal.SIGKILL)
        one.ended()
        killed_at = queue.store.now()
        other = enqueue(queue, "good", 1)
        assert queue.run_inline() == 1  # nobody else is delayed
        assert queue.get(other).state is JobState.SUCCEEDED
        eventually(ran_here(queue))
    done = queue.get(job)
    assert (done.state, done.crashes, done.attempts, done.fence) == (JobState.SUCCEEDED, 1, 1, 2)
    assert done.record.started is not None
    assert done.record.started - killed_at > 0


def test_a_poisonous_job_dies_and_takes_nobody_with_it(path: Path, queue: Queue) -> None:
    good = queue.find("good")
    assert good is not None
    jobs = queue.submit([good.call(n) for n in range(100)])
    poison = enqueue(queue, "poison")
    jobs += queue.submit([good.call(n) for n in range(100)])
    statuses: list[int] = []
    while not statuses or statuses[-1] == 66:
        with victim(path, "--idle", batch=50) as one:
            statuses.append(one.ended())
    dead = queue.get(poison)
    assert (dead.state, dead.reason, dead.crashes) == (JobState.DEAD, DeadReason.CRASHED, 3)
    assert {queue.get(job.id).state for job in jobs} == {JobState.SUCCEEDED}
    assert {queue.get(job.id).crashes for job in jobs} == {0}
    assert statuses == [66, 66, 66, 66, 0]  # once among others, three times alone


def test_a_worker_that_was_stopped_too_long_changes_nothing_and_goes_on(path: Path, queue: Queue) -> None:
    job = enqueue(queue, "wait", "x")
    with victim(path) as one:
        assert one.heard() == ["started", "x", "1"]
        one.send(signal.SIGSTOP)
        eventually(ran_here(queue))
        done = queue.get(job)
        assert (done.state, done.fence) == (JobState.SUCCEEDED, 2)
        one.send(signal.SIGCONT)
        assert one.heard() == ["lost", "1"]
        one.go_on()
        assert one.heard() == ["ended", "x", "False"]
        enqueue(queue, "wait", "y")
        assert one.heard() == ["started", "y", "1"]
    assert queue.get(job).record == done.record


def test_a_terminated_worker_lets_its_job_end(path: Path, queue: Queue) -> None:
    job = enqueue(queue, "wait", "x")
    with victim(path) as one:
        assert one.heard() == ["started", "x", "1"]
        one.send(signal.SIGTERM)
        one.go_on()
        assert one.heard() == ["ended", "x", "True"]
        assert one.ended() == 0
    done = queue.get(job)
    assert (done.state, done.fence, done.crashes) == (JobState.SUCCEEDED, 1, 0)


@pytest.mark.parametrize(("stop_seconds", "signals"), [(0.2, 1), (1e6, 2)])
def test_a_job_that_does_not_end_is_released_at_the_deadline_or_by_the_second_signal(
    path: Path, queue: Queue, stop_seconds: float, signals: int
) -> None:
    job = enqueue(queue, "wait", "x")
    with victim(path, stop_seconds=stop_seconds) as one:
        assert one.heard() == ["started", "x", "1"]
        one.send(signal.SIGTERM)
        if signals == 2:
            eventually(lambda: _stops_claiming(queue, one))
            one.send(signal.SIGTERM)
        assert one.ended() == 1
    released = queue.get(job)
    assert (released.state, released.crashes, released.attempts) == (JobState.READY, 0, 0)
    assert queue.run_inline() >= 1


def _stops_claiming(queue: Queue, one: Victim) -> bool:
    """Whether the first signal has been answered: a job that is enqueued now stays."""
    probe = enqueue(queue, "good", 1)
    threading.Event().wait(0.3)
    return queue.get(probe).state is JobState.READY


def test_death_at_any_statement_loses_no_job_and_doubles_no_effect(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(VICTIMS), "statements", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=PATIENCE * 10)
    found = json.loads(told.stdout)
    assert found["wrong"] == []
    assert found["deaths"] > 30


# Transactions


@pytest.fixture
def connection(path: Path, queue: Queue) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def test_a_job_is_enqueued_with_the_callers_transaction_or_not_at_all(
    queue: Queue, connection: sqlite3.Connection
) -> None:
    good = queue.find("good")
    assert good is not None
    heard: list[int] = []
    unsubscribe = queue.store.subscribe(lambda: heard.append(1))
    for ending, count in (("ROLLBACK", 0), ("COMMIT", 1)):
        connection.execute("BEGIN IMMEDIATE")
        job = good.options(connection=connection).enqueue(7)
        assert job.state is JobState.READY
        assert heard == []  # nothing is told before the commit
        connection.execute(ending)
        assert queue.stats().ready == count
    eventually(lambda: heard)  # the commit of another connection is seen
    unsubscribe()
    assert queue.get(job.id).args == [7]


def test_a_refusal_leaves_the_callers_transaction_as_it_was(path: Path, connection: sqlite3.Connection) -> None:
    queue = Queue(store=SQLiteStore(path), name="other")
    work = queue.task(name="work", unique=Unique(on_conflict="raise"))(print)
    connection.execute("CREATE TABLE orders (n INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(Exception, match="same unique key"):
        queue.submit([work.call(1), work.call(2), work.call(1)], connection=connection)
    connection.execute("COMMIT")
    assert queue.stats().ready == 0
    assert connection.execute("SELECT n FROM orders").fetchall() == [(1,)]
    queue.store.close()


def test_a_connection_without_a_transaction_or_to_another_file_is_refused(
    queue: Queue, connection: sqlite3.Connection, tmp_path: Path
) -> None:
    good = queue.find("good")
    assert good is not None
    with pytest.raises(ValueError, match="in no transaction"):
        good.options(connection=connection).enqueue(1)
    stranger = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match="but the jobs are in"):
        good.options(connection=stranger).enqueue(1)
    stranger.close()
    with pytest.raises(TypeError, match=r"must be a sqlite3\.Connection, got a str"):
        good.options(connection="x").enqueue(1)


def test_a_late_job_cannot_write_its_effects(path: Path) -> None:
    clock = ManualClock()
    queue = Queue(store=SQLiteStore(path, clock=clock), clock=clock)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE effects (n INTEGER)")

    @queue.task()
    def work() -> None:
        if current_job().fence == 1:
            clock.advance(3_601)  # longer than the lease: it runs elsewhere meanwhile
            queue.run_inline()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("INSERT INTO effects VALUES (?)", (current_job().fence,))
            current_job().settle_with(connection)
        except LeaseLost:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    work.enqueue()
    queue.run_inline()
    assert connection.execute("SELECT n FROM effects").fetchall() == [(2,)]
    connection.close()
    queue.store.close()


# The file


def test_a_newer_schema_is_refused(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE lldkit_migrations SET version = 99 WHERE namespace = 'scheduler'")
    with pytest.raises(SchemaMismatch, match="the tables have version 99"):
        SQLiteStore(path)


def test_many_stores_may_be_opened_at_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def open_one() -> None:
        try:
            SQLiteStore(tmp_path / "jobs.db").close()
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_locked_file_is_unavailable_and_nothing_is_lost(path: Path, connection: sqlite3.Connection) -> None:
    queue = Queue(store=SQLiteStore(path, busy_timeout=0.01))
    work = queue.task(name="work")(print)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="the SQLite file does not answer"):
        work.enqueue()
    connection.execute("ROLLBACK")
    work.enqueue()
    assert queue.stats().ready == 1
    queue.store.close()


def test_full_durability_syncs_every_commit(path: Path) -> None:
    store = SQLiteStore(path, durability="full")
    Queue(store=store).task(name="work")(print).enqueue()
    assert store._database.connection().execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
    with pytest.raises(ValueError, match="durability must be 'normal' or 'full'"):
        SQLiteStore(path, durability="some")  # type: ignore[arg-type]
