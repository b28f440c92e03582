"""Gaps and folds by hand: every policy, and the odd changes that some zones have made."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lldkit.scheduler.calendars import calendar
from lldkit.scheduler.cron import cron
from lldkit.scheduler.dst import DST, changes

POLICIES = {"CRONOS": DST.CRONOS, "VIXIE": DST.VIXIE, "SKIP_ONCE": DST.SKIP_ONCE, "WALL": DST.WALL}
SHIFT = DST(fixed=("shift", "second"), interval=("shift", "second"))
GAP = "2024-03-10"  # New York: 02:00 -05:00 becomes 03:00 -04:00
FOLD = "2024-11-03"  # New York: 02:00 -04:00 becomes 01:00 -05:00


def on(day: str, expression: str, tz: str = "America/New_York", dst: DST = DST.CRONOS) -> list[str]:
    """The runs on a local date, as time and offset, with the seconds of an offset where it has some."""
    trigger = cron(expression, tz=tz, dst=dst)
    found = []
    run = trigger.next(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(tz)) - timedelta(days=2))
    while run is not None and str(run.date()) <= day:
        if str(run.date()) == day:
            found.append(re.sub(r":00(?=[+-])", "", run.isoformat()[11:]))
        run = trigger.next(run)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CRONOS", ["03:00-04:00"]), ("VIXIE", ["03:00-04:00"]), ("SKIP_ONCE", []), ("WALL", [])],
)
def test_a_fixed_time_in_a_gap(name: str, expected: list[str]) -> None:
    assert on(GAP, "30 2 * * *", dst=POLICIES[name]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CRONOS", ["01:30-04:00"]),
        ("VIXIE", ["01:30-04:00"]),
        ("SKIP_ONCE", ["01:30-04:00"]),
        ("WALL", ["01:30-04:00", "01:30-05:00"]),
    ],
)
def test_a_fixed_time_in_a_fold(name: str, expected: list[str]) -> None:
    assert on(FOLD, "30 1 * * *", dst=POLICIES[name]) == expected


@pytest.mark.parametrize(("name", "times"), [("CRONOS", 2), ("VIXIE", 2), ("SKIP_ONCE", 1), ("WALL", 2)])
def test_every_hour_in_a_fold(name: str, times: int) -> None:
    hours = [run for run in on(FOLD, "0 * * * *", dst=POLICIES[name]) if run.startswith("01:00")]
    assert hours == ["01:00-04:00", "01:00-05:00"][:times]


@pytest.mark.parametrize(("name", "runs"), [("CRONOS", True), ("VIXIE", False), ("SKIP_ONCE", False), ("WALL", False)])
def test_every_second_hour_in_a_gap(name: str, runs: bool) -> None:
    assert ("03:00-04:00" in on(GAP, "0 */2 * * *", dst=POLICIES[name])) is runs


def test_two_fixed_times_in_one_gap_run_once_at_its_end() -> None:
    assert on(GAP, "10,40 2 * * *") == ["03:00-04:00"]


def test_shifted_times_keep_their_distance_and_mix_with_the_regular_ones() -> None:
    assert on(GAP, "30 2 * * *", dst=SHIFT) == ["03:30-04:00"]
    assert on(GAP, "0,30 2,3 * * *", dst=SHIFT) == ["03:00-04:00", "03:30-04:00"]
    assert on(GAP, "20 2 * * *", dst=SHIFT) == ["03:20-04:00"]
    assert on(GAP, "10,50 2-3 * * *", dst=SHIFT) == ["03:10-04:00", "03:50-04:00"]


def test_the_second_of_two_may_be_chosen() -> None:
    assert on(FOLD, "30 1 * * *", dst=SHIFT) == ["01:30-05:00"]
    assert on(FOLD, "59 0 * * *", dst=SHIFT) == ["00:59-04:00"]
    assert on(FOLD, "0 2 * * *", dst=SHIFT) == ["02:00-05:00"]


@pytest.mark.parametrize(
    ("expression", "interval_like_any", "interval_like_star"),
    [("0 * * * *", 2, 2), ("0 1-2 * * *", 2, 1), ("0/30 1 * * *", 4, 2), ("30 1 * * *", 1, 1), ("*/30 1 * * *", 4, 4)],
)
def test_what_is_like_an_interval_repeats(expression: str, interval_like_any: int, interval_like_star: int) -> None:
    def times(dst: DST) -> int:
        return sum(run.startswith("01:") for run in on(FOLD, expression, dst=dst))

    assert (times(DST.CRONOS), times(DST.VIXIE)) == (interval_like_any, interval_like_star)


def test_a_change_by_half_an_hour() -> None:
    # Lord Howe: 02:00 becomes 02:30 on 6 October 2024, and 02:00 becomes 01:30 on 7 April 2024.
    assert on("2024-10-06", "15 2 * * *", "Australia/Lord_Howe") == ["02:30+11:00"]
    assert on("2024-10-06", "45 2 * * *", "Australia/Lord_Howe") == ["02:45+11:00"]
    assert on("2024-04-07", "45 1 * * *", "Australia/Lord_Howe") == ["01:45+11:00"]
    assert on("2024-04-07", "45 1 * * *", "Australia/Lord_Howe", DST.WALL) == ["01:45+11:00", "01:45+10:30"]


@pytest.mark.parametrize(("day", "tz"), [("2018-11-04", "America/Sao_Paulo"), ("2021-03-26", "Asia/Amman")])
def test_a_gap_at_midnight(day: str, tz: str) -> None:
    end = on(day, "0 0 * * *", tz)
    assert [run[:5] for run in end] == ["01:00"]
    assert on(day, "0 0 * * *", tz, DST.SKIP_ONCE) == []
    assert on(day, "0 1 * * *", tz) == end


def test_a_day_that_never_was() -> None:
    # Apia went from 29 to 31 December 2011.
    assert on("2011-12-30", "0 12 * * *", "Pacific/Apia") == []
    assert on("2011-12-31", "0 12 * * *", "Pacific/Apia") == ["00:00+14:00", "12:00+14:00"]
    assert on("2011-12-31", "0 12 * * *", "Pacific/Apia", DST.WALL) == ["12:00+14:00"]
    assert on("2011-12-31", "0 12 * * *", "Pacific/Apia", SHIFT) == ["12:00+14:00"]


def test_changes_without_summer_time() -> None:
    # Caracas: 03:00 becomes 02:30 on 9 December 2007, and 02:30 becomes 03:00 on 1 May 2016.
    assert on("2007-12-09", "45 2 * * *", "America/Caracas", DST.WALL) == ["02:45-04:00", "02:45-04:30"]
    assert on("2007-12-09", "45 2 * * *", "America/Caracas") == ["02:45-04:00"]
    assert on("2016-05-01", "45 2 * * *", "America/Caracas") == ["03:00-04:00"]


def test_an_offset_with_seconds() -> None:
    # Monrovia was 44 minutes and 30 seconds behind UTC, and gave that up on 7 January 1972.
    run = cron("0 12 * * *", tz="Africa/Monrovia").next(datetime(1971, 6, 1, 12, tzinfo=UTC))
    assert run is not None
    assert run.isoformat() == "1971-06-01T12:00:00-00:44:30"
    assert on("1972-01-07", "10 0 * * *", "Africa/Monrovia") == ["00:44:30+00:00"]


def test_a_calendar_follows_the_fixed_rule() -> None:
    nightly = calendar(days=1, at=time(2, 30), tz="America/New_York", start=date(2024, 3, 9))
    runs = nightly.next_runs(3, after=datetime(2024, 3, 1, tzinfo=UTC))
    assert [run.isoformat()[8:] for run in runs] == ["09T02:30:00-05:00", "10T03:00:00-04:00", "11T02:30:00-04:00"]


def test_every_change_is_found_to_the_second() -> None:
    zone = ZoneInfo("America/New_York")
    found = list(changes(zone, datetime(2024, 1, 1, 0, 0, 0, 7, UTC), datetime(2025, 1, 1, tzinfo=UTC)))
    assert [change.at for change in found] == [
        datetime(2024, 3, 10, 7, tzinfo=UTC),
        datetime(2024, 11, 3, 6, tzinfo=UTC),
    ]
    spring, autumn = found
    assert (spring.leaves.hour, spring.enters.hour) == (2, 3)
    assert (autumn.leaves.hour, autumn.enters.hour) == (2, 1)


@pytest.mark.parametrize(
    ("fixed", "interval", "like", "problem"),
    [
        (("late", "first"), ("after", "both"), "any", "gap of fixed"),
        (("after", "first"), ("after", "none"), "any", "fold of interval"),
        (("after", "first"), ("after", "both"), "all", "interval_like"),
    ],
)
def test_a_policy_is_made_of_known_rules(fixed: object, interval: object, like: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DST(fixed=fixed, interval=interval, interval_like=like)  # type: ignore[arg-type]
