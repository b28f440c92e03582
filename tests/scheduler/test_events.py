"""What the listener of a queue hears; that of a worker is in `test_worker.py`."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from lldkit.clock import EPOCH, ManualClock
from lldkit.scheduler import (
    CancelRequested,
    EnqueueRefused,
    JobEnqueued,
    JobReplayed,
    MemoryStore,
    Queue,
    QueueEvent,
    QueueFull,
    Schedule,
    Tick,
    Unique,
    every,
)
from lldkit.scheduler.sqlite import SQLiteStore


@pytest.fixture
def heard() -> list[QueueEvent]:
    return []


@pytest.fixture
def queue(heard: list[QueueEvent]) -> Queue:
    queue = Queue(clock=ManualClock(), capacity=2, on_event=heard.append)
    queue.task(name="work", unique=Unique())(lambda n: None)
    return queue


def test_a_job_and_a_duplicate_of_it_are_told_apart(queue: Queue, heard: list[QueueEvent]) -> None:
    work = queue.find("work")
    assert work is not None
    job = work.enqueue(1)
    assert asyncio.run(work.aenqueue(1)) == job
    assert heard == [JobEnqueued(EPOCH, job.id, "work", True), JobEnqueued(EPOCH, job.id, "work", False)]


def test_a_refusal_is_told_with_its_numbers(heard: list[QueueEvent]) -> None:
    queue = Queue(clock=ManualClock(), capacity=2, on_event=heard.append)
    work = queue.task(name="work")(lambda n: None)
    queue.submit([work.call(1), work.call(2)])
    with pytest.raises(QueueFull):
        work.enqueue(3)
    assert heard[2:] == [EnqueueRefused(EPOCH, 2, 2, None)]


def test_cancelling_and_replaying_are_told_if_they_change_something(queue: Queue, heard: list[QueueEvent]) -> None:
    work = queue.find("work")
    assert work is not None
    job = work.enqueue(1)
    assert [queue.cancel(job.id), queue.cancel(job.id)] == [True, False]
    queue.retry(job.id)
    assert heard[1:] == [CancelRequested(EPOCH, job.id), JobReplayed(EPOCH, job.id, "work")]


def test_a_job_in_the_callers_transaction_is_not_told_before_anybody_knows_whether_it_will_be(
    heard: list[QueueEvent], tmp_path: Path
) -> None:
    queue = Queue(store=SQLiteStore(tmp_path / "jobs.db"), on_event=heard.append)
    work = queue.task(name="work")(lambda: None)
    queue.stats()  # makes the tables
    connection = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    work.options(connection=connection).enqueue()
    connection.execute("ROLLBACK")
    connection.close()
    assert heard == []
    queue.store.close()


class Raced(MemoryStore):
    """Somebody else is always a little faster."""

    def fire(self, ticks: Sequence[Tick]) -> list[bool]:
        super().fire(ticks)
        return super().fire(ticks)


def test_a_due_time_that_another_process_has_emitted_is_not_told(heard: list[QueueEvent]) -> None:
    clock = ManualClock()
    queue = Queue(clock=clock, store=Raced(clock=clock), on_event=heard.append)
    queue.schedule(Schedule("minutely", every(60, start=EPOCH), queue.task(name="work")(lambda: None).call()))
    clock.advance(60)
    assert queue.tick() == 0
    assert heard == []


def test_a_listener_that_raises_breaks_nothing_and_is_counted() -> None:
    def listen(event: QueueEvent) -> None:
        raise ValueError(event)

    clock = ManualClock()
    queue = Queue(clock=clock, on_event=listen)
    work = queue.task(name="work")(lambda: None)
    queue.schedule(Schedule("minutely", every(60, start=clock.now()), work.call()))
    work.enqueue()
    assert queue.advance(60) == 2
    assert queue.listener_failures == 2


def test_a_listener_may_ask_the_queue() -> None:
    waiting: list[int] = []
    jobs = Queue(clock=ManualClock(), on_event=lambda event: waiting.append(jobs.stats().waiting))
    work = jobs.task(name="work")(lambda: None)
    jobs.submit([work.call(), work.call()])
    assert waiting == [2, 2]
