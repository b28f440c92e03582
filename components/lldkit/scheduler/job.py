"""`Job`: what a user sees of a job, a snapshot of its record."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from lldkit.scheduler.codec import decode
from lldkit.scheduler.interface import DeadReason, JobState
from lldkit.scheduler.store import Record

__all__ = ["Job", "JobError", "Page", "instant"]

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JobError(NamedTuple):
    """The last error of a job: texts, cut to a bounded length."""

    type: str
    message: str
    traceback: str


class Page(NamedTuple, Generic[T]):
    """Some of many; `next` is the cursor for those that follow, None at the end."""

    items: list[T]
    next: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stood when it was asked for. Immutable; each look at JSON gives a fresh copy.

    `attempts` counts ended runs (success, exception, timeout), `crashes` leases lost in mid-run, `fence` all claims.
    """

    record: Record

    @property
    def id(self) -> str:
        """Its name in the store."""
        return self.record.new.id

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.record.new.task

    @property
    def queue(self) -> str:
        """The name of its queue."""
        return self.record.new.queue

    @property
    def state(self) -> JobState:
        """Where it stands."""
        return self.record.state

    @property
    def args(self) -> list[Any]:
        """Its positional arguments."""
        return list(decode(self.record.new.payload)[0])

    @property
    def kwargs(self) -> dict[str, Any]:
        """Its keyword arguments."""
        return dict(decode(self.record.new.payload)[1])

    @property
    def priority(self) -> int:
        """-9 to 9; the higher goes first."""
        return self.record.new.priority

    @property
    def key(self) -> str | None:
        """Jobs of a key run one at a time, in the order of arrival."""
        return self.record.new.key

    @property
    def group(self) -> str | None:
        """Whose limits hold for it."""
        return self.record.new.group

    @property
    def unique_key(self) -> str | None:
        """Equal for jobs that count as the same."""
        return self.record.new.unique_key

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids of the jobs it depends on."""
        return self.record.new.parents

    @property
    def scheduled_at(self) -> datetime:
        """When it is or was due."""
        return instant(self.record.due)

    @property
    def enqueued_at(self) -> datetime:
        """When it arrived, or was replayed."""
        return instant(self.record.enqueued)

    @property
    def started_at(self) -> datetime | None:
        """When it was last claimed."""
        return None if self.record.started is None else instant(self.record.started)

    @property
    def finished_at(self) -> datetime | None:
        """When it ended."""
        return None if self.record.finished is None else instant(self.record.finished)

    @property
    def attempts(self) -> int:
        """Ended runs."""
        return self.record.attempts

    @property
    def crashes(self) -> int:
        """Runs that killed their worker."""
        return self.record.crashes

    @property
    def max_attempts(self) -> int:
        """How many attempts it has."""
        return self.record.new.max_attempts

    @property
    def fence(self) -> int:
        """How often it was claimed."""
        return self.record.fence

    @property
    def progress(self) -> Any:
        """What it has reported last, None if nothing."""
        return None if self.record.progress is None else decode(self.record.progress)

    @property
    def result(self) -> Any:
        """What it returned, None if nothing or not yet."""
        return None if self.record.result is None else decode(self.record.result)

    @property
    def reason(self) -> DeadReason | None:
        """Why it is dead, or was cancelled with its parent."""
        return self.record.reason

    @property
    def error(self) -> JobError | None:
        """What its last failed run raised."""
        return None if self.record.error is None else JobError(*decode(self.record.error))

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.task} {self.state.value}>"


def instant(micros: int) -> datetime:
    """The store's time as a calendar shows it, in UTC."""
    return EPOCH + timedelta(microseconds=micros)
