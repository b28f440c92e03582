"""Records as rows of SQL: the columns, in the order of `NewJob` and `Record`, and the way there and back."""

from collections.abc import Sequence
from typing import Any

from lldkit.scheduler.codec import decode, encode
from lldkit.scheduler.interface import DeadReason, JobState
from lldkit.scheduler.store import NewJob, Record

__all__ = ["CODES", "COLUMNS", "MUTABLE", "NAMES", "REASONS", "mutable_row", "record_from_row", "row_from_record"]

CODES = {state: code for code, state in enumerate(JobState)}
"""States as numbers: in the order of a job's life, so that those below 4 have not ended."""
STATES = list(JobState)
REASONS = {reason.value: reason for reason in DeadReason}

FIXED = 14
NAMES = [
    *("id", "payload", "unique_key", "parents", "queue", "task", "priority", "head_start", "key", "grp"),
    *("on_parent_failure", "max_attempts", "max_crashes", "expires"),
    *("seq", "state", "due", "rank", "enqueued", "fence", "settled", "lease", "worker", "suspect", "beside"),
    *("cancelling", "attempts", "crashes", "backoff", "started", "finished", "reason", "error", "result", "progress"),
]
COLUMNS = ", ".join(NAMES)
MUTABLE = ["payload", *NAMES[FIXED + 1 :]]
"""What changes in the life of a job; its number only when it is replayed."""


def row_from_record(record: Record) -> tuple[Any, ...]:
    """All columns."""
    new = record.new
    parents = encode(list(new.parents), what="parents", limit=10**9) if new.parents else None
    return (*new[:3], parents, *new[4:FIXED], record.seq, *mutable_row(record)[1:])


def mutable_row(record: Record) -> tuple[Any, ...]:
    """The columns of `MUTABLE`."""
    reason = None if record.reason is None else record.reason.value
    return (record.new.payload, CODES[record.state], *record[3:18], reason, *record[19:])


def record_from_row(row: Sequence[Any]) -> Record:
    """The record of a row of `COLUMNS`."""
    parents = tuple(decode(row[3])) if row[3] else ()
    new = NewJob(row[0], row[1], row[2], parents, *row[4:FIXED])
    reason = None if row[31] is None else REASONS[row[31]]
    return Record._make(
        (new, row[14], STATES[row[15]], *row[16:23], *map(bool, row[23:26]), *row[26:31], reason, *row[32:])
    )
