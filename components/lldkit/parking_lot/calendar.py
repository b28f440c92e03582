"""Local time and its jumps: the instants at which a wall clock shows a time, computed and never sampled.

Everything in and out is aware UTC; durations are elapsed time. A wall clock that is set forward skips times, one that
is set back shows some of them twice.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["WEEKDAYS", "boundaries", "inside", "resets", "transitions"]

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def transitions(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """When the offset changes, after `start` and up to `end`; at most once a day is looked for."""
    before = start
    while before < end:
        after = min(before + _DAY, end)
        if _offset(zone, before) != _offset(zone, after):
            yield _jump(zone, before, after)
        before = after


def boundaries(zone: ZoneInfo, start: datetime, end: datetime, times: Collection[time]) -> list[datetime]:
    """Every instant strictly between at which the wall clock shows one of `times`, both passes, or jumps."""
    jumps = {jump for jump in transitions(zone, start - _DAY, end) if jump < end}
    found = {jump for jump in jumps if jump > start}
    for day in _days(zone, start, end):
        for at in times:
            for fold in (0, 1) if jumps else (0,):  # without a jump nothing comes twice
                instant, exists = _instant(zone, day, at, fold)
                if exists and start < instant < end:
                    found.add(instant)
    return sorted(found)


def resets(zone: ZoneInfo, start: datetime, end: datetime, at: time) -> list[datetime]:
    """Once for each local day, strictly between: when the wall clock first shows `at`, or jumps over it."""
    found = set()
    for day in _days(zone, start, end):
        instant, exists = _instant(zone, day, at, 0)
        if not exists:
            instant = _jump(zone, _instant(zone, day, at, 1)[0], instant)
        if start < instant < end:
            found.add(instant)
    return sorted(found)


def inside(at: time, start: time, end: time) -> bool:
    """Whether a wall clock that shows `at` is in the window, which may go over midnight; equal ends are a whole day."""
    if start < end:
        return start <= at < end
    return at >= start or at < end


def _days(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[date]:
    day, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date()  # a gap may end on the next day
    while day <= last:
        yield day
        day += _DAY


def _instant(zone: ZoneInfo, day: date, at: time, fold: int) -> tuple[datetime, bool]:
    """The instant of a local time, and whether the wall clock really shows it then."""
    local = datetime.combine(day, at, zone).replace(fold=fold)
    instant = local.astimezone(UTC)
    return instant, instant.astimezone(zone) == local  # within one zone the wall clock readings are compared


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the offset of `after`, of which `before` has another."""
    new = _offset(zone, after)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if _offset(zone, middle) == new:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
