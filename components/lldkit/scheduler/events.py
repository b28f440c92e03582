"""What a listener is told: by a `Queue` of what its callers do, by a `Worker` of what becomes of its runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

__all__ = [
    "CancelRequested",
    "EnqueueRefused",
    "JobEnded",
    "JobEnqueued",
    "JobLost",
    "JobReplayed",
    "JobStarted",
    "QueueEvent",
    "ScheduleFired",
    "SlotLeaked",
    "StoreFailed",
    "WorkerEvent",
]


@dataclass(frozen=True, slots=True)
class JobEnqueued:
    """The store has a job; without `is_new` it is an earlier one with the same unique key.

    Not told of a job in the caller's transaction, of which nobody knows whether it will be.
    """

    at: datetime
    id: str
    task: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class EnqueueRefused:
    """There was no room: `QueueFull` was raised, with these numbers."""

    at: datetime
    capacity: int
    size: int
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody has cancelled a job; one that runs is to stop."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class JobReplayed:
    """A dead or cancelled job will run again."""

    at: datetime
    id: str
    task: str


@dataclass(frozen=True, slots=True)
class ScheduleFired:
    """This process has emitted the due time `due` of a schedule; `missed` others before it were given up."""

    at: datetime
    schedule: str
    id: str
    due: datetime
    missed: int


QueueEvent: TypeAlias = JobEnqueued | EnqueueRefused | CancelRequested | JobReplayed | ScheduleFired


@dataclass(frozen=True, slots=True)
class JobStarted:
    """A worker has begun to run a job."""

    at: datetime
    id: str
    task: str
    fence: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A run has ended: `what` is the event of the state machine, `error` the type of the exception, if there was one.

    It is told before the store knows; if the store then refuses the outcome, a `JobLost` follows.
    """

    at: datetime
    id: str
    task: str
    what: str
    error: str | None


@dataclass(frozen=True, slots=True)
class JobLost:
    """The lease has passed to somebody else, so the outcome of this run was refused."""

    at: datetime
    id: str
    fence: int


@dataclass(frozen=True, slots=True)
class SlotLeaked:
    """A thread goes on although its job has ended: its time was up, or the worker stops. It cannot be stopped."""

    at: datetime
    id: str
    task: str
    leaked: int


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store did not answer; the worker asks again in `retry_after` seconds."""

    at: datetime
    error: str
    retry_after: float


WorkerEvent: TypeAlias = JobStarted | JobEnded | JobLost | SlotLeaked | StoreFailed
