"""The text of a cron expression, read into sets of numbers and rules for days; every fault is named with its place."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from lldkit.scheduler.interface import CronSyntaxError

__all__ = ["Dates", "Days", "Expression", "Field", "MonthRule", "Nearest", "Nth", "WeekRule", "Weekdays", "parse"]


class Dates(NamedTuple):
    """These days of the month; below 0 they count from its end, -1 is the last."""

    values: frozenset[int]


class Nearest(NamedTuple):
    """`15W`, `LW`, `L-3W`: the weekday nearest to a day, within its month; the day may count from the end."""

    day: int


class Weekdays(NamedTuple):
    """These days of the week; Sunday is 0."""

    values: frozenset[int]


class Nth(NamedTuple):
    """`FRI#2`, `FRIL`: the second Friday of the month, or with -1 the last."""

    weekday: int
    number: int


MonthRule: TypeAlias = Dates | Nearest
WeekRule: TypeAlias = Weekdays | Nth
Days: TypeAlias = Literal["vixie", "or", "and"]


class Field(NamedTuple):
    """One of the six fields: what it may hold, and the text it was given."""

    name: str
    least: int
    most: int
    names: tuple[str, ...]
    text: str
    position: int

    @property
    def is_any(self) -> bool:
        """Whether it says nothing at all."""
        return self.text in ("*", "?")

    @property
    def wraps_around(self) -> bool:
        """Whether one of its ranges ends before it begins."""
        ranges = [match for item in self.text.split(",") if (match := RANGE.fullmatch(item)) and match["to"]]
        return any((self.number(each["first"]) or 0) > (self.number(each["last"]) or 0) for each in ranges)

    def number(self, text: str) -> int | None:
        """What a number or a name stands for; None for what the field does not take. Sunday is 0 and 7."""
        if text in self.names:
            return self.names.index(text) + self.least
        if not text.isdecimal() or len(text) > 9:
            return None
        number = int(text)
        return number if self.least <= number <= self.highest else None

    @property
    def highest(self) -> int:
        """The largest number it takes: 7 for the day of the week, which is Sunday again."""
        return 7 if self.names is WEEKDAYS else self.most


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, read: sorted numbers, the rules of either kind of day, and the fields they came from."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[MonthRule, ...]
    months: tuple[int, ...]
    weekdays: tuple[WeekRule, ...]
    both: bool  # a day must be right in the month and in the week, not in one of them
    fields: tuple[Field, ...]


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, WEEKDAYS),
)
NICKNAMES = {
    "@every_second": "* * * * * *",
    "@every_minute": "* * * * *",
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
RANGE = re.compile(r"(?:(?P<all>\*)|(?P<first>[0-9A-Z]+)(?P<to>-(?P<last>[0-9A-Z]*))?)(?P<by>/(?P<step>[0-9]*))?")
LAST = re.compile(r"L(?:-(?P<before>[0-9]{1,2}))?(?P<weekday>W)?")
NEAREST = re.compile(r"(?P<day>[0-9]{1,2})W")
OF_WEEKDAY = re.compile(r"(?P<weekday>[0-9A-Z]{1,3}?)(?:#(?P<number>[0-9]+)|(?P<last>L))")


def parse(expression: str, days: Days = "vixie") -> Expression:
    """Read five fields, six with the seconds first, or a nickname; in any case of letters.

    `days` says how the two fields for days meet: "and"; "or" when both are restricted; "vixie": or, unless one of them
    begins with `*`. A `+` before the day of the week is "and" in each of them. Raises CronSyntaxError.
    """
    if days not in ("vixie", "or", "and"):
        raise ValueError(f"days must be 'vixie', 'or' or 'and', got {days!r}")
    words = [(match[0].upper(), match.start()) for match in re.finditer(r"\S+", expression)]
    if len(words) == 1 and words[0][0].startswith("@"):
        plain = NICKNAMES.get(words[0][0].lower())
        if plain is None:
            problem = f"no such nickname; there are {', '.join(NICKNAMES)}"
            raise CronSyntaxError(expression, "nickname", words[0][1], problem)
        words = [(word, words[0][1]) for word in plain.split()]
    if len(words) not in (5, 6):
        problem = f"takes five fields, or six with the seconds first, got {len(words)}"
        raise CronSyntaxError(expression, "expression", 0, problem)
    words = [("0", 0), *words] if len(words) == 5 else words
    plus = words[5][0].startswith("+")
    if plus:
        words[5] = (words[5][0][1:], words[5][1] + 1)
    fields = tuple(Field(*limits, *word) for limits, word in zip(FIELDS, words, strict=True))
    second, minute, hour, day, month, weekday = fields
    reader = _Reader(expression)
    return Expression(
        seconds=reader.numbers(second),
        minutes=reader.numbers(minute),
        hours=reader.numbers(hour),
        days=reader.days(day),
        months=reader.numbers(month),
        weekdays=reader.weekdays(weekday),
        both=plus or _both(day, weekday, days),
        fields=fields,
    )


def _both(day: Field, weekday: Field, days: Days) -> bool:
    """Whether a day must be right in the month and in the week. A field that says nothing is always right."""
    if days == "and" or day.is_any or weekday.is_any:
        return True
    return days == "vixie" and (day.text.startswith("*") or weekday.text.startswith("*"))


class _Reader:
    """Reads the fields of one expression, which its errors show."""

    def __init__(self, expression: str) -> None:
        self._expression = expression

    def numbers(self, field: Field) -> tuple[int, ...]:
        """The numbers of a field that holds nothing but ranges."""
        if field.text == "*":
            return tuple(range(field.least, field.most + 1))
        return tuple(sorted({value for item, at in self._items(field) for value in self._range(field, item, at)}))

    def days(self, field: Field) -> tuple[MonthRule, ...]:
        """The rules of the day of the month; none for `*`, which is every day."""
        if field.is_any:
            return ()
        values: set[int] = set()
        for item, at in self._items(field):
            if match := LAST.fullmatch(item):
                before = int(match["before"] or 0)
                if before > 30:
                    raise self._error(field, at, f"a day before the last is one of L-0 to L-30, got {item!r}")
                if match["weekday"]:
                    return (Nearest(-1 - before),)
                values.add(-1 - before)
            elif match := NEAREST.fullmatch(item):
                return (Nearest(self._number(field, match["day"], at)),)
            else:
                values.update(self._range(field, item, at))
        return (Dates(frozenset(values)),)

    def weekdays(self, field: Field) -> tuple[WeekRule, ...]:
        """The rules of the day of the week; none for `*`, which is every day."""
        if field.is_any:
            return ()
        rules: list[WeekRule] = []
        values: set[int] = set()
        for item, at in self._items(field):
            match = OF_WEEKDAY.fullmatch(item)
            if match is None:
                values.update(self._range(field, item, at))
                continue
            if match["number"] not in (None, "1", "2", "3", "4", "5"):
                raise self._error(field, at, f"a month has the 1st to the 5th of a weekday, got {item!r}")
            weekday = self._number(field, match["weekday"], at) % 7
            rules.append(Nth(weekday, int(match["number"] or -1)))
        return (*rules, Weekdays(frozenset(values))) if values else tuple(rules)

    def _items(self, field: Field) -> Iterator[tuple[str, int]]:
        """The items of the list, each with its place; `W` must stand alone."""
        at = field.position
        items = field.text.split(",")
        for item in items:
            if not item:
                raise self._error(field, at, "an item of the list is missing")
            if field.name == "day of month" and item.endswith("W") and len(items) > 1:
                raise self._error(field, at, f"{item!r} cannot stand in a list")
            yield item, at
            at += len(item) + 1

    def _range(self, field: Field, item: str, at: int) -> Iterable[int]:
        """The numbers of `*`, `a`, `a-b`, each with `/step`; a range that ends before it begins wraps around."""
        match = RANGE.fullmatch(item)
        if match is None:
            raise self._error(field, at, f"takes numbers, ranges and steps, got {item!r}")
        step = self._step(field, match["step"], at) if match["by"] else 1
        if match["all"]:
            return range(field.least, field.most + 1, step)
        first = self._number(field, match["first"], at)
        last = first
        if match["to"]:
            last = self._number(field, match["last"], at)
        elif match["by"]:
            last = field.most
        size = field.most - field.least + 1
        if first > field.most:  # a week may begin with Sunday as 7
            first, last = first - size, last - size
        if first <= last <= field.most:
            return range(first, last + 1, step)
        if last < first:
            last += size
        return ((value - field.least) % size + field.least for value in range(first, last + 1, step))

    def _step(self, field: Field, text: str, at: int) -> int:
        step = int(text) if text and len(text) < 10 else 0
        if not 1 <= step <= field.highest:
            raise self._error(field, at, f"a step is one of 1 to {field.highest}, got {text!r}")
        return step

    def _number(self, field: Field, text: str, at: int) -> int:
        number = field.number(text)
        if number is None:
            names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
            raise self._error(field, at, f"takes {field.least} to {field.highest}{names}, got {text!r}")
        return number

    def _error(self, field: Field, at: int, problem: str) -> CronSyntaxError:
        return CronSyntaxError(self._expression, field.name, at, problem)
