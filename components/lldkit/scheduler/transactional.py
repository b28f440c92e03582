"""A store whose every verb is one transaction over a `Table`: what an engine adds to the ledger."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from lldkit.scheduler import ledger
from lldkit.scheduler.interface import JobState, Keep, UnknownJob
from lldkit.scheduler.ledger import Table
from lldkit.scheduler.store import (
    ClaimRequest,
    Lease,
    LeaseRef,
    NewJob,
    Outcome,
    Put,
    Record,
    Renewal,
    ScheduleState,
    Tick,
)
from lldkit.turns import Bell

__all__ = ["TransactionalStore"]

T = TypeVar("T")


class TransactionalStore(ABC):
    """The verbs of `Store` but for those that only look. Safe for threads, as far as `_transaction` is."""

    def __init__(self) -> None:
        self._bell = Bell()

    @abstractmethod
    def _transaction(self, connection: Any = None) -> AbstractContextManager[Table]:
        """Everything in the block is done, or nothing of it when it raises; nobody else sees half of it."""

    def _do(self, work: Callable[[Any], T], connection: Any = None) -> T:
        """Do `work` on the table in one transaction; an engine may do it again from the start."""
        with self._transaction(connection) as table:
            return work(table)

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        """Add jobs."""
        answers = self._do(lambda table: ledger.put(table, jobs, capacity), connection)
        if connection is None:  # else there is nothing to tell before the caller commits
            self.notify()
        return answers

    def claim(self, want: ClaimRequest) -> list[Lease]:
        """Lease jobs."""
        leases = self._do(lambda table: ledger.claim(table, want))
        if leases:
            self.notify()
        return leases

    def renew(self, leases: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        """Move deadlines."""
        return self._do(lambda table: ledger.renew(table, leases, seconds))

    def settle(self, outcomes: Sequence[Outcome], *, connection: Any = None) -> list[bool]:
        """End runs."""
        answers = self._do(lambda table: ledger.settle(table, outcomes), connection)
        self.notify()
        return answers

    def cancel(self, job_id: str, /) -> bool:
        """Cancel a job."""
        is_stopped = self._do(lambda table: ledger.cancel(table, job_id))
        self.notify()
        return is_stopped

    def retry(self, job_id: str, /) -> Record:
        """Replay a job."""
        record = self._do(lambda table: ledger.retry(table, job_id))
        self.notify()
        return record

    def fire(self, ticks: Sequence[Tick]) -> list[bool]:
        """Enqueue what is due."""
        fired = self._do(lambda table: ledger.fire(table, ticks))
        self.notify()
        return fired

    def set_schedules(self, queue: str, states: Mapping[str, ScheduleState | None]) -> None:
        """Keep schedules."""
        self._do(lambda table: ledger.set_schedules(table, queue, states))

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known."""
        with self._reading() as table:
            return dict(table.schedules(queue))

    @abstractmethod
    def prune(self, queue: str, keep: Keep) -> int:
        """Forget ended jobs."""

    def get(self, job_id: str, /) -> Record:
        """Look a job up."""
        with self._reading() as table:
            found = table.get([job_id]).get(job_id)
        if found is None:
            raise UnknownJob(job_id)
        return found

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Table]:
        """A table from which is only read."""

    @abstractmethod
    def jobs(
        self, queue: str, *, state: JobState | None, task: str | None, limit: int, before: int | None
    ) -> Sequence[Record]:
        """List jobs, the newest first."""

    @abstractmethod
    def stats(self, queue: str) -> Mapping[JobState, int]:
        """Count jobs."""

    @abstractmethod
    def claims(self, queue: str) -> int:
        """Count claims."""

    @abstractmethod
    def now(self) -> int:
        """The store's clock."""

    @abstractmethod
    def next_due(self, queue: str) -> int | None:
        """When time alone changes something."""

    def notify(self) -> None:
        """Tell this process's listeners that something has changed."""
        self._bell.ring()

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` after each change."""
        return self._bell.subscribe(give)

    def close(self) -> None:  # noqa: B027 - an engine that holds nothing has nothing to add
        """Let go of what is held."""
