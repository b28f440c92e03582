"""Jobs in processes of their own: what runs there, what dies there, and what is stopped there."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.scheduler import DeadReason, JobState, MemoryStore, Queue, Worker
from scheduler import process_tasks
from scheduler.helpers import eventually, let_pass_beating, until


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The queue of those tasks, empty."""
    monkeypatch.setattr(process_tasks.queue, "store", MemoryStore())
    yield process_tasks.queue
    assert multiprocessing.active_children() == []


def work(queue: Queue, **settings: Any) -> int:
    return Worker(queue, runner="processes", **{"concurrency": 2, "signals": False, **settings}).run(until_idle=True)


def test_jobs_run_elsewhere_and_their_results_come_back(jobs: Queue) -> None:
    doubled = [process_tasks.double.enqueue(n) for n in range(20)]
    homes = [process_tasks.whoami.enqueue() for _ in range(4)]
    assert work(jobs) == 0
    assert [jobs.get(job.id).result for job in doubled] == [2 * n for n in range(20)]
    pids = {jobs.get(job.id).result for job in homes}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_what_a_task_raises_counts_as_it_does_elsewhere(jobs: Queue) -> None:
    failed, later = process_tasks.fails.enqueue(), process_tasks.later.enqueue()
    Worker(jobs, runner="processes", concurrency=1, signals=False, max_jobs=2, hold_seconds=60).run()
    dead = jobs.get(failed.id)
    assert (dead.state, dead.reason, dead.attempts) == (JobState.DEAD, DeadReason.EXHAUSTED, 1)
    assert dead.error is not None
    assert (dead.error.type, dead.error.message) == ("ValueError", "as planned")
    assert (jobs.get(later.id).state, jobs.get(later.id).attempts) == (JobState.SCHEDULED, 1)


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_the_death_of_a_process_costs_its_own_job_a_crash(jobs: Queue, how: str) -> None:
    poison = process_tasks.poison.enqueue(how)
    good = [process_tasks.double.enqueue(n) for n in range(30)]
    assert work(jobs) == 0
    dead = jobs.get(poison.id)
    assert (dead.state, dead.reason, dead.crashes, dead.attempts) == (JobState.DEAD, DeadReason.CRASHED, 2, 0)
    assert {jobs.get(job.id).state for job in good} == {JobState.SUCCEEDED}
    assert {jobs.get(job.id).crashes for job in good} == {0}


def test_a_job_of_five_leases_length_runs_once(jobs: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    monkeypatch.setattr(jobs, "store", store)
    monkeypatch.setattr(jobs, "clock", clock)
    job = process_tasks.patient.enqueue(str(tmp_path / "job"))
    worker = Worker(jobs, runner="processes", concurrency=1, lease_seconds=9.0)
    thread = threading.Thread(target=worker.run)
    thread.start()
    eventually((tmp_path / "job").exists)
    let_pass_beating(clock, store, job.id, 45, 9.0)
    (tmp_path / "job.go").touch()
    until(clock, lambda: jobs.stats().succeeded == 1)
    worker.stop()
    thread.join()
    assert (tmp_path / "job").read_text() == "begun "
    assert (jobs.get(job.id).fence, jobs.get(job.id).crashes) == (1, 0)


def test_a_job_that_takes_too_long_is_terminated(jobs: Queue) -> None:
    hangs, good = process_tasks.hangs.enqueue(), process_tasks.double.enqueue(1)
    assert work(jobs, concurrency=1) == 0
    dead = jobs.get(hangs.id)
    assert (dead.state, dead.attempts, dead.crashes) == (JobState.DEAD, 1, 0)
    assert dead.error is not None
    assert dead.error.type == "JobTimeout"
    assert jobs.get(good.id).state is JobState.SUCCEEDED


def test_a_running_job_can_be_cancelled_and_has_told_how_far_it_is(jobs: Queue) -> None:
    polite = process_tasks.polite.enqueue()
    worker = Worker(jobs, runner="processes", concurrency=1, signals=False, lease_seconds=0.3)
    thread = threading.Thread(target=worker.run, kwargs={"until_idle": True})
    thread.start()
    eventually(lambda: jobs.get(polite.id).progress == "waiting")
    assert jobs.cancel(polite.id)
    thread.join(60)
    assert jobs.get(polite.id).state is JobState.CANCELLED


def test_a_worker_that_stops_gives_back_what_does_not_end(jobs: Queue) -> None:
    hangs = process_tasks.hangs.options().enqueue()
    worker = Worker(jobs, runner="processes", concurrency=1, signals=False, stop_seconds=0)
    status = []
    thread = threading.Thread(target=lambda: status.append(worker.run()))
    thread.start()
    eventually(lambda: jobs.get(hangs.id).state is JobState.RUNNING)
    worker.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert jobs.get(hangs.id).crashes == 0
