"""Cron expressions: when one is due is found by search in sorted numbers, never by trying minute after minute."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import final
from zoneinfo import ZoneInfo

from lldkit.scheduler.cron_english import in_english
from lldkit.scheduler.cron_syntax import (
    Dates,
    Days,
    Expression,
    MonthRule,
    Nearest,
    Nth,
    Weekdays,
    WeekRule,
    parse,
)
from lldkit.scheduler.dst import DST, Rule, zone_of
from lldkit.scheduler.interface import NeverFires
from lldkit.scheduler.zoned import Zoned

__all__ = ["Cron", "cron"]

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_of(rule: MonthRule | WeekRule, length: int, first: int) -> set[int]:
    """The days that a rule means in a month of `length` days whose first is the weekday `first`; Sunday is 0."""
    match rule:
        case Dates(values):
            found = {day if day > 0 else length + 1 + day for day in values}
        case Nearest(day):
            found = {_nearest(day if day > 0 else length + 1 + day, length, first)}
        case Weekdays(values):
            found = {day for day in range(1, length + 1) if (first + day - 1) % 7 in values}
        case Nth(weekday, -1):
            found = {length - (first + length - 1 - weekday) % 7}
        case Nth(weekday, number):
            found = {(weekday - first) % 7 + 1 + 7 * (number - 1)}
    return {day for day in found if 1 <= day <= length}


def _nearest(day: int, length: int, first: int) -> int:
    """The weekday nearest to `day` within its month; 0, which is no day, when the month has no such day."""
    if not 1 <= day <= length:
        return 0
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day


class _Calendar:
    """The days on which an expression is due. A month's days depend on its length and its first weekday only."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression
        self._shapes: dict[tuple[int, int], tuple[int, ...]] = {}  # at most 28

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """The sorted days of this month."""
        leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return self._shape(LENGTHS[month - 1] + leap, date(year, month, 1).isoweekday() % 7)

    def is_empty(self) -> bool:
        """Whether no month has such a day; every shape of month comes again within 400 years."""
        lengths = {LENGTHS[month - 1] for month in self._expression.months}
        lengths |= {29} if 2 in self._expression.months else set()
        return not any(self._shape(length, first) for length in lengths for first in range(7))

    def _shape(self, length: int, first: int) -> tuple[int, ...]:
        known = self._shapes.get((length, first))
        if known is None:
            known = self._shapes[length, first] = tuple(sorted(self._days_of_shape(length, first)))
        return known

    def _days_of_shape(self, length: int, first: int) -> set[int]:
        days = self._days_of_rules(self._expression.days, length, first)
        weekdays = self._days_of_rules(self._expression.weekdays, length, first)
        return days & weekdays if self._expression.both else days | weekdays

    @staticmethod
    def _days_of_rules(rules: tuple[MonthRule | WeekRule, ...], length: int, first: int) -> set[int]:
        if not rules:
            return set(range(1, length + 1))
        return set().union(*(days_of(rule, length, first) for rule in rules))


class _Search:
    """The next wall in one direction. Backwards is the same search among numbers with the other sign."""

    def __init__(self, expression: Expression, calendar: _Calendar, sign: int) -> None:
        self._sign = sign
        self._calendar = calendar
        self._months = self._signed(expression.months)
        self._hours = self._signed(expression.hours)
        self._minutes = self._signed(expression.minutes)
        self._seconds = self._signed(expression.seconds)
        self._month: tuple[int, int, tuple[int, ...]] = (0, 0, ())  # the last one that was asked for, and its days

    def _signed(self, values: tuple[int, ...]) -> tuple[int, ...]:
        return values if self._sign > 0 else tuple(-value for value in reversed(values))

    def beyond(self, wall: datetime) -> datetime | None:
        """The nearest wall beyond `wall`, which is in whole seconds."""
        sign = self._sign
        day = (sign * wall.year, sign * wall.month, sign * wall.day)
        clock = self._later(sign * wall.hour, sign * wall.minute, sign * wall.second) if self._has(*day) else None
        if clock is None:
            following = self._day_beyond(*day)
            if following is None:
                return None
            day = following
            clock = (self._hours[0], self._minutes[0], self._seconds[0])
        year, month, number = day
        hour, minute, second = clock
        return datetime(sign * year, sign * month, sign * number, sign * hour, sign * minute, sign * second, 0, UTC)

    def _later(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """The next time of day, if this day has one."""
        hours, minutes, seconds = self._hours, self._minutes, self._seconds
        if hour in hours:
            if minute in minutes and (at := bisect_right(seconds, second)) < len(seconds):
                return hour, minute, seconds[at]
            if (at := bisect_right(minutes, minute)) < len(minutes):
                return hour, minutes[at], seconds[0]
        if (at := bisect_right(hours, hour)) < len(hours):
            return hours[at], minutes[0], seconds[0]
        return None

    def _has(self, year: int, month: int, day: int) -> bool:
        return month in self._months and day in self._days(year, month)

    def _day_beyond(self, year: int, month: int, day: int) -> tuple[int, int, int] | None:
        """The next day that is due, within the years that datetime knows."""
        if month in self._months:
            days = self._days(year, month)
            if (at := bisect_right(days, day)) < len(days):
                return year, month, days[at]
        at = bisect_right(self._months, month)
        for later in range(year, 10_000 if self._sign > 0 else 0):
            for candidate in self._months[at:]:
                if days := self._days(later, candidate):
                    return later, candidate, days[0]
            at = 0
        return None

    def _days(self, year: int, month: int) -> tuple[int, ...]:
        known_year, known_month, days = self._month
        if known_year != year or known_month != month:
            days = self._signed(self._calendar.days(abs(year), abs(month)))
            self._month = (year, month, days)
        return days


class _CronWalls:
    """All walls of an expression, ascending."""

    def __init__(self, expression: Expression, calendar: _Calendar) -> None:
        self._forwards = _Search(expression, calendar, 1)
        self.after = self._forwards.beyond
        self._expression, self._calendar = expression, calendar

    @cached_property
    def _backwards(self) -> _Search:
        return _Search(self._expression, self._calendar, -1)

    def before(self, wall: datetime, /) -> datetime | None:
        return self._backwards.beyond(wall + timedelta(seconds=1) if wall.microsecond else wall)


@final
class Cron(Zoned):
    """A cron expression in a zone; see `cron`."""

    def __init__(self, expression: str, tz: str | ZoneInfo, dst: DST, days: Days) -> None:
        zone = zone_of(tz)
        self.expression = parse(expression, days)
        self._text, self._dst, self._days = expression, dst, days
        calendar = _Calendar(self.expression)
        if calendar.is_empty():
            raise NeverFires(f"{expression!r} has no day in any year")
        super().__init__(_CronWalls(self.expression, calendar), zone, _rule(self.expression, dst))

    def explain(self) -> str:
        """When it runs, in English."""
        return in_english(self.expression, self.zone.key, self.rule)

    def __repr__(self) -> str:
        return f"cron({self._text!r}, tz={self.zone.key!r}, dst={self._dst!r}, days={self._days!r})"


def _rule(expression: Expression, dst: DST) -> Rule:
    """The rule for fixed times, or for what repeats like an interval."""
    second, minute, hour = (field.text for field in expression.fields[:3])
    if dst.interval_like == "star":
        repeats = minute.startswith("*") or hour.startswith("*")
    else:
        repeats = any(sign in text for text in (second, minute, hour) for sign in "*-/")
    return dst.interval if repeats else dst.fixed


def cron(expression: str, *, tz: str | ZoneInfo, dst: DST = DST.CRONOS, days: Days = "vixie") -> Cron:
    """A trigger told as a cron expression of five fields, or six with the seconds first, or as a nickname.

    Fields take numbers, lists, ranges that may wrap around, steps, names in any case; the day of the month also `L`,
    `L-3`, `15W`, `LW`; the day of the week `FRI#2`, `FRIL`; either day `?`. Nicknames: `@every_second`,
    `@every_minute`, `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`.

    `dst` says what happens when the clocks of `tz` change. `days` says how the two fields for days meet: both must be
    right ("and"), one of them ("or"), or as in Vixie's cron one of them unless either begins with `*` ("vixie"); a `+`
    before the day of the week means "and". Immutable, safe for threads; a step costs a few searches in sorted numbers.
    Raises CronSyntaxError, UnknownZone and NeverFires.

    >>> nightly = cron("30 2 * * *", tz="Europe/Berlin")
    >>> [run.isoformat() for run in nightly.next_runs(2, after=datetime(2026, 3, 28, tzinfo=UTC))]
    ['2026-03-28T02:30:00+01:00', '2026-03-29T03:00:00+02:00']
    """
    return Cron(expression, tz, dst, days)
