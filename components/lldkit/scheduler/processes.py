"""Jobs in processes of their own, which may die: the death of one costs the job that ran there one crash.

Between the worker and its processes go lines of JSON, never pickles: a job is the name of its task and its record, an
end is its outcome. A process is spawned, so it inherits no lock and no thread; it imports the module of the task.
"""

import importlib
import json
import multiprocessing
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from lldkit.clock import Clock
from lldkit.scheduler.interface import JobCancelled
from lldkit.scheduler.machine import JobEvent
from lldkit.scheduler.outcomes import released
from lldkit.scheduler.rows import REASONS, record_from_row, row_from_record
from lldkit.scheduler.runners import Begin, Finish, Pool
from lldkit.scheduler.running import End, Running, Stop, raised, run_job
from lldkit.scheduler.store import Outcome
from lldkit.scheduler.tasks import Task

__all__ = ["ProcessRunner", "serve"]

GRACE_SECONDS = 0.5  # for a job that was asked to stop, before its process is terminated
MOST_JOBS = 1_000  # after so many a process makes room for a fresh one, with what it has leaked


class ProcessRunner(Pool):
    """A pool of processes, each started by a thread here with its first job. A job that must stop can be stopped."""

    def __init__(self, concurrency: int, begin: Begin, finish: Finish, clock: Clock) -> None:
        super().__init__(concurrency, "process")
        self._begin = begin
        self._finish = finish
        self._clock = clock
        self._children: dict[Running, _Child] = {}

    def interrupt(self, running: Running) -> bool:
        """Ask the job to stop, and terminate its process if it does not."""
        child = self._children.get(running)
        if child is not None:
            child.wake()
        return True

    def _work(self) -> None:
        child: _Child | None = None
        while (running := self._inbox.get()) is not None:
            self._begin(running)
            child = _Child(self._clock) if child is None else child
            self._children[running] = child
            end = child.run(running)
            del self._children[running]
            if child.is_over:
                child.close()
                child = None
            self._finish(running, end)
        if child is not None:
            child.close()


class _Child:
    """A process, seen from the worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._hear, self._wake = context.Pipe(duplex=False)
        self._process = context.Process(target=serve, args=(theirs,), name="job", daemon=True)
        self._process.start()
        theirs.close()
        self._jobs = 0
        self._is_dead = False

    @property
    def is_over(self) -> bool:
        """Whether it runs no other job."""
        return self._is_dead or self._jobs >= MOST_JOBS

    def wake(self) -> None:
        """There is news for whoever waits in `run`. Any thread."""
        self._wake.send_bytes(b"!")

    def run(self, running: Running) -> End:
        """Run a job there, and wait for its end or the process's."""
        if running.task is None or running.cancelled:
            return run_job(running)
        self._jobs += 1
        self._send(["run", *_name_of(running.task), row_from_record(running.lease)])
        terminate_at: float | None = None
        while True:
            seconds = None if terminate_at is None else max(0.0, terminate_at - self._clock.monotonic())
            ready = wait([self._pipe, self._hear], seconds)
            if self._hear in ready:
                self._hear.recv_bytes()
            if self._pipe in ready:
                end = self._heard(running)
                if end is not None:
                    return end
            if running.stop is not None and terminate_at is None:
                terminate_at = self._clock.monotonic() + GRACE_SECONDS
                self._send(["stop", running.stop.name])
            if not ready:
                self._process.kill()

    def _send(self, message: list[Any]) -> None:
        with suppress(OSError):  # it has died; whoever listens hears of that
            self._pipe.send_bytes(json.dumps(message).encode())

    def _heard(self, running: Running) -> End | None:
        """What the process says; None while the job goes on."""
        try:
            kind, *rest = json.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            return self._died(running)
        if kind == "progress":
            running.reported = rest[0]
            return None
        return _end_of(running, *rest)

    def _died(self, running: Running) -> End:
        self._is_dead = True
        self._process.join()
        if running.stop is not None and running.task is not None:
            return raised(running, running.task, JobCancelled(running.stop.value))
        lost = released(running.lease)._replace(event=JobEvent.LOSE)
        return End(lost, None, f"died with {self._process.exitcode}")

    def close(self) -> None:
        """Let it end, or end it."""
        self._send(["end"])
        self._process.join(GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        for pipe in (self._pipe, self._hear, self._wake):
            pipe.close()
        self._process.close()


def _name_of(task: Task[..., Any]) -> tuple[str, str]:
    return task.function.__module__, task.function.__qualname__


def _end_of(running: Running, outcome: list[Any], error: str | None) -> End:
    event, delay, counts, reason, text, result = outcome
    told = Outcome(
        running.lease.new.id,
        running.fence,
        JobEvent(event),
        delay,
        counts,
        None if reason is None else REASONS[reason],
        text,
        result,
    )
    return End(told, None, error)


# --- in the process ---------------------------------------------------------------------------------------------------


class _Here(Running):
    """The running job, in the process that runs it."""

    __slots__ = ("pipe",)
    pipe: Connection

    def report(self, progress: Any) -> None:
        """Let others see how far it is."""
        super().report(progress)
        _say(self.pipe, ["progress", self.reported])


def serve(pipe: Connection) -> None:
    """Run jobs that come through the pipe, until its end: the worker's end too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a whole terminal; the worker says what it means
    jobs: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    current: list[_Here] = []
    threading.Thread(target=_listen, args=(pipe, jobs, current), daemon=True).start()
    while (message := jobs.get())[0] == "run":
        end = _run(pipe, current, *message[1:])
        outcome = end.outcome
        reason = None if outcome.reason is None else outcome.reason.value
        told = [outcome.event.value, outcome.delay, outcome.counts, reason, outcome.error, outcome.result]
        _say(pipe, ["end", told, end.error])


def _listen(pipe: Connection, jobs: "queue.SimpleQueue[list[Any]]", current: list[_Here]) -> None:
    while True:
        try:
            message = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(1)  # the worker has died; somebody else runs the job when its lease is over
        if message[0] == "stop":
            for running in current:
                running.stop = Stop[message[1]]
        else:
            jobs.put(message)


def _run(pipe: Connection, current: list[_Here], module: str, name: str, row: list[Any]) -> End:
    lease = record_from_row(row)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Task):
        raise TypeError(f"{module}.{name} is no task; for processes a task is defined at the top of a module")
    running = _Here(found.queue, lease)
    running.pipe = pipe
    current.append(running)
    try:
        return run_job(running)
    finally:
        current.clear()
        sys.stdout.flush()


def _say(pipe: Connection, message: list[Any]) -> None:
    pipe.send_bytes(json.dumps(message).encode())
