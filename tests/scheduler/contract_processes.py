"""What holds for every store that processes share: workers that are killed, stopped and terminated for real."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lldkit.clock import MICRO
from lldkit.scheduler import DeadReason, JobState, Queue
from scheduler.helpers import PATIENCE, eventually
from scheduler.victims import jobs_of

VICTIMS = Path(__file__).parent / "victims.py"


class Victim:
    """A worker in a process of its own."""

    def __init__(self, where: str, *flags: str, **settings: object) -> None:
        command = [sys.executable, str(VICTIMS), "work", where, json.dumps({"concurrency": 4, **settings}), *flags]
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
def victim(where: str, *flags: str, **settings: object) -> Iterator[Victim]:
    one = Victim(where, *flags, **settings)
    try:
        assert one.heard() == ["ready"]
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def enqueue(queue: Queue, task: str, *args: object) -> str:
    found = queue.find(task)
    assert found is not None
    return found.enqueue(*args).id


def ran_here(queue: Queue) -> Callable[[], bool]:
    return lambda: queue.run_inline() > 0


def _stops_claiming(queue: Queue, one: Victim) -> bool:
    """Whether the first signal has been answered: a job that is enqueued now stays."""
    probe = enqueue(queue, "good", 1)
    threading.Event().wait(0.3)
    return queue.get(probe).state is JobState.READY


@contextmanager
def queue_at(where: str) -> Iterator[Queue]:
    """The victims' queue, in this process."""
    go_on = threading.Event()
    go_on.set()
    queue = jobs_of(where, go_on)
    yield queue
    queue.store.close()


class ProcessContract:
    """A subclass has the fixture `where`, the place of a store as `victims.store_at` takes it."""

    @pytest.fixture
    def queue(self, where: str) -> Iterator[Queue]:
        with queue_at(where) as queue:
            yield queue

    def test_the_job_of_a_killed_worker_runs_again_and_is_charged_with_one_crash(
        self, where: str, queue: Queue
    ) -> None:
        job = enqueue(queue, "wait", "x")
        with victim(where) as one:
            assert one.heard() == ["started", "x", "1"]
            one.send(signal.SIGKILL)
            one.ended()
            lease_ends = queue.get(job).record.lease
            other = enqueue(queue, "good", 1)
            assert queue.run_inline() == 1  # nobody else is delayed
            assert queue.get(other).state is JobState.SUCCEEDED
            eventually(ran_here(queue))
        done = queue.get(job)
        assert (done.state, done.crashes, done.attempts, done.fence) == (JobState.SUCCEEDED, 1, 1, 2)
        assert done.record.started is not None
        assert done.record.started >= lease_ends  # `test_sharing` bounds how long after

    def test_a_poisonous_job_dies_and_takes_nobody_with_it(self, where: str, queue: Queue) -> None:
        good = queue.find("good")
        assert good is not None
        jobs = queue.submit([good.call(n) for n in range(100)])
        poison = enqueue(queue, "poison")
        jobs += queue.submit([good.call(n) for n in range(100)])
        statuses: list[int] = []
        while not statuses or statuses[-1] == 66:
            with victim(where, "--idle", batch=50) as one:
                statuses.append(one.ended())
        dead = queue.get(poison)
        assert (dead.state, dead.reason, dead.crashes) == (JobState.DEAD, DeadReason.CRASHED, 3)
        assert {queue.get(job.id).state for job in jobs} == {JobState.SUCCEEDED}
        assert {queue.get(job.id).crashes for job in jobs} == {0}
        assert statuses == [66, 66, 66, 66, 0]  # once among others, three times alone

    def test_a_worker_that_was_stopped_too_long_changes_nothing_and_goes_on(self, where: str, queue: Queue) -> None:
        job = enqueue(queue, "wait", "x")
        with victim(where) as one:
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

    def test_a_terminated_worker_lets_its_job_end(self, where: str, queue: Queue) -> None:
        job = enqueue(queue, "wait", "x")
        with victim(where) as one:
            assert one.heard() == ["started", "x", "1"]
            one.send(signal.SIGTERM)
            one.go_on()
            assert one.heard() == ["ended", "x", "True"]
            assert one.ended() == 0
        done = queue.get(job)
        assert (done.state, done.fence, done.crashes) == (JobState.SUCCEEDED, 1, 0)

    @pytest.mark.parametrize(("stop_seconds", "signals"), [(0.2, 1), (1e6, 2)])
    def test_a_job_that_does_not_end_is_released_at_the_deadline_or_by_the_second_signal(
        self, where: str, queue: Queue, stop_seconds: float, signals: int
    ) -> None:
        job = enqueue(queue, "wait", "x")
        with victim(where, stop_seconds=stop_seconds) as one:
            assert one.heard() == ["started", "x", "1"]
            one.send(signal.SIGTERM)
            if signals == 2:
                eventually(lambda: _stops_claiming(queue, one))
                one.send(signal.SIGTERM)
            assert one.ended() == 1
        released = queue.get(job)
        assert (released.state, released.crashes, released.attempts) == (JobState.READY, 0, 0)
        assert queue.run_inline() >= 1

    def test_four_processes_of_eight_threads_keep_the_cap_and_the_rate_of_a_group(
        self, where: str, queue: Queue, tmp_path: Path
    ) -> None:
        room = sqlite3.connect(tmp_path / "room.db")
        room.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, inside INTEGER, is_inside INTEGER)")
        visits = [enqueue(queue, "visit", str(tmp_path / "room.db")) for _ in range(30)]
        starts = [enqueue(queue, "start") for _ in range(60)]
        with ExitStack() as stack:
            workers = [stack.enter_context(victim(where, "--idle", concurrency=8)) for _ in range(4)]
            assert [one.ended() for one in workers] == [0] * 4
        assert {queue.get(job).state for job in visits + starts} == {JobState.SUCCEEDED}
        ((visitors, most),) = room.execute("SELECT count(*), max(inside) FROM visits")
        room.close()
        assert (visitors, most) == (30, 3)
        times = sorted(queue.get(job).record.started or 0 for job in starts)
        for first, start in enumerate(times):
            for last in range(first, len(times)):
                assert last - first + 1 <= 50 * (times[last] - start) / MICRO + 10 + 1e-6
