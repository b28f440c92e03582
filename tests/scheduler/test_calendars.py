"""Calendars by hand: no drift, missing days, and dates worked out by an independent count."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.scheduler.calendars import Calendar, OnMissing, calendar

NINE = time(9)


def monthly(start: str, on_missing: OnMissing = "skip", **period: Any) -> Calendar:
    return calendar(
        **(period or {"months": 1}), at=NINE, tz="UTC", start=date.fromisoformat(start), on_missing=on_missing
    )


def dates(trigger: Calendar, n: int, after: str = "2020-01-01") -> list[str]:
    return [str(run.date()) for run in trigger.next_runs(n, after=datetime.fromisoformat(after).replace(tzinfo=UTC))]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (monthly("2028-01-31"), ["2028-01-31", "2028-03-31", "2028-05-31", "2028-07-31"]),
        (monthly("2028-01-31", "last"), ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        (monthly("2028-11-15", months=2), ["2028-11-15", "2029-01-15", "2029-03-15", "2029-05-15"]),
        (monthly("2024-02-29", years=1), ["2024-02-29", "2028-02-29", "2032-02-29", "2036-02-29"]),
        (monthly("2024-02-29", "last", years=1), ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28"]),
        (monthly("2028-02-20", weeks=2), ["2028-02-20", "2028-03-05", "2028-03-19", "2028-04-02"]),
        (monthly("2028-02-27", days=1, weeks=0), ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"]),
        (monthly("2028-01-31", "last", months=1, days=1), ["2028-01-31", "2028-03-01", "2028-04-02", "2028-05-03"]),
    ],
)
def test_dates_are_counted_from_the_start(trigger: Calendar, expected: list[str]) -> None:
    assert dates(trigger, 4) == expected


def test_the_time_of_day_is_on_one_side_of_the_question() -> None:
    trigger = monthly("2028-01-31", "last")
    at = datetime(2028, 2, 29, 9, tzinfo=UTC)
    assert trigger.next(at - timedelta.resolution) == at
    assert trigger.next(at) == datetime(2028, 3, 31, 9, tzinfo=UTC)
    assert trigger.prev(at + timedelta.resolution) == at
    assert trigger.prev(at) == datetime(2028, 1, 31, 9, tzinfo=UTC)


def test_missing_months_are_left_out_backwards_too() -> None:
    trigger = monthly("2028-01-31")
    assert trigger.prev(datetime(2028, 5, 1, tzinfo=UTC)) == datetime(2028, 3, 31, 9, tzinfo=UTC)
    assert trigger.prev(datetime(2028, 1, 31, 9, tzinfo=UTC)) is None


def test_it_ends_with_the_years() -> None:
    trigger = monthly("9999-10-30", months=1)
    assert dates(trigger, 9, "9999-01-01") == ["9999-10-30", "9999-11-30"]
    assert dates(monthly("2000-01-01", years=4000), 9) == ["6000-01-01"]


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(1, 30),
    st.sampled_from(["skip", "last"]),
    st.dates(date(1999, 1, 1), date(2060, 1, 1)),
)
def test_months_agree_with_a_walk_over_all_days(start: date, months: int, on_missing: Any, asked: date) -> None:
    trigger = calendar(months=months, at=NINE, tz="UTC", start=start, on_missing=on_missing)
    found = trigger.next(datetime.combine(asked, time(12), UTC))
    day = max(asked + timedelta(days=1), start)
    for _ in range(366 * 11):
        distance = (day.year - start.year) * 12 + day.month - start.month
        is_last = (day + timedelta(days=1)).day == 1
        right = day.day == start.day or (on_missing == "last" and is_last and day.day < start.day)
        if distance % months == 0 and right:
            assert found == datetime.combine(day, NINE, UTC)
            return
        day += timedelta(days=1)
    assert found is None or found.date() >= day


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "years, months, weeks or days"),
        ({"days": -1}, "days must be"),
        ({"months": 10**9}, "months must be"),
        ({"days": 1, "at": time(9, tzinfo=UTC)}, "at must be"),
        ({"days": 1, "at": time(9, 0, 0, 1)}, "at must be"),
        ({"days": 1, "on_missing": "first"}, "on_missing must be"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        calendar(**{"at": NINE, "tz": "UTC", "start": date(2026, 1, 1), **arguments})


def test_a_start_has_no_time() -> None:
    with pytest.raises(TypeError, match="date without time"):
        calendar(days=1, at=NINE, tz="UTC", start=datetime(2026, 1, 1, tzinfo=UTC))


def test_it_explains_itself_and_is_told_apart_by_its_text() -> None:
    assert monthly("2028-01-31").explain() == (
        "every month from 2028-01-31 on, at 09:00:00 (UTC), skipping months without that day"
    )
    assert monthly("2028-01-31", "last", months=2, days=3).explain() == (
        "every 2 months and 3 days from 2028-01-31 on, at 09:00:00 (UTC), or the last day of the month"
    )
    assert monthly("2028-01-15").explain() == "every month from 2028-01-15 on, at 09:00:00 (UTC)"
    assert repr(monthly("2028-01-31")) != repr(monthly("2028-01-31", "last"))
