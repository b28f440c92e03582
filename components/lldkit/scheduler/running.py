"""A job while it runs: what its code may ask (`current_job`), and how its end becomes an outcome."""

import asyncio
import functools
import math
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from lldkit.scheduler.codec import decode, encode
from lldkit.scheduler.interface import DeadReason, JobCancelled, JobTimeout, LeaseLost, NotSerialisable, PayloadTooLarge
from lldkit.scheduler.job import Job
from lldkit.scheduler.machine import JobEvent
from lldkit.scheduler.outcomes import buried, failed, released, succeeded, unknown_task
from lldkit.scheduler.store import Lease, Outcome
from lldkit.scheduler.tasks import Task

if TYPE_CHECKING:
    from lldkit.scheduler.queue import Queue

__all__ = ["End", "Running", "Stop", "arun_job", "current_job", "raised", "run_job", "timed_out"]


class Stop(Enum):
    """Why a job should stop."""

    CANCELLED = "somebody has cancelled it"
    LOST = "its lease is lost"
    TIMEOUT = "its time is up"
    SHUTDOWN = "its worker stops"


class Running:
    """The running job, as its own code sees it. Safe for threads.

    `job` is the snapshot of the claim; `heartbeat_ok` is False when the lease was lost, so that somebody else may be
    running the job by now.
    """

    __slots__ = ("deadline", "ended", "lease", "queue", "reported", "started_at", "stop", "task")

    def __init__(self, queue: "Queue", lease: Lease, deadline: float = math.inf) -> None:
        self.queue = queue
        self.lease = lease
        self.task = queue.find(lease.new.task)
        self.deadline = deadline  # of the lease, in this worker's monotonic time
        self.started_at: float | None = None
        self.ended = False  # somebody has said how it ended; whoever says it later is not heard
        self.stop: Stop | None = None
        self.reported: str | None = None

    @property
    def times_out_at(self) -> float:
        """When its time is up."""
        seconds = None if self.task is None else self.task.settings.timeout_seconds
        return math.inf if seconds is None or self.started_at is None else self.started_at + seconds

    @property
    def job(self) -> Job:
        """What was claimed."""
        return Job(self.lease)

    @property
    def fence(self) -> int:
        """Higher for each claim of the job: hand it to what you write to, to refuse writers that are late."""
        return self.lease.fence

    @property
    def heartbeat_ok(self) -> bool:
        """Whether the lease is held, as far as this worker knows."""
        return self.stop is not Stop.LOST

    @property
    def cancelled(self) -> bool:
        """Whether the job should stop: it was cancelled, its lease is lost, or its worker stops."""
        return self.stop is not None

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the job should stop; for loops that would run on."""
        if self.stop is not None:
            raise JobCancelled(self.stop.value)

    def report(self, progress: Any) -> None:
        """Let others see how far it is; JSON, sent with the next heartbeat."""
        self.reported = encode(progress, what="progress", limit=self.queue.max_result_bytes)

    @property
    def parents(self) -> dict[str, Any]:
        """The results of the jobs it depends on, by id."""
        return {parent: self.queue.get(parent).result for parent in self.lease.new.parents}

    def settle_with(self, connection: Any) -> None:
        """Let the job succeed in the transaction of `connection`, with whatever else it does: both or neither.

        `LeaseLost` when somebody else has the job by now; let it end the transaction.
        """
        if not self.queue.store.settle([succeeded(self.lease, None)], connection=connection)[0]:
            raise LeaseLost(self.lease.new.id, self.fence)


_current: ContextVar[Running] = ContextVar("lldkit.scheduler.current_job")


def current_job() -> Running:
    """The job that this code runs in; `RuntimeError` outside of one."""
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError("current_job() is for code that a worker runs; there is no job here") from None


class End(NamedTuple):
    """How a run has ended; `interrupt` is what must not be swallowed, and is raised again by who ran it."""

    outcome: Outcome
    interrupt: BaseException | None = None
    error: str | None = None


def run_job(running: Running) -> End:
    """Run a job in this thread; an `async def` gets an event loop of its own."""
    if (task := running.task) is None or running.stop is not None:
        return _not_run(running)
    token = _current.set(running)
    try:
        args, kwargs = decode(running.lease.new.payload)
        result = task.function(*args, **kwargs)
        return _returned(running, asyncio.run(result) if task.is_async else result)
    except BaseException as error:  # noqa: BLE001 - each kind has an outcome, and what must go on is in the answer
        return raised(running, task, error)
    finally:
        _current.reset(token)


async def arun_job(running: Running, threads: Executor) -> End:
    """Run a job in this task; a `def` runs in one of `threads`."""
    if (task := running.task) is None or running.stop is not None:
        return _not_run(running)
    token = _current.set(running)
    try:
        args, kwargs = decode(running.lease.new.payload)
        if task.is_async:
            return _returned(running, await task.function(*args, **kwargs))
        call = functools.partial(copy_context().run, task.function, *args, **kwargs)
        return _returned(running, await asyncio.get_running_loop().run_in_executor(threads, call))
    except BaseException as error:  # noqa: BLE001 - as above
        return raised(running, task, error)
    finally:
        _current.reset(token)


def _not_run(running: Running) -> End:
    """The end of a job that should not, or cannot, be run here."""
    if running.stop is not None:
        return End(released(running.lease))
    return End(unknown_task(running.lease, running.queue.store.now()), None, "UnknownTask")


def _returned(running: Running, result: Any) -> End:
    try:
        text = None if result is None else encode(result, what="result", limit=running.queue.max_result_bytes)
    except (NotSerialisable, PayloadTooLarge) as error:  # another attempt would return the same
        return End(buried(running.lease, DeadReason.BAD_PAYLOAD, error), None, type(error).__name__)
    return End(succeeded(running.lease, text))


def raised(running: Running, task: Task[..., Any], error: BaseException) -> End:
    """The end of a run that has raised, or was stopped from outside."""
    name = type(error).__name__
    if running.stop is Stop.TIMEOUT:
        return timed_out(running)
    if isinstance(error, JobCancelled | asyncio.CancelledError):
        is_final = running.stop is Stop.CANCELLED or (running.stop is None and isinstance(error, JobCancelled))
        outcome = released(running.lease)._replace(event=JobEvent.CANCEL) if is_final else released(running.lease)
        interrupt = error if isinstance(error, asyncio.CancelledError) and running.stop is None else None
        return End(outcome, interrupt, name)
    if not isinstance(error, Exception):
        return End(released(running.lease), error, name)
    if isinstance(error, TypeError) and _does_not_fit(running.lease, task):
        return End(buried(running.lease, DeadReason.BAD_PAYLOAD, error), None, name)
    return _failed(running, task, error)


def timed_out(running: Running) -> End:
    """The end of a run that took too long."""
    assert running.task is not None  # noqa: S101 - it has run
    error = JobTimeout(running.task.settings.timeout_seconds or 0.0)
    return _failed(running, running.task, error)


def _failed(running: Running, task: Task[..., Any], error: Exception) -> End:
    settings, queue = task.settings, running.queue
    outcome = failed(
        running.lease, error, backoff=settings.backoff, retry_on=settings.retry_on, rng=queue.rng, clock=queue.clock
    )
    return End(outcome, None, type(error).__name__)


def _does_not_fit(lease: Lease, task: Task[..., Any]) -> bool:
    """Whether the arguments are not those of the function: then another attempt would end the same."""
    args, kwargs = decode(lease.new.payload)
    try:
        task.signature.bind(*args, **kwargs)
    except TypeError:
        return True
    return False
