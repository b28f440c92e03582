"""Schedules: calls that are enqueued whenever a trigger is due, and what a tick makes of them.

A tick is a job whose id is made of the schedule and its due time, so any number of processes may emit it. Overlap is no
rule of its own: it is said by the unique key and the key of the tick's job, which the store heeds anyway.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO
from lldkit.scheduler.interface import WAITING, JobState, Trigger
from lldkit.scheduler.misfire import Misfire
from lldkit.scheduler.store import Conflict, Tick
from lldkit.scheduler.tasks import Call

__all__ = ["Diff", "Overlap", "Schedule", "tick"]

Overlap: TypeAlias = Literal["skip", "buffer_one", "buffer_all", "cancel_running", "allow"]
"""What a tick does while a run of its schedule has not ended: nothing; wait, if no other waits; wait; ask the run to
stop, and wait; run beside it."""

BLOCKED_BY: dict[Overlap, frozenset[JobState]] = {
    "skip": WAITING | {JobState.RUNNING},
    "buffer_one": WAITING,
}
"""In which states a job of the schedule stands in the way of another."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`call` is enqueued whenever `trigger` is due; `name` is its own in its queue.

    `misfire` says what a late tick emits, see `lldkit.scheduler.misfire.due`. `jitter_seconds` spreads schedules that
    are due at one moment: a delay of up to so long, the same on every machine.
    """

    name: str
    trigger: Trigger
    call: Call
    misfire: Misfire = "latest"
    grace_seconds: float | None = None
    max_catch_up: int = 100
    overlap: Overlap = "skip"
    jitter_seconds: float = 0.0
    paused: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name must not be empty")
        if self.misfire not in get_args(Misfire):
            raise ValueError(f"misfire must be one of {get_args(Misfire)}, got {self.misfire!r}")
        if self.overlap not in get_args(Overlap):
            raise ValueError(f"overlap must be one of {get_args(Overlap)}, got {self.overlap!r}")
        if self.grace_seconds is not None:
            check_number("grace_seconds", self.grace_seconds)
        check_count("max_catch_up", self.max_catch_up, least=1)
        check_number("jitter_seconds", self.jitter_seconds)

    @property
    def text(self) -> str:
        """All that it depends on: two schedules of one text are the same."""
        settings = (self.misfire, self.grace_seconds, self.max_catch_up, self.overlap, self.jitter_seconds)
        return f"{self.trigger!r} {self.call.task.name} {self.call.payload} {settings}"


class Diff(NamedTuple):
    """What `sync_schedules` has changed in the store: names."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def tick(schedule: Schedule, run: datetime, *, backfill: bool = False) -> Tick:
    """The job of one due time. A backfilled one waits for those before it, and none stands in its way."""
    due = round(run.timestamp() * MICRO)
    job = schedule.call.new_job(f"{schedule.name}@{due}")
    key = f"schedule:{schedule.name}"
    states = None if backfill else BLOCKED_BY.get(schedule.overlap)
    job = job._replace(
        at=due + _jitter(schedule, due),
        key=job.key if schedule.overlap == "allow" else key,
        unique_key=None if states is None else key,
        conflict=None if states is None else Conflict(states, None, None, None, "return"),
    )
    return Tick(job, schedule.name, due, schedule.overlap == "cancel_running" and not backfill)


def _jitter(schedule: Schedule, due: int) -> int:
    """A part of `jitter_seconds` that depends on the schedule and the due time alone."""
    name = f"{schedule.name}@{due}".encode()
    part = int.from_bytes(hashlib.blake2b(name, digest_size=6).digest()) / 2**48
    return round(part * schedule.jitter_seconds * MICRO)
