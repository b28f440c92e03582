"""Findings by hand: each code where it belongs, with the date and with what to write instead, and silence elsewhere."""

from datetime import UTC, date, datetime, time

import pytest

from lldkit.scheduler.calendars import calendar
from lldkit.scheduler.cron import cron
from lldkit.scheduler.dst import DST
from lldkit.scheduler.lint import Finding, lint
from lldkit.scheduler.triggers import BaseTrigger, any_of, every

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
SPRING = datetime(2024, 3, 10, 7, tzinfo=UTC)
AUTUMN = datetime(2024, 11, 3, 6, tzinfo=UTC)


def found(expression: str, dst: DST = DST.CRONOS, tz: str = "America/New_York") -> list[Finding]:
    return lint(cron(expression, tz=tz, dst=dst), start=START, end=END)


def codes(trigger: BaseTrigger) -> list[str]:
    return [finding.code for finding in lint(trigger, start=START, end=END)]


@pytest.mark.parametrize(
    "expression",
    ["0 9 * * *", "*/5 * * * *", "0 * * * *", "15,45 * * * *", "* * * * * *", "0 0 1 * *", "30 12 * * MON"],
)
def test_what_is_plain_has_no_findings(expression: str) -> None:
    assert found(expression) == []


def test_a_time_in_a_gap_is_moved_or_skipped() -> None:
    assert found("30 2 * * *") == [
        Finding(
            "MOVED",
            "on 2024-03-10 in America/New_York there is no 02:30, so it runs at 03:00; choose a time outside the gap",
            SPRING,
        )
    ]
    shift = DST(fixed=("shift", "first"), interval=("shift", "first"))
    assert "it runs at 03:30" in found("30 2 * * *", shift)[0].message
    (skipped,) = found("30 2 * * *", DST.SKIP_ONCE)
    assert (skipped.code, skipped.at) == ("SKIPPED", SPRING)
    assert "is left out" in skipped.message


def test_a_time_in_a_fold_runs_twice() -> None:
    assert found("30 1 * * *", DST.CRONOS) == []
    assert found("30 1 * * *", DST.WALL) == [
        Finding(
            "TWICE",
            "on 2024-11-03 in America/New_York 01:30 comes twice, and so does the run; "
            "choose another time or DST.SKIP_ONCE",
            AUTUMN,
        )
    ]


def test_a_rhythm_that_breaks_is_found_and_one_that_goes_on_is_not() -> None:
    assert [finding.code for finding in found("0 */2 * * *")] == ["MOVED"]  # 00, 03 instead of 02, 04
    assert [finding.code for finding in found("0 1,2 * * *", DST.WALL)] == ["SKIPPED"]  # 00:00 is no run, but 02:00 is
    assert [finding.code for finding in found("0 0,1 * * *", DST.WALL)] == ["TWICE"]
    assert [finding.code for finding in found("0 */2 * * *", DST.WALL)] == ["SKIPPED"]


def test_only_the_changes_of_the_window_count() -> None:
    summer = lint(cron("30 2 * * *", tz="America/New_York"), start=datetime(2024, 4, 1, tzinfo=UTC), end=END)
    assert summer == []


def test_a_zone_without_changes_has_none() -> None:
    assert found("30 2 * * *", DST.WALL, "Asia/Tokyo") == []


def test_what_does_not_run_in_the_window() -> None:
    next_leap_day = cron("0 0 29 2 *", tz="UTC")
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    (never,) = lint(next_leap_day, start=start, end=end)
    assert never.code == "NEVER"
    assert "but on 2028-02-29" in never.message
    (ended,) = lint(next_leap_day.between(START, start), start=start, end=end)
    assert "never after that" in ended.message


def test_more_than_four_years_between_runs_are_rare() -> None:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
    (rare,) = lint(cron("0 0 29 2 +MON", tz="UTC"), start=start, end=end)
    assert (rare.code, rare.at) == ("RARE", datetime(2044, 2, 29, tzinfo=UTC))
    assert "once()" in rare.message
    assert lint(cron("0 0 29 2 *", tz="UTC"), start=start, end=end) == []


@pytest.mark.parametrize(
    ("expression", "item", "better"),
    [
        ("*/7 * * * *", "*/7", "*/6"),
        ("0/45 * * * *", "0/45", "*/30"),
        ("0 */5 * * *", "*/5", "*/4"),
        ("*/13 * * * * *", "*/13", "*/12"),
    ],
)
def test_a_step_that_does_not_divide_its_unit_is_uneven(expression: str, item: str, better: str) -> None:
    (uneven,) = found(expression, tz="UTC")
    assert uneven.code == "UNEVEN"
    assert f"'{item}' is uneven" in uneven.message
    assert f"write {better}, or every(...)" in uneven.message


@pytest.mark.parametrize("expression", ["*/15 * * * *", "0 */6 * * *", "5/7 * * * *", "0-30/7 * * * *"])
def test_a_step_that_divides_or_does_not_start_over_is_even(expression: str) -> None:
    assert found(expression, tz="UTC") == []


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("0 0 */5 * MON", "'*/5' and 'MON' must both be right; say days='and' or 'or'"),
        ("0 22-2 * * *", "'22-2' in the hour wraps around"),
        ("0 0 * NOV-FEB *", "'NOV-FEB' in the month wraps around"),
        ("0 0 * * FRI-MON", "'FRI-MON' in the day of week wraps around"),
    ],
)
def test_what_crons_do_not_agree_on_is_a_dialect(expression: str, says: str) -> None:
    (dialect,) = found(expression, tz="UTC")
    assert dialect.code == "DIALECT"
    assert says in dialect.message


def test_the_parts_of_a_trigger_are_looked_at() -> None:
    nightly = cron("30 2 * * *", tz="America/New_York")
    assert codes(any_of(nightly, every(60, start=START))) == ["MOVED"]
    assert codes(nightly.excluding([date(2024, 1, 1)]).between(START, END)) == ["MOVED"]
    assert codes(calendar(days=1, at=time(2, 30), tz="America/New_York", start=date(2024, 1, 1))) == ["MOVED"]


def test_a_window_has_a_length() -> None:
    with pytest.raises(ValueError, match="start must be before end"):
        lint(cron("* * * * *", tz="UTC"), start=END, end=START)
