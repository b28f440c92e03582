"""A cron expression said in English."""

from collections.abc import Callable

from lldkit.scheduler.cron_syntax import Dates, Expression, Field, MonthRule, Nearest, Nth, Weekdays, WeekRule
from lldkit.scheduler.dst import Rule

__all__ = ["in_english", "ordinal"]

MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MOST_TIMES = 4  # so many times of day are listed one by one
GAPS = {
    "after": "a time that the clocks skip runs at the end of the gap",
    "skip": "a time that the clocks skip does not run",
    "shift": "a time that the clocks skip runs as much later as they were set",
}
FOLDS = {
    "first": "one that comes twice runs the first time",
    "second": "one that comes twice runs the second time",
    "both": "one that comes twice runs twice",
}


def in_english(expression: Expression, zone: str, rule: Rule) -> str:
    """The times, the days, the months, the zone, and what happens when its clocks change."""
    says = [_times(expression), _days(expression), _months(expression)]
    when = ", ".join(part for part in says if part)
    return f"{when} (UTC)" if zone == "UTC" else f"{when} ({zone}; {GAPS[rule[0]]}, {FOLDS[rule[1]]})"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _times(expression: Expression) -> str:
    hours, minutes, seconds = expression.hours, expression.minutes, expression.seconds
    if len(hours) * len(minutes) * len(seconds) <= MOST_TIMES:
        with_seconds = seconds != (0,)
        times = [
            f"{hour:02}:{minute:02}" + (f":{second:02}" if with_seconds else "")
            for hour in hours
            for minute in minutes
            for second in seconds
        ]
        return f"at {_list(times)}"
    second, minute, hour = expression.fields[:3]
    parts = [] if seconds == (0,) else [_unit(second, seconds, 60)]
    if minutes != tuple(range(60)) or not parts:
        parts.append(_unit(minute, minutes, 60))
    if len(hours) < 24:
        parts.append(_unit(hour, hours, 24).replace("at hour", "in hour", 1))
    return " ".join(parts)


def _unit(field: Field, values: tuple[int, ...], size: int) -> str:
    """`every 5 minutes`, `at minute 5 and 10`, `at minutes 10 to 20`."""
    step = values[1] - values[0] if len(values) > 1 else size
    if values == tuple(range(0, size, step)) and size % step == 0 and len(values) > 1:
        return f"every {field.name}" if step == 1 else f"every {step} {field.name}s"
    return f"at {field.name} {_numbers(values)}"


def _numbers(values: tuple[int, ...], say: Callable[[int], str] = str) -> str:
    """The numbers as said: a list, or the two ends of three and more in a row."""
    if len(values) > 2 and values[-1] - values[0] == len(values) - 1:
        return f"{say(values[0])} to {say(values[-1])}"
    return _list([say(value) for value in values])


def _days(expression: Expression) -> str:
    monthly = _list([_month_rule(rule) for rule in expression.days])
    weekly = _list([_week_rule(rule) for rule in expression.weekdays])
    if not monthly and not weekly:
        return "every day" if len(expression.hours) < 24 else ""
    if monthly and weekly:
        return f"on {monthly} {'if it is also' if expression.both else 'and on'} {weekly}"
    return f"on {monthly or weekly}"


def _month_rule(rule: MonthRule) -> str:
    match rule:
        case Dates(values):
            plain = tuple(sorted(value for value in values if value > 0))
            days = [f"day {_numbers(plain)} of the month"] if plain else []
            return _list([*days, *(_from_the_end(value) for value in sorted(values) if value < 0)])
        case Nearest(-1):
            return "the last weekday of the month"
        case Nearest(day):
            return f"the weekday nearest {_from_the_end(day) if day < 0 else f'the {ordinal(day)}'}"


def _from_the_end(day: int) -> str:
    return "the last day of the month" if day == -1 else f"the {ordinal(-day)} day from the end of the month"


def _week_rule(rule: WeekRule) -> str:
    match rule:
        case Weekdays(values):
            return _numbers(tuple(sorted(values)), DAY_NAMES.__getitem__)
        case Nth(weekday, number):
            which = "last" if number == -1 else ordinal(number)
            return f"the {which} {DAY_NAMES[weekday]} of the month"


def _months(expression: Expression) -> str:
    months = expression.months
    return "" if len(months) == 12 else f"in {_numbers(months, lambda month: MONTH_NAMES[month - 1])}"


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
