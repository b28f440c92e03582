"""What each event makes of a job: pure functions from record to record, each move one of the table `machine.JOB`."""

from lldkit.scheduler.interface import DeadReason, JobState
from lldkit.scheduler.machine import JOB, JobEvent
from lldkit.scheduler.store import ClaimRequest, Conflict, NewJob, Outcome, Record

__all__ = [
    "admitted",
    "cancelled",
    "claimed",
    "expired",
    "has_expired",
    "is_conflict",
    "lost",
    "promoted",
    "replaced",
    "replayed",
    "settled",
    "unblocked",
]


def admitted(new: NewJob, seq: int, now: int, *, waits: bool) -> Record:
    """The record of a new job; `waits`: for its parents, or for an earlier job of its key."""
    delay = new.delay if new.conflict is None or new.conflict.debounce is None else new.conflict.debounce
    due = now + delay if new.at is None else new.at
    place = max(now, due)  # nobody overtakes by being due in the past
    if new.delay or new.at is not None or new.conflict is not None:
        new = new._replace(delay=0, at=None, conflict=None)  # they have served their purpose, and no store keeps them
    state = JOB.initial if waits else _state_when(due, JOB.next(JOB.initial, JobEvent.UNBLOCK), now)
    return Record(new, seq, state, due, place - new.head_start if new.head_start else place, now)


def unblocked(record: Record, now: int) -> Record:
    """It has nobody to wait for any more, only its time."""
    return _scheduled(record, JobEvent.UNBLOCK, record.due, record.rank, now)


def promoted(record: Record) -> Record:
    """Its time has come."""
    return record._replace(state=JOB.next(record.state, JobEvent.DUE))


def claimed(record: Record, want: ClaimRequest, now: int) -> Record:
    """A worker has it, for as long as the lease runs."""
    return record._replace(
        state=JOB.next(record.state, JobEvent.CLAIM),
        fence=record.fence + 1,
        lease=now + want.lease,
        worker=want.worker,
        beside=False,
        started=now,
    )


def settled(record: Record, outcome: Outcome, now: int) -> Record:
    """The holder of the newest fence has said how its run ended. Who was asked to stop is cancelled in any case."""
    attempts = record.attempts + outcome.counts
    if record.cancelling:
        return cancelled(record._replace(settled=outcome.fence, attempts=attempts), now)
    if outcome.event is JobEvent.LOSE:
        return lost(record._replace(settled=outcome.fence), now, alone=True)
    state = JOB.next(record.state, outcome.event)
    if state is not JobState.SCHEDULED:
        return record._replace(
            state=state,
            settled=outcome.fence,
            attempts=attempts,
            lease=0,
            worker=None,
            suspect=False,
            finished=now,
            reason=outcome.reason,
            error=outcome.error,
            result=outcome.result,
        )
    due = now + outcome.delay
    keeps_place = outcome.event is JobEvent.RELEASE and not outcome.delay
    return record._replace(
        state=_state_when(due, state, now),
        settled=outcome.fence,
        due=due,
        rank=record.rank if keeps_place else due - record.new.head_start,
        attempts=attempts,
        lease=0,
        worker=None,
        suspect=False,
        backoff=outcome.delay,
        error=outcome.error or record.error,
    )


def lost(record: Record, now: int, *, alone: bool) -> Record:
    """Its lease has ended, or its process has died. The blame is its own only if its worker held nothing else."""
    record = record._replace(crashes=record.crashes + alone, suspect=True)
    if record.cancelling:
        return cancelled(record, now)
    if record.crashes >= record.new.max_crashes:
        return _ended(record, JobEvent.BURY, now, DeadReason.CRASHED)
    return _scheduled(record, JobEvent.LOSE, now, record.rank, now)


def has_expired(record: Record, now: int) -> bool:
    """Whether it is too late to start it."""
    return record.new.expires is not None and now >= record.enqueued + record.new.expires


def expired(record: Record, now: int) -> Record:
    """Its time was over before a worker came to it."""
    return _ended(record, JobEvent.BURY, now, DeadReason.EXPIRED)


def cancelled(record: Record, now: int, reason: DeadReason | None = None) -> Record:
    """Nobody wants it any more; `reason` is PARENT_FAILED where a replay of the parent brings it back."""
    return _ended(record, JobEvent.CANCEL, now, reason)


def replayed(record: Record, seq: int, now: int) -> Record:
    """As if it had just been enqueued, but for its id, its fence and its last error."""
    return record._replace(
        seq=seq,
        state=JOB.next(record.state, JobEvent.REPLAY),
        due=now,
        rank=now - record.new.head_start,
        enqueued=now,
        suspect=False,
        cancelling=False,
        attempts=0,
        crashes=0,
        backoff=0,
        started=None,
        finished=None,
        reason=None,
    )


def is_conflict(first: Record, conflict: Conflict, now: int) -> bool:
    """Whether a job with the same unique key stands in the way of a new one."""
    return first.state in conflict.states or (conflict.within is not None and now < first.enqueued + conflict.within)


def replaced(first: Record, new: NewJob, conflict: Conflict, now: int) -> Record:
    """The waiting job with the arguments of a new one; a debounced one waits longer."""
    first = first._replace(new=first.new._replace(payload=new.payload))
    if conflict.debounce is None or first.state is JobState.READY:
        return first
    latest = now + conflict.debounce
    due = latest if conflict.max_wait is None else min(latest, first.enqueued + conflict.max_wait)
    return first._replace(due=due, rank=due - first.new.head_start)


def _scheduled(record: Record, event: JobEvent, due: int, rank: int, now: int) -> Record:
    state = _state_when(due, JOB.next(record.state, event), now)
    return record._replace(state=state, due=due, rank=rank, lease=0, worker=None)


def _state_when(due: int, scheduled: JobState, now: int) -> JobState:
    return JOB.next(scheduled, JobEvent.DUE) if due <= now else scheduled


def _ended(record: Record, event: JobEvent, now: int, reason: DeadReason | None) -> Record:
    state = JOB.next(record.state, event)
    return record._replace(state=state, finished=now, reason=reason, lease=0, worker=None, cancelling=False)
