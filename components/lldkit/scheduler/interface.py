"""The words of the scheduler: what a user says, what they are told, and how it can fail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from lldkit.arguments import check_count, check_number
from lldkit.errors import LldkitError

__all__ = [
    "ENDED",
    "JSON",
    "MOST_PRIORITY",
    "WAITING",
    "CronSyntaxError",
    "DeadReason",
    "Discard",
    "DuplicateJob",
    "JobCancelled",
    "JobFailed",
    "JobState",
    "JobTimeout",
    "Keep",
    "LeaseLost",
    "Limit",
    "NeverFires",
    "NotSerialisable",
    "OnConflict",
    "OnParentFailure",
    "PayloadTooLarge",
    "QueueFull",
    "RetryLater",
    "SchedulerError",
    "SchemaMismatch",
    "Snooze",
    "StoreUnavailable",
    "Trigger",
    "Unique",
    "UnknownJob",
    "UnknownZone",
]

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
"""What travels: arguments and results are made of these and of nothing else."""
OnConflict: TypeAlias = Literal["return", "raise", "replace"]
OnParentFailure: TypeAlias = Literal["cancel", "hold", "run"]

MOST_PRIORITY = 9
"""Priorities reach from -9 to 9; the higher goes first."""


class JobState(Enum):
    """Where a job stands."""

    __hash__ = object.__hash__  # that of Enum is a function in Python, and states are looked up all the time

    BLOCKED = "blocked"
    """Waits for its parents, or for an earlier job of its key."""
    SCHEDULED = "scheduled"
    """Waits for its time."""
    READY = "ready"
    RUNNING = "running"
    """A worker holds a lease on it."""
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


WAITING = frozenset({JobState.BLOCKED, JobState.SCHEDULED, JobState.READY})
"""The states before a run."""
ENDED = frozenset({JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED})
"""The states after the last run."""


class DeadReason(Enum):
    """Why a job will not run again unless somebody replays it."""

    EXHAUSTED = "exhausted"
    """All its attempts have failed."""
    CRASHED = "crashed"
    """It has killed too many workers."""
    DISCARDED = "discarded"
    """It said so itself."""
    EXPIRED = "expired"
    """Its time was over before a worker came to it."""
    BAD_PAYLOAD = "bad payload"
    """Its arguments do not fit its task, or its result is not JSON."""
    UNKNOWN_TASK = "unknown task"
    """No worker has known its task for a day."""
    PARENT_FAILED = "parent failed"
    """A job it depends on has died or was cancelled."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many jobs of a group may run at once, and how many may start per second with which burst; None: any number.

    `burst` is by default one second's worth, at least one.
    """

    running: int | None = None
    per_second: float | None = None
    burst: int | None = None

    def __post_init__(self) -> None:
        if self.running is not None:
            check_count("running", self.running, least=1)
        if self.per_second is not None:
            check_number("per_second", self.per_second, least=1e-6, most=1e6)
        if self.burst is not None:
            check_count("burst", self.burst, least=1)
            if self.per_second is None:
                raise ValueError(f"burst belongs to a rate: give per_second too, got burst={self.burst!r} alone")


@dataclass(frozen=True, slots=True)
class Keep:
    """How many ended jobs a queue keeps, and for how long; None: all of them, for ever.

    Cancelled jobs count with the dead. A job whose children still wait is kept.
    """

    succeeded_rows: int | None = 1_000
    dead_rows: int | None = 10_000
    seconds: float | None = 86_400

    def __post_init__(self) -> None:
        if self.succeeded_rows is not None:
            check_count("succeeded_rows", self.succeeded_rows)
        if self.dead_rows is not None:
            check_count("dead_rows", self.dead_rows)
        if self.seconds is not None:
            check_number("seconds", self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """What makes two jobs of a task the same, and what becomes of the second.

    `by` is called like the task and returns what to compare; by default all arguments are compared. The second is in
    conflict with a first one in one of `states`, or enqueued less than `within_seconds` ago, whatever became of it.

    `on_conflict`: "return" the first; "raise" `DuplicateJob`; "replace" the arguments of a first that still waits. With
    `debounce_seconds` they are replaced too, and the first waits so long again, but for no more than `max_wait_seconds`
    (None: for ever) since it was enqueued.
    """

    by: Callable[..., JSON] | None = None
    states: frozenset[JobState] = WAITING
    within_seconds: float | None = None
    debounce_seconds: float | None = None
    max_wait_seconds: float | None = None
    on_conflict: OnConflict = "return"

    def __post_init__(self) -> None:
        for name in ("within_seconds", "debounce_seconds", "max_wait_seconds"):
            if (value := getattr(self, name)) is not None:
                check_number(name, value)
        if self.max_wait_seconds is not None and self.debounce_seconds is None:
            raise ValueError("max_wait_seconds bounds debounce_seconds; give that too")
        if self.on_conflict not in {"return", "raise", "replace"}:
            raise ValueError(f"on_conflict must be 'return', 'raise' or 'replace', got {self.on_conflict!r}")


class Trigger(Protocol):
    """When something is due: pure, aware times in, times of the trigger's zone out, compared as instants."""

    def next(self, after: datetime, /) -> datetime | None:
        """The first time strictly after `after`, None when there is none."""
        ...

    def prev(self, before: datetime, /) -> datetime | None:
        """The last time strictly before `before`, None when there is none."""
        ...


class SchedulerError(LldkitError):
    """Base of the errors of this room; each can be copied and sent to another process."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SchedulerError], args: tuple[object, ...], fields: dict[str, object]) -> SchedulerError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class CronSyntaxError(SchedulerError, ValueError):
    """An expression that is no cron: `problem` in its `field`, at the character `position` (from 0)."""

    def __init__(self, expression: str, field: str, position: int, problem: str) -> None:
        super().__init__(f"{expression!r}, {field} at character {position}: {problem}")
        self.expression = expression
        self.field = field
        self.position = position
        self.problem = problem


class UnknownZone(SchedulerError, ValueError):
    """No time zone of this name in the database of this machine."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no such time zone, got {name!r}; it takes names as 'Europe/Berlin'")
        self.name = name


class NeverFires(SchedulerError, ValueError):
    """A trigger that has no run at all, as the 30th of February."""


class QueueFull(SchedulerError):
    """`size` jobs wait, of at most `capacity`; there may be room after `retry_after` seconds (None: unknown)."""

    def __init__(self, capacity: int, size: int, retry_after: float | None = None) -> None:
        hint = "" if retry_after is None else f"; try again in {retry_after:.3g} s"
        super().__init__(f"the queue is full: {size} of {capacity} jobs wait{hint}")
        self.capacity = capacity
        self.size = size
        self.retry_after = retry_after


class DuplicateJob(SchedulerError):
    """A job with the same unique key exists: `existing`, its id."""

    def __init__(self, existing: str) -> None:
        super().__init__(f"job {existing} has the same unique key")
        self.existing = existing


class UnknownJob(SchedulerError):
    """The store has no such job; it may have been pruned."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the field is called so everywhere
        super().__init__(f"there is no job {id!r}; ended jobs are kept as `Keep` says")
        self.id = id


class PayloadTooLarge(SchedulerError):
    """Arguments or a result of `size` bytes, `limit` being allowed: keep the data elsewhere and send its name."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes of JSON, at most {limit} are allowed; store the data and send its name")
        self.size = size
        self.limit = limit


class NotSerialisable(SchedulerError):
    """`argument` (a path such as `users[0].name`) is of a type that JSON would lose or alter."""

    def __init__(self, argument: str, type: str) -> None:  # noqa: A002 - the field says what it is
        kinds = "None, bool, int, float (finite), str, list and dict with str keys"
        super().__init__(f"{argument} is a {type}; jobs carry {kinds}, so that nothing is altered on the way")
        self.argument = argument
        self.type = type


class LeaseLost(SchedulerError):
    """This run no longer owns its job: the lease ended and `fence` is out of date. Change nothing any more."""

    def __init__(self, id: str, fence: int) -> None:  # noqa: A002 - the field is called so everywhere
        super().__init__(f"the lease on job {id} has passed to another worker (fence {fence} is out of date)")
        self.id = id
        self.fence = fence


class JobTimeout(SchedulerError):
    """The job has run for longer than its `timeout_seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the job ran for longer than {seconds:g} s")
        self.seconds = seconds


class JobFailed(SchedulerError):
    """The awaited job died or was cancelled; `job` says why."""

    def __init__(self, job: Any) -> None:
        why = job.reason.value if job.reason else job.state.value
        super().__init__(f"job {job.id} ({job.task}) ended without a result: {why}")
        self.job = job


class StoreUnavailable(SchedulerError):
    """The store cannot answer now; whether the call took effect is unknown, and it may be repeated."""

    def __init__(self, store: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{store} does not answer; try again in {retry_after:g} s")
        self.store = store
        self.retry_after = retry_after


class SchemaMismatch(SchedulerError):
    """The tables were made by newer code: version `found`, this code knows `wanted`."""

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(f"the tables have version {found}, this code knows {wanted}; update the code")
        self.found = found
        self.wanted = wanted


class RetryLater(SchedulerError):
    """Raised by a task: fail this attempt, and try again in `after_seconds` whatever the backoff says."""

    def __init__(self, after_seconds: float) -> None:
        self.retry_after = check_number("after_seconds", after_seconds)
        super().__init__(f"try again in {after_seconds:g} s")


class Snooze(SchedulerError):
    """Raised by a task: not now; run again in `seconds`, without using an attempt."""

    def __init__(self, seconds: float) -> None:
        self.seconds = check_number("seconds", seconds)
        super().__init__(f"not for {seconds:g} s")


class Discard(SchedulerError):
    """Raised by a task: this can never succeed; bury the job at once."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class JobCancelled(BaseException):
    """Raised in a task by `check_cancelled`; no `Exception`, so that `except Exception` in a task cannot eat it."""
