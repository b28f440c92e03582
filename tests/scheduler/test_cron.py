"""Cron by hand: what each form of a field means, and how the two kinds of days meet."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lldkit.scheduler.cron import cron
from lldkit.scheduler.cron_syntax import Days
from lldkit.scheduler.interface import CronSyntaxError, NeverFires, UnknownZone

START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def runs(expression: str, n: int = 4, *, after: datetime = START, days: Days = "vixie") -> list[str]:
    """The next runs in UTC, short."""
    found = cron(expression, tz="UTC", days=days).next_runs(n, after=after)
    return [f"{run:%m-%d %H:%M}" if not run.second else f"{run:%m-%d %H:%M:%S}" for run in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/15 9 * * *", ["01-01 09:00", "01-01 09:15", "01-01 09:30", "01-01 09:45"]),
        ("5/25 0 * * *", ["01-01 00:05", "01-01 00:30", "01-01 00:55", "01-02 00:05"]),
        ("0 22-1 * * *", ["01-01 01:00", "01-01 22:00", "01-01 23:00", "01-02 00:00"]),
        ("0 23-3/2 * * *", ["01-01 01:00", "01-01 03:00", "01-01 23:00", "01-02 01:00"]),
        ("30 10 0 * * *", ["01-01 00:10:30", "01-02 00:10:30", "01-03 00:10:30", "01-04 00:10:30"]),
        ("0 0 1 FEB,apr-Jun *", ["02-01 00:00", "04-01 00:00", "05-01 00:00", "06-01 00:00"]),
        ("0 0 ? * tue-thu", ["01-06 00:00", "01-07 00:00", "01-08 00:00", "01-13 00:00"]),
        ("0 0 * * SAT-MON", ["01-03 00:00", "01-04 00:00", "01-05 00:00", "01-10 00:00"]),
        ("0 0 L * *", ["01-31 00:00", "02-28 00:00", "03-31 00:00", "04-30 00:00"]),
        ("0 0 L-2 * *", ["01-29 00:00", "02-26 00:00", "03-29 00:00", "04-28 00:00"]),
        ("0 0 1,L * *", ["01-31 00:00", "02-01 00:00", "02-28 00:00", "03-01 00:00"]),
        ("0 0 LW * *", ["01-30 00:00", "02-27 00:00", "03-31 00:00", "04-30 00:00"]),
        ("0 0 15W * *", ["01-15 00:00", "02-16 00:00", "03-16 00:00", "04-15 00:00"]),
        ("0 0 * * FRI#2", ["01-09 00:00", "02-13 00:00", "03-13 00:00", "04-10 00:00"]),
        ("0 0 * * 5L", ["01-30 00:00", "02-27 00:00", "03-27 00:00", "04-24 00:00"]),
        ("0 0 * * FRI#5", ["01-30 00:00", "05-29 00:00", "07-31 00:00", "10-30 00:00"]),
        ("@weekly", ["01-04 00:00", "01-11 00:00", "01-18 00:00", "01-25 00:00"]),
        ("@EVERY_SECOND", ["01-01 00:00:01", "01-01 00:00:02", "01-01 00:00:03", "01-01 00:00:04"]),
    ],
)
def test_forms_of_fields(expression: str, expected: list[str]) -> None:
    assert runs(expression) == expected


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "sun", "7-7", "0#1,0#2,0#3,0#4,0#5"])
def test_sunday_has_many_names(sunday: str) -> None:
    assert runs(f"0 0 * * {sunday}", 2) == ["01-04 00:00", "01-11 00:00"]


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("5-7", [2, 3, 4, 9]),
        ("7-2", [4, 5, 6, 11]),
        ("0-7", [2, 3, 4, 5]),
        ("1", [5, 12, 19, 26]),
        ("7/3", [3, 4, 7, 10]),
    ],
)
def test_weekdays_count_from_sunday(weekdays: str, expected: list[int]) -> None:
    found = cron(f"0 0 * * {weekdays}", tz="UTC").next_runs(4, after=START)
    assert [run.day for run in found] == expected


@pytest.mark.parametrize(
    ("expression", "days", "expected"),
    [
        ("0 0 13 * FRI", "vixie", ["01-02", "01-09", "01-13"]),
        ("0 0 13 * FRI", "or", ["01-02", "01-09", "01-13"]),
        ("0 0 13 * FRI", "and", ["02-13", "03-13", "11-13"]),
        ("0 0 13 * +FRI", "or", ["02-13", "03-13", "11-13"]),
        ("0 0 */5 * MON", "vixie", ["01-26", "02-16", "03-16"]),
        ("0 0 */5 * MON", "or", ["01-05", "01-06", "01-11"]),
        ("0 0 * * MON", "or", ["01-05", "01-12", "01-19"]),
        ("0 0 13 * ?", "or", ["01-13", "02-13", "03-13"]),
    ],
)
def test_the_three_ways_in_which_days_meet(expression: str, days: Days, expected: list[str]) -> None:
    assert [run[:5] for run in runs(expression, 3, days=days)] == expected


def test_the_nearest_weekday_stays_in_its_month() -> None:
    # 1 August 2026 is a Saturday, 31 May 2026 a Sunday.
    assert runs("0 0 1W 8 *", 1) == ["08-03 00:00"]
    assert runs("0 0 31W 5 *", 1) == ["05-29 00:00"]
    assert runs("0 0 LW 5 *", 1) == ["05-29 00:00"]


def test_a_day_that_a_month_lacks_is_left_out() -> None:
    assert runs("0 0 30W * *", 3) == ["01-30 00:00", "03-30 00:00", "04-30 00:00"]
    assert {run[:2] for run in runs("0 0 L-30 * *", 7)} == {"01", "03", "05", "07", "08", "10", "12"}


def test_leap_years_are_found_at_once_over_a_century() -> None:
    after = datetime(2096, 3, 1, tzinfo=UTC)
    assert cron("0 0 29 2 *", tz="UTC").next(after) == datetime(2104, 2, 29, tzinfo=UTC)
    assert cron("0 0 29 2 *", tz="UTC").prev(datetime(1904, 1, 1, tzinfo=UTC)) == datetime(1896, 2, 29, tzinfo=UTC)
    leap_monday = cron("0 0 29 2 +MON", tz="UTC")
    assert leap_monday.next_runs(2, after=START) == [
        datetime(2044, 2, 29, tzinfo=UTC),
        datetime(2072, 2, 29, tzinfo=UTC),
    ]


def test_microseconds_count() -> None:
    minutely = cron("* * * * *", tz="UTC")
    just_after = START + timedelta(microseconds=1)
    assert minutely.next(START - timedelta(microseconds=1)) == START
    assert minutely.next(START) == minutely.next(just_after) == START + timedelta(minutes=1)
    assert minutely.prev(just_after) == START
    assert minutely.prev(START) == START - timedelta(minutes=1)


def test_there_is_nothing_beyond_the_years_of_datetime() -> None:
    yearly = cron("@yearly", tz="Europe/Berlin")
    assert yearly.next(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert yearly.prev(datetime(1, 1, 1, tzinfo=UTC)) is None
    assert yearly.next(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("expression", "field", "position"),
    [
        ("*/0 * * * *", "minute", 0),
        ("60 * * * *", "minute", 0),
        ("1/60 * * * *", "minute", 0),
        ("5- * * * *", "minute", 0),
        ("1,, * * * *", "minute", 2),
        ("0 5,24 * * *", "hour", 4),
        ("0 0 1-2W * *", "day of month", 4),
        ("0 0 1,2W * *", "day of month", 6),
        ("0 0 L-31 * *", "day of month", 4),
        ("0 0 32 * *", "day of month", 4),
        ("0 0 * JANUARY *", "month", 6),
        ("0 0 * * SUN#6", "day of week", 8),
        ("0 0 * * +8", "day of week", 9),
        ("0 0 * * L", "day of week", 8),
        ("? * * * *", "minute", 0),
        ("0 0 * *", "expression", 0),
        ("@never", "nickname", 0),
        ("", "expression", 0),
        ("9999999999999 * * * *", "minute", 0),
    ],
)
def test_what_is_wrong_is_named_with_its_place(expression: str, field: str, position: int) -> None:
    with pytest.raises(CronSyntaxError) as caught:
        cron(expression, tz="UTC")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.expression, error.field, error.position) == (expression, field, position)
    assert error.problem in str(error)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 L-29 2 *", "0 0 1 * +SUN#2"])
def test_what_can_never_be_due_is_refused_when_it_is_made(expression: str) -> None:
    with pytest.raises(NeverFires, match="no day in any year"):
        cron(expression, tz="UTC")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "Europe", "\0"])
def test_a_zone_must_be_known(zone: str) -> None:
    with pytest.raises(UnknownZone) as caught:
        cron("* * * * *", tz=zone)
    assert pickle.loads(pickle.dumps(caught.value)).name == zone


def test_a_rule_of_days_must_be_known() -> None:
    with pytest.raises(ValueError, match="days must be"):
        cron("* * * * *", tz="UTC", days="xor")  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", [datetime(2026, 1, 1)])  # noqa: DTZ001 - a naive moment is the point
def test_a_moment_is_aware(moment: Any) -> None:
    with pytest.raises(ValueError, match="must be aware"):
        cron("* * * * *", tz="UTC").next(moment)


def test_the_text_of_a_trigger_tells_it_apart() -> None:
    texts = {
        repr(cron(expression, tz=tz, days=days))
        for expression in ("0 0 * * *", "0 1 * * *")
        for tz in ("UTC", "Asia/Tokyo")
        for days in ("and", "or")
    }
    assert len(texts) == 8
