"""SQLite beside real processes that are killed, stopped and terminated; and transactions of the caller's."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import (
    JobState,
    LeaseLost,
    Queue,
    SchemaMismatch,
    StoreUnavailable,
    Unique,
    current_job,
)
from lldkit.scheduler.sqlite import SQLiteStore
from scheduler.contract_processes import VICTIMS, ProcessContract, queue_at
from scheduler.helpers import PATIENCE, eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def queue(path: Path) -> Iterator[Queue]:
    with queue_at(str(path)) as queue:
        yield queue


class TestProcesses(ProcessContract):
    @pytest.fixture
    def where(self, path: Path) -> str:
        return str(path)


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
