"""What an engine is told and what it answers: job records, and the four small protocols of a store.

All times are whole microseconds since the Unix epoch, by the store's clock; `payload`, `result`, `error` and
`progress` are JSON texts. A user meets `lldkit.scheduler.job.Job` instead.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeAlias

from lldkit.scheduler.interface import DeadReason, JobState, Keep, Limit, OnConflict, OnParentFailure
from lldkit.scheduler.machine import JobEvent

__all__ = [
    "ClaimRequest",
    "Conflict",
    "ControlStore",
    "JobStore",
    "Lease",
    "LeaseRef",
    "NewJob",
    "Outcome",
    "Put",
    "Record",
    "Renewal",
    "ScheduleState",
    "Signal",
    "Store",
    "Tick",
    "ViewStore",
]


class Conflict(NamedTuple):
    """What `interface.Unique` says, in microseconds."""

    states: frozenset[JobState]
    within: int | None
    debounce: int | None
    max_wait: int | None
    on_conflict: OnConflict


class NewJob(NamedTuple):
    """What is known of a job when it is enqueued; nothing of it changes, but for a payload that is replaced."""

    id: str
    payload: str
    unique_key: str | None
    parents: tuple[str, ...]
    queue: str
    task: str
    priority: int = 0
    head_start: int = 0
    """Microseconds for which its priority puts it ahead of priority 0."""
    key: str | None = None
    group: str | None = None
    on_parent_failure: OnParentFailure = "cancel"
    max_attempts: int = 5
    max_crashes: int = 3
    expires: int | None = None
    """How long after it was enqueued it may still start."""
    delay: int = 0
    at: int | None = None
    """When it is due; None: `delay` after it was enqueued."""
    conflict: Conflict | None = None


class Record(NamedTuple):
    """A job as a store keeps it. Immutable: a change is a new record with the same id."""

    new: NewJob
    seq: int
    """Its place in the order of arrival over all processes."""
    state: JobState
    due: int
    rank: int
    """The least is claimed first; see `selection`."""
    enqueued: int
    fence: int = 0
    """How often it was claimed."""
    settled: int = 0
    """The fence whose holder has ended a run last."""
    lease: int = 0
    """Until when the lease runs."""
    worker: str | None = None
    suspect: bool = False
    """It may have killed its worker, so it runs with nobody beside it."""
    beside: bool = False
    """It is RUNNING, and its worker has already lost another lease."""
    cancelling: bool = False
    attempts: int = 0
    crashes: int = 0
    backoff: int = 0
    """What the last retry had to wait."""
    started: int | None = None
    finished: int | None = None
    reason: DeadReason | None = None
    error: str | None = None
    result: str | None = None
    progress: str | None = None


Lease: TypeAlias = Record
"""A record that is RUNNING, in the hands of its worker."""


class Put(NamedTuple):
    """The answer to one new job: its record, or the one that it is in conflict with."""

    record: Record
    is_new: bool


class ClaimRequest(NamedTuple):
    """A worker asks for up to `limit` jobs of `queue`; `idle`: it holds none, so it may take a suspect."""

    queue: str
    limit: int
    lease: int
    worker: str
    idle: bool
    limits: Mapping[str, Limit] = {}
    group_limit: Limit | None = None


class LeaseRef(NamedTuple):
    """A lease to renew, and what its job has reported."""

    id: str
    fence: int
    progress: str | None = None


class Renewal(Enum):
    """What became of a lease."""

    KEPT = "kept"
    LOST = "lost"
    CANCEL = "cancel"
    """Kept, but somebody wants the job to stop."""


class Outcome(NamedTuple):
    """How a run has ended. `event` is one of SUCCEED, RETRY, RELEASE, LOSE, BURY, CANCEL."""

    id: str
    fence: int
    event: JobEvent
    delay: int = 0
    counts: bool = False
    """Whether an attempt was used."""
    reason: DeadReason | None = None
    error: str | None = None
    result: str | None = None


class Tick(NamedTuple):
    """A due time of a schedule, and the job that it enqueues."""

    job: NewJob
    schedule: str
    due: int
    cancels: bool
    """Whether what has not ended of its key is cancelled first."""


class ScheduleState(NamedTuple):
    """What a store knows of a schedule; the schedule itself is code."""

    text: str
    """Two schedules of one text are the same."""
    last: int
    """The last due time that was emitted, or when it was made known or resumed."""
    paused: bool


class JobStore(Protocol):
    """Where jobs live. Each verb is atomic, and harmless when it is repeated because its answer was lost."""

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        """Add jobs, all or none; `QueueFull`, `DuplicateJob`, `UnknownJob` (a parent).

        Ids are made by the caller, so putting again changes nothing. With `connection` they belong to the caller's
        transaction.
        """
        ...

    def claim(self, want: ClaimRequest) -> list[Lease]:
        """Promote what is due, take back what was lost, pick the first in rank, and lease them."""
        ...

    def renew(self, leases: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        """Let leases run for `seconds` from now."""
        ...

    def settle(self, outcomes: Sequence[Outcome], *, connection: Any = None) -> list[bool]:
        """End runs; False where the fence has moved on, so that nothing was changed. `connection` as for `put`."""
        ...


class ControlStore(Protocol):
    """What operators do."""

    def cancel(self, job_id: str, /) -> bool:
        """Cancel a waiting job, ask a running one to stop; False when it has ended. `UnknownJob`."""
        ...

    def retry(self, job_id: str, /) -> Record:
        """Replay a dead or cancelled job, and what was cancelled because of it. `UnknownJob`, `InvalidTransition`."""
        ...

    def fire(self, ticks: Sequence[Tick]) -> list[bool]:
        """Enqueue what is due; False where that due time, or a later one, was emitted before."""
        ...

    def set_schedules(self, queue: str, states: Mapping[str, ScheduleState | None]) -> None:
        """Keep these schedules as they are here, None: no more. Where the last due time is later, that stays."""
        ...

    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs as `keep` says; how many."""
        ...


class ViewStore(Protocol):
    """What is only looked at."""

    def get(self, job_id: str, /) -> Record:
        """The job; `UnknownJob`."""
        ...

    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """Up to `limit` jobs that arrived before number `before`, the newest first."""
        ...

    def stats(self, queue: str) -> Mapping[JobState, int]:
        """How many jobs are in each state; a state without jobs may be left out."""
        ...

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known, by name."""
        ...

    def claims(self, queue: str) -> int:
        """How many claims there have been: the rate at which the queue drains."""
        ...


class Signal(Protocol):
    """The store's time, and word of changes."""

    def now(self) -> int:
        """The store's clock."""
        ...

    def next_due(self, queue: str) -> int | None:
        """When time alone changes something: the first SCHEDULED job is due, or the first lease ends."""
        ...

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` soon after each change, from any thread, until the returned function is called."""
        ...

    def close(self) -> None:
        """Let go of connections and threads. Idempotent."""
        ...


class Store(JobStore, ControlStore, ViewStore, Signal, Protocol):
    """All four. Safe for threads."""
