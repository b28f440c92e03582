"""What is odd about a trigger: runs that a zone's clock changes move, drop or double, and expressions that mislead."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from lldkit.scheduler.cron import Cron
from lldkit.scheduler.cron_syntax import Field
from lldkit.scheduler.dst import Change, changes, utc
from lldkit.scheduler.triggers import TICK, BaseTrigger
from lldkit.scheduler.zoned import Walls, Zoned

__all__ = ["Finding", "lint"]

FOUR_YEARS = timedelta(days=4 * 365 + 1)
LOOKED_AT = 10  # runs that are enough to see that a trigger is rare
SIZES = {"second": 60, "minute": 60, "hour": 24}


class Finding(NamedTuple):
    """An oddity: its code, what it is and what to write instead, and the instant where it is seen (None: everywhere).

    The codes: NEVER (no run in the window), RARE (more than four years between runs), SKIPPED, MOVED and TWICE (at a
    change of the clocks), UNEVEN (a step that does not divide its unit), DIALECT (crons disagree on its meaning).
    """

    code: str
    message: str
    at: datetime | None = None


def lint(trigger: BaseTrigger, *, start: datetime, end: datetime) -> list[Finding]:
    """What is odd about the trigger from `start` until before `end`; an empty list is good.

    A trigger that repeats in the same rhythm before and after a change of the clocks is not odd there.
    """
    if utc(start) >= utc(end):
        raise ValueError(f"start must be before end, got {start.isoformat()} and {end.isoformat()}")
    found = [*_runs(trigger, utc(start), utc(end))]
    for part in _parts(trigger):
        if isinstance(part, Zoned):
            found += _clock_changes(part, utc(start), utc(end))
        if isinstance(part, Cron):
            found += _expression(part)
    return found


def _parts(trigger: BaseTrigger) -> Iterator[BaseTrigger]:
    """The trigger and all that it is made of."""
    yield trigger
    for part in getattr(trigger, "parts", ()):
        yield from _parts(part)


def _runs(trigger: BaseTrigger, start: datetime, end: datetime) -> Iterator[Finding]:
    first = trigger.next(start - TICK)
    if first is None or utc(first) >= end:
        later = (
            "and never after that" if first is None else f"but on {first:%Y-%m-%d}; look further, or run it more often"
        )
        yield Finding("NEVER", f"it does not run between {start:%Y-%m-%d} and {end:%Y-%m-%d}, {later}")
        return
    runs = [first, *trigger.next_runs(LOOKED_AT, after=first)]
    for before, after in pairwise(runs):
        if utc(after) - utc(before) > FOUR_YEARS:
            message = f"from {before:%Y-%m-%d} to {after:%Y-%m-%d} it does not run; use once() for single dates"
            yield Finding("RARE", message, utc(before))
            return


def _clock_changes(trigger: Zoned, start: datetime, end: datetime) -> Iterator[Finding]:
    gap, fold = trigger.rule
    for change in changes(trigger.zone, start, end):
        leaves, enters = change.leaves, change.enters
        length = abs(change.after - change.before)
        low, high = sorted((leaves, enters))
        wall = trigger.walls.after(low - TICK)
        if wall is None or wall >= high or _keeps_its_rhythm(trigger.walls, change):
            continue
        day = f"on {leaves:%Y-%m-%d} in {trigger.zone.key}"
        if enters > leaves and gap == "skip":
            message = f"{day} there is no {wall:%H:%M}, and this run is left out; choose a time outside the gap"
            yield Finding("SKIPPED", message, change.at)
        elif enters > leaves:
            later = enters if gap == "after" else wall + length
            message = f"{day} there is no {wall:%H:%M}, so it runs at {later:%H:%M}; choose a time outside the gap"
            yield Finding("MOVED", message, change.at)
        elif fold == "both":
            message = f"{day} {wall:%H:%M} comes twice, and so does the run; choose another time or DST.SKIP_ONCE"
            yield Finding("TWICE", message, change.at)


def _keeps_its_rhythm(walls: Walls, change: Change) -> bool:
    """Whether the walls that are skipped or repeated look as those of as much time after them: then nobody notices."""
    low, high = sorted((change.leaves, change.enters))
    return _pattern(walls, low, high) == _pattern(walls, high, high + (high - low))


def _pattern(walls: Walls, low: datetime, high: datetime) -> list[timedelta]:
    found = []
    wall = walls.after(low - TICK)
    while wall is not None and wall < high:
        found.append(wall - low)
        wall = walls.after(wall)
    return found


def _expression(trigger: Cron) -> Iterator[Finding]:
    fields = trigger.expression.fields
    for field in fields[:3]:
        yield from _uneven(field)
    day, weekday = fields[3], fields[5]
    if day.text.startswith("*/") and not weekday.is_any:
        message = f"crons disagree whether {day.text!r} and {weekday.text!r} must both be right; say days='and' or 'or'"
        yield Finding("DIALECT", message)
    for field in fields:
        if field.wraps_around:
            message = f"{field.text!r} in the {field.name} wraps around, which not every cron takes; write a list"
            yield Finding("DIALECT", message)


def _uneven(field: Field) -> Iterator[Finding]:
    size = SIZES[field.name]
    for item in field.text.split(","):
        start, _, step = item.partition("/")
        if step and start in ("*", "0") and size % int(step):
            even = [str(each) for each in range(2, size) if size % each == 0]
            better = min(even, key=lambda each: abs(int(each) - int(step)))
            message = (
                f"{item!r} is uneven: after {(size - 1) // int(step) * int(step)} comes 0; "
                f"write */{better}, or every(...) for a steady interval"
            )
            yield Finding("UNEVEN", message)
