"""What each verb of a store does, written once for every engine whose records can be read and changed in a transaction.

An engine gives a `Table`: its records as one transaction sees them. The verbs here decide by the pure functions of
`transitions` and `selection`, and write changed records back.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from lldkit.clock import MICRO
from lldkit.scheduler.interface import ENDED, WAITING, DeadReason, DuplicateJob, JobState, QueueFull, UnknownJob
from lldkit.scheduler.selection import Places, Say, say_of_parents
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
from lldkit.scheduler.transitions import (
    admitted,
    cancelled,
    claimed,
    expired,
    has_expired,
    is_conflict,
    lost,
    replaced,
    replayed,
    settled,
    unblocked,
)

__all__ = ["Table", "cancel", "claim", "fire", "put", "renew", "retry", "set_schedules", "settle"]


class Table(Protocol):
    """The records of a store, in one transaction at the time `now`. What was changed is seen by the next question."""

    @property
    def now(self) -> int:
        """The store's clock; it stands still during the transaction."""
        ...

    def next_seq(self, job: NewJob, /) -> int:
        """A number for `job`, above all that were given out: at least to jobs of its key."""
        ...

    def get(self, ids: Iterable[str]) -> Mapping[str, Record]:
        """Those of the jobs that exist, by id; nobody else changes them until the transaction ends."""
        ...

    def parents(self, job: NewJob) -> Mapping[str, Record]:
        """Those of the parents of `job` that exist. Who of them ends later will see `job` among its children."""
        ...

    def change(self, old: Record | None, new: Record) -> None:
        """Put `new` in the place of `old`, None if the job is new."""
        ...

    def promote(self, queue: str) -> None:
        """Make SCHEDULED jobs READY whose time has come, the first due first; a bounded number of them."""
        ...

    def lapsed(self, queue: str) -> Iterable[Record]:
        """RUNNING jobs whose lease has ended; a bounded number of them."""
        ...

    def held_by(self, worker: str) -> Iterable[Record]:
        """RUNNING jobs of a worker, in all queues."""
        ...

    def ready(self, queue: str, full: set[str]) -> Generator[Record]:
        """READY jobs by (rank, seq), without those of groups that are `full` now or become so meanwhile."""
        ...

    def running_groups(self, queue: str) -> Mapping[str, int]:
        """How many jobs of each group are RUNNING."""
        ...

    def rate(self, queue: str, group: str) -> Any:
        """The state of a group's rate limit, None at first."""
        ...

    def set_rate(self, queue: str, group: str, state: Any) -> None:
        """Keep the state of a group's rate limit."""
        ...

    def same(self, queue: str, unique_key: str) -> Iterable[Record]:
        """The jobs with a unique key, in the order of arrival."""
        ...

    def first_of_key(self, queue: str, key: str) -> Record | None:
        """The first to arrive of the jobs of a key that have not ended."""
        ...

    def children(self, parents: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The ids of the children of those `parents` that have any."""
        ...

    def live_of_key(self, queue: str, key: str) -> Iterable[Record]:
        """The jobs of a key that have not ended, in the order of arrival."""
        ...

    def schedules(self, queue: str) -> Mapping[str, ScheduleState]:
        """The schedules that are known, by name."""
        ...

    def set_schedule(self, queue: str, name: str, state: ScheduleState | None) -> None:
        """Keep a schedule, None: no more."""
        ...

    def waiting(self, queue: str) -> int:
        """How many jobs wait for a run."""
        ...


def put(table: Table, jobs: Sequence[NewJob], capacity: int | None) -> list[Put]:
    """Add jobs in their order. Retries, releases and replays do not come by here, so they are never refused."""
    known = dict(table.get([job.id for job in jobs]))
    answers: list[Put] = []
    added: dict[str, int] = {}
    for job in jobs:
        if job.id in known:
            answers.append(Put(known[job.id], True))
            continue
        answer = _put_one(table, job)
        answers.append(answer)
        if answer.is_new:
            known[job.id] = answer.record
            added[job.queue] = added.get(job.queue, 0) + 1
    for queue, count in added.items():
        if capacity is not None and (size := table.waiting(queue)) > capacity:
            raise QueueFull(capacity, size - count)
    return answers


def _put_one(table: Table, job: NewJob) -> Put:
    if job.conflict is not None and job.unique_key is not None:
        same = table.same(job.queue, job.unique_key)
        first = next((each for each in same if is_conflict(each, job.conflict, table.now)), None)
        if first is not None:
            return _put_again(table, first, job)
    is_behind = job.key is not None and table.first_of_key(job.queue, job.key) is not None
    record = admitted(job, table.next_seq(job), table.now, waits=is_behind or bool(job.parents))
    table.change(None, record)
    if not job.parents:
        return Put(record, True)
    parents = table.parents(job)
    if missing := [parent for parent in job.parents if parent not in parents]:
        raise UnknownJob(missing[0])
    _look_again(table, job.id)
    return Put(table.get([job.id])[job.id], True)


def _put_again(table: Table, first: Record, job: NewJob) -> Put:
    assert job.conflict is not None  # noqa: S101 - this is how the first was found
    if job.conflict.on_conflict == "raise":
        raise DuplicateJob(first.new.id)
    replaces = job.conflict.on_conflict == "replace" or job.conflict.debounce is not None
    if replaces and first.state in WAITING:
        changed = replaced(first, job, job.conflict, table.now)
        table.change(first, changed)
        first = changed
    return Put(first, False)


def claim(table: Table, want: ClaimRequest) -> list[Lease]:
    """Promote, take back, pick and lease."""
    _take_back(table, want.queue)
    table.promote(want.queue)
    running = table.running_groups(want.queue) if want.limits or want.group_limit else {}
    places = Places(want, running, lambda group: table.rate(want.queue, group), table.now)
    while True:
        leases, too_late = _pick(table, want, places)
        for record in too_late:
            _change(table, record, expired(record, table.now))
        if leases or not too_late:  # else somebody who waited for those may be ready now
            break
    for group, state in places.rates.items():
        table.set_rate(want.queue, group, state)
    return leases


def _pick(table: Table, want: ClaimRequest, places: Places) -> tuple[list[Lease], list[Record]]:
    """Lease who is next, and find who is READY but too late. A suspect goes alone, to a worker that holds nothing."""
    leases: list[Lease] = []
    too_late: list[Record] = []
    with closing(table.ready(want.queue, places.full)) as ready:
        for record in ready:
            if has_expired(record, table.now):
                too_late.append(record)
                continue
            if record.suspect and (leases or not want.idle):
                break  # whoever holds something must finish that first, so nobody overtakes it here
            if not places.take(record.new.group):
                continue
            lease = claimed(record, want, table.now)
            table.change(record, lease)
            leases.append(lease)
            if lease.suspect or len(leases) == want.limit:
                break
    return leases, too_late


def _take_back(table: Table, queue: str) -> None:
    """End the leases that nobody renewed.

    Whatever the worker held beside one of them may as well be guilty. The deadlines of one worker differ a little, so
    what it still holds is marked now: when the last one lapses, it was not alone either.
    """
    for record in list(table.lapsed(queue)):
        held = [each for each in table.held_by(record.worker or "") if each.new.id != record.new.id]
        for other in held:
            if not other.beside:
                table.change(other, other._replace(beside=True))
        record = table.get([record.new.id])[record.new.id]  # noqa: PLW2901 - it may have been marked meanwhile
        _change(table, record, lost(record, table.now, alone=not held and not record.beside))


def renew(table: Table, leases: Sequence[LeaseRef], seconds: float) -> list[Renewal]:
    """Move the deadlines of leases whose fence is the newest."""
    known = table.get([ref.id for ref in leases])
    return [_renew_one(table, known.get(ref.id), ref, table.now + round(seconds * MICRO)) for ref in leases]


def _renew_one(table: Table, record: Record | None, ref: LeaseRef, until: int) -> Renewal:
    if record is None or record.state is not JobState.RUNNING or record.fence != ref.fence:
        return Renewal.LOST
    table.change(record, record._replace(lease=until, progress=ref.progress or record.progress))
    return Renewal.CANCEL if record.cancelling else Renewal.KEPT


def settle(table: Table, outcomes: Sequence[Outcome]) -> list[bool]:
    """End the runs whose fence is the newest."""
    known = dict(table.get([outcome.id for outcome in outcomes]))
    ended: list[Record] = []
    answers = []
    for outcome in outcomes:
        record = known.get(outcome.id)
        if record is None:
            answers.append(False)
        elif record.state is JobState.RUNNING and record.fence == outcome.fence:
            known[outcome.id] = after = settled(record, outcome, table.now)
            table.change(record, after)
            if after.state in ENDED:
                ended.append(after)
            answers.append(True)
        else:
            answers.append(record.settled == outcome.fence)  # the answer to this very outcome was lost
    _tell(table, ended)
    return answers


def cancel(table: Table, job_id: str) -> bool:
    """Cancel a waiting job at once; a running one when its run ends, whatever it ends with."""
    record = _get(table, job_id)
    if record.state in WAITING:
        _change(table, record, cancelled(record, table.now))
    elif record.state is JobState.RUNNING:
        table.change(record, record._replace(cancelling=True))
    return record.state not in ENDED


def retry(table: Table, job_id: str) -> Record:
    """Replay a job, and then what was cancelled because of it."""
    _replay(table, _get(table, job_id))
    again = list(table.children([job_id]).get(job_id, ()))
    while again:
        child = table.get([again.pop(0)])
        for record in child.values():  # it may have been pruned
            if record.state is JobState.CANCELLED and record.reason is DeadReason.PARENT_FAILED:
                _replay(table, record)
                again += table.children([record.new.id]).get(record.new.id, ())
    return _get(table, job_id)


def _replay(table: Table, record: Record) -> None:
    table.change(record, replayed(record, table.next_seq(record.new), table.now))
    _look_again(table, record.new.id)


def fire(table: Table, ticks: Sequence[Tick]) -> list[bool]:
    """Enqueue what is due and was not emitted before, whoever asks first. It is not refused for lack of room."""
    return [_fire_one(table, tick) for tick in ticks]


def _fire_one(table: Table, tick: Tick) -> bool:
    queue = tick.job.queue
    state = table.schedules(queue).get(tick.schedule)
    if state is None or state.paused or tick.due <= state.last:
        return False
    table.set_schedule(queue, tick.schedule, state._replace(last=tick.due))
    if tick.cancels and tick.job.key is not None:
        for record in list(table.live_of_key(queue, tick.job.key)):
            cancel(table, record.new.id)
    put(table, [tick.job], None)
    return True


def set_schedules(table: Table, queue: str, states: Mapping[str, ScheduleState | None]) -> None:
    """Keep schedules; a due time that was emitted meanwhile stays emitted."""
    known = table.schedules(queue)
    for name, state in states.items():
        if state is not None and name in known:
            state = state._replace(last=max(state.last, known[name].last))  # noqa: PLW2901 - the later one holds
        table.set_schedule(queue, name, state)


def _get(table: Table, job_id: str) -> Record:
    try:
        return table.get([job_id])[job_id]
    except KeyError:
        raise UnknownJob(job_id) from None


def _change(table: Table, old: Record, new: Record) -> None:
    """Change a record, and tell those that wait for its end."""
    table.change(old, new)
    if new.state in ENDED:
        _tell(table, [new])


def _tell(table: Table, ended: Sequence[Record]) -> None:
    """Let those look again that waited for jobs which have ended, and then who waited for those that end by it."""
    while ended:
        families = table.children([record.new.id for record in ended])
        waiting = [child for children in families.values() for child in children]
        for queue, key in dict.fromkeys((record.new.queue, record.new.key) for record in ended):
            successor = None if key is None else table.first_of_key(queue, key)
            waiting += [] if successor is None else [successor.new.id]
        ended = [record for job_id in waiting if (record := _look_again(table, job_id)) is not None]


def _look_again(table: Table, job_id: str) -> Record | None:
    """Unblock a job that need not wait any more, or cancel it with its parent: then that is the answer."""
    record = table.get([job_id]).get(job_id)  # as it is now: what ended before may have changed it meanwhile
    if record is None or record.state is not JobState.BLOCKED:
        return None
    says = say_of_parents(record.new, table.parents(record.new).values())
    if says is Say.CANCEL:
        after = cancelled(record, table.now, DeadReason.PARENT_FAILED)
        table.change(record, after)
        return after
    if says is Say.GO and _is_first_of_key(table, record):
        table.change(record, unblocked(record, table.now))
    return None


def _is_first_of_key(table: Table, record: Record) -> bool:
    if record.new.key is None:
        return True
    first = table.first_of_key(record.new.queue, record.new.key)
    return first is not None and first.new.id == record.new.id
