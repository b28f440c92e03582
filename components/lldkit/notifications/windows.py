"""Windows: times of the week and the calendar, on the wall of one zone, in which something is open."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from lldkit.arguments import check_count

__all__ = ["Ranges", "Window", "opening", "zone_of"]

Ranges: TypeAlias = tuple[tuple[int, int], ...] | None
"""Pairs (first, last), both included; None is everything."""

DAYS_AHEAD = 366 * 40  # every date comes within these on every weekday, even where a century has no leap day
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for paths, folders and unknown names
        raise ValueError(f"no such time zone, got {name!r}; it takes names as 'Europe/Berlin'") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Wall time that passes all its fields; None everywhere is always open.

    `times` are minutes of the day from 0 to 1440, the last not included; the other ranges include both ends. `weekdays`
    count from 0 for Sunday to 6, `days_of_month` from 1, or from -1 backwards from the month's end.

    >>> office = Window(times=((540, 1020),), weekdays=((1, 5),), zone="Europe/Berlin")
    >>> office.contains(datetime(2024, 7, 1, 7, 0, tzinfo=UTC))  # 09:00 on a Monday
    True
    """

    times: Ranges = None
    weekdays: Ranges = None
    days_of_month: Ranges = None
    months: Ranges = None
    years: Ranges = None
    zone: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check("times", self.times, 0, 1440)
        for first, last in self.times or ():
            if first == last:
                raise ValueError(f"times must be (first, last) with first < last, got {(first, last)!r}")
        _check("weekdays", self.weekdays, 0, 6)
        _check("months", self.months, 1, 12)
        _check("years", self.years, 1, 9999)
        for first, last in self.days_of_month or ():
            for day in (first, last):
                if check_count("days_of_month", day, least=-31, most=31) == 0:
                    raise ValueError("days_of_month must be 1 to 31 or -31 to -1, got 0")
            if (first > 0) == (last > 0) and first > last:
                raise ValueError(f"days_of_month must be (first, last), got {(first, last)!r}")
        object.__setattr__(self, "_zone", zone_of(self.zone))

    def contains(self, instant: datetime) -> bool:
        """Whether the window is open at that instant (aware)."""
        wall = instant.astimezone(self._zone)
        minute = wall.hour * 60 + wall.minute
        in_time = self.times is None or any(first <= minute < last for first, last in self.times)
        return in_time and self._has(wall.date())

    def _has(self, day: date) -> bool:
        """Whether that day of the calendar passes."""
        return (
            _within(self.years, day.year)
            and _within(self.months, day.month)
            and _within(self.weekdays, day.isoweekday() % 7)
            and (self.days_of_month is None or _is_day_of_month(self.days_of_month, day))
        )

    def next_open(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) from then on at which it is open; None if there is none within forty years.

        The start of a wall time that the clocks skip is where they go on.
        """
        return self._first(instant, is_open=True)

    def next_closed(self, instant: datetime) -> datetime | None:
        """The first instant (UTC) from then on at which it is closed; None if there is none within forty years."""
        return self._first(instant, is_open=False)

    def _first(self, instant: datetime, *, is_open: bool) -> datetime | None:
        start = instant.astimezone(UTC)
        if self.contains(start) is is_open:
            return start
        for day in _days(start.astimezone(self._zone).date() - DAY, DAYS_AHEAD):
            if self._has(day) is is_open or (not is_open and self.times not in {None, ((0, 1440),)}):
                edges = [edge for edge in self._edges(day) if edge > start and self.contains(edge) is is_open]
                if edges:
                    return min(edges)
        return None

    def _edges(self, day: date) -> Iterator[datetime]:
        """Where it can open or close on that day: at its times, in both turns of a fold, and where the clocks jump."""
        for minute in {0, *(minute for pair in self.times or () for minute in pair)} - {1440}:
            wall = datetime.combine(day, time(minute // 60, minute % 60), self._zone)
            yield from {wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)}
        yield from _jumps(day, self._zone)


def opening(active: Sequence[Window], mute: Sequence[Window], instant: datetime) -> datetime | None:
    """The first instant (UTC) from then on inside one of `active`, if there are any, and outside all of `mute`.

    None if there is none that a thousand steps from edge to edge find.
    """
    at: datetime | None = instant.astimezone(UTC)
    for _ in range(1_000):
        if at is None:
            return None
        muted = next((window for window in mute if window.contains(at)), None)
        if muted is not None:
            at = muted.next_closed(at)
        elif active and not any(window.contains(at) for window in active):
            at = min((opens for window in active if (opens := window.next_open(at))), default=None)
        else:
            return at
    return None


def _jumps(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """The instants of a day at which the clocks of the zone change."""
    low, high = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + DAY))
    before, after = low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset()
    if before == after:
        return
    while high - low > MINUTE:
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    yield high.replace(second=0, microsecond=0)


def _days(first: date, count: int) -> Iterator[date]:
    for number in range(count):
        if date.max - first < timedelta(days=number + 2):  # whose ends can no longer be told
            return
        yield first + timedelta(days=number)


def _within(ranges: Ranges, value: int) -> bool:
    return ranges is None or any(first <= value <= last for first, last in ranges)


def _is_day_of_month(ranges: tuple[tuple[int, int], ...], day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    for first, last in ranges:
        begin, end = (each if each > 0 else length + 1 + each for each in (first, last))
        if begin <= day.day <= end:
            return True
    return False


def _check(name: str, ranges: Ranges, least: int, most: int) -> None:
    for first, last in ranges or ():
        check_count(name, first, least=least, most=most)
        check_count(name, last, least=least, most=most)
        if first > last:
            raise ValueError(f"{name} must be (first, last) with first <= last, got {(first, last)!r}")
