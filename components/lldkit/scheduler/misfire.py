"""What a late tick emits: which of the runs that became due since the last one still count."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from lldkit.scheduler.dst import utc
from lldkit.scheduler.interface import Trigger

__all__ = ["Due", "Misfire", "due"]

Misfire: TypeAlias = Literal["latest", "all", "skip"]
ON_TIME = timedelta(seconds=60)  # how late a run may be before "skip" takes it for missed, unless a grace is given
MOST_COUNTED = 1_000


class Due(NamedTuple):
    """The `runs` to emit, oldest first, and how many others were due and are given up (counted up to 1,000)."""

    runs: tuple[datetime, ...]
    missed: int


def due(
    trigger: Trigger,
    *,
    after: datetime,
    now: datetime,
    misfire: Misfire = "latest",
    grace_seconds: float | None = None,
    max_catch_up: int = 100,
) -> Due:
    """Decide what a tick at `now` emits of the runs in (after, now], where `after` is the last run that was emitted.

    "latest" emits the last of them, "all" the last `max_catch_up`, "skip" only what is not late by more than a minute.
    `grace_seconds` takes the place of that minute, and in the other policies too nothing is emitted later than that.
    A clock that was set back has nothing due until it is past `after` again.

    >>> from datetime import UTC
    >>> from lldkit.scheduler.triggers import every
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> late = due(every(300, start=noon), after=noon, now=noon + timedelta(hours=3))
    >>> late.runs[0].hour, late.missed
    (15, 35)
    """
    grace = ON_TIME if misfire == "skip" else None
    grace = grace if grace_seconds is None else timedelta(seconds=grace_seconds)
    most = 1 if misfire == "latest" else max_catch_up
    start, moment = utc(after), utc(now)
    runs: list[datetime] = []
    missed = 0
    run = trigger.prev(moment + timedelta.resolution)
    while run is not None and utc(run) > start and missed < MOST_COUNTED:
        if len(runs) < most and (grace is None or moment - utc(run) <= grace):
            runs.append(run)
        else:
            missed += 1
        run = trigger.prev(run)
    return Due(tuple(reversed(runs)), missed)
