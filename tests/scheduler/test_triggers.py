"""Triggers without a calendar, and those that are made of others."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.scheduler.cron import cron
from lldkit.scheduler.interface import NeverFires
from lldkit.scheduler.triggers import BaseTrigger, any_of, every, once

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TICK = timedelta.resolution
MINUTE = timedelta(minutes=1)


def minutes(trigger: BaseTrigger, n: int = 4, after: datetime = NOON - TICK) -> list[float]:
    """The next runs, in minutes after noon."""
    return [(run - NOON) / MINUTE for run in trigger.next_runs(n, after=after)]


def test_an_interval_keeps_its_grid_however_late_one_asks() -> None:
    five = every(300, start=NOON)
    assert minutes(five) == [0, 5, 10, 15]
    assert minutes(five, 2, NOON + timedelta(seconds=340)) == [10, 15]
    assert minutes(five, 1, NOON + timedelta(days=1, seconds=-1)) == [24 * 60]


def test_an_interval_begins_with_its_start() -> None:
    five = every(300, start=NOON)
    assert five.next(NOON - timedelta(days=9)) == NOON
    assert five.prev(NOON) is None
    assert five.prev(NOON + TICK) == NOON
    assert five.prev(NOON + 5 * MINUTE) == NOON
    assert five.prev(NOON + 5 * MINUTE + TICK) == NOON + 5 * MINUTE


@given(st.floats(1e-6, 1e6), st.integers(-(10**12), 10**12))
def test_an_interval_never_drifts(seconds: float, late: int) -> None:
    trigger = every(seconds, start=NOON)
    step = timedelta(seconds=seconds)
    moment = NOON + timedelta(microseconds=late)
    run = trigger.next(moment)
    assert run is not None
    assert run > moment
    assert (run - NOON) % step == timedelta(0)
    assert run == NOON or run - step <= moment


def test_an_interval_ends_with_the_years() -> None:
    assert every(10**9, start=NOON).next(datetime(9999, 12, 31, tzinfo=UTC)) is None


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), 1e-9])
def test_an_interval_takes_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be"):
        every(seconds, start=NOON)


def test_once_is_once() -> None:
    trigger = once(NOON)
    assert minutes(trigger) == [0]
    assert trigger.next(NOON) is None
    assert trigger.prev(NOON) is None
    assert trigger.prev(NOON + TICK) == NOON


def test_a_union_has_the_runs_of_all_and_each_instant_once() -> None:
    both = any_of(every(120, start=NOON), every(180, start=NOON), once(NOON + 5 * MINUTE))
    assert minutes(both, 6) == [0, 2, 3, 4, 5, 6]
    assert both.prev(NOON + 6 * MINUTE) == NOON + 5 * MINUTE
    assert any_of(once(NOON)).next(NOON) is None
    with pytest.raises(ValueError, match="at least one trigger"):
        any_of()


def test_a_union_orders_by_time_also_in_a_fold() -> None:
    # 01:40 -04:00 comes before 01:10 -05:00, though the clock says otherwise.
    walls = cron("10,40 1 * * *", tz="America/New_York"), once(datetime(2024, 11, 3, 6, 20, tzinfo=UTC))
    runs = any_of(*walls).next_runs(3, after=datetime(2024, 11, 3, 5, tzinfo=UTC))
    assert [f"{run.astimezone(UTC):%H:%M}" for run in runs] == ["05:10", "05:40", "06:20"]


def test_dates_are_left_out_in_the_zone_of_the_trigger() -> None:
    nightly = cron("30 23 * * *", tz="Asia/Tokyo").excluding([date(2026, 1, 2), date(2026, 1, 3)])
    assert [run.day for run in nightly.next_runs(3, after=NOON)] == [1, 4, 5]
    found = nightly.prev(datetime(2026, 1, 4, 14, tzinfo=UTC))
    assert found is not None
    assert found.day == 1


def test_a_date_that_the_clock_comes_back_to_is_not_stepped_over() -> None:
    # At 00:01 of 7 November the clock is set back to 23:01 of the 6th.
    zone = ZoneInfo("America/St_Johns")
    runs = cron("*/30 * * * *", tz=zone).excluding([date(2010, 11, 7)])
    after = datetime(2010, 11, 6, 23, 20, tzinfo=zone)
    forth = runs.next_runs(3, after=after)
    assert [f"{run:%d %H:%M %z}" for run in forth] == ["06 23:30 -0230", "06 23:30 -0330", "08 00:00 -0330"]
    back = [runs.prev(forth[2]), runs.prev(forth[1])]
    assert [f"{run:%d %H:%M %z}" for run in back if run] == ["06 23:30 -0330", "06 23:30 -0230"]


def test_a_holiday_of_a_dense_trigger_is_stepped_over_at_once() -> None:
    class Counting(BaseTrigger):
        def __init__(self) -> None:
            self.asked = 0
            self.inner = cron("* * * * * *", tz="UTC")

        def next(self, after: datetime, /) -> datetime | None:
            self.asked += 1
            return self.inner.next(after)

        def prev(self, before: datetime, /) -> datetime | None:
            self.asked += 1
            return self.inner.prev(before)

        def explain(self) -> str:
            return "every second"

    counting = Counting()
    workdays = counting.excluding([date(2026, 1, day) for day in range(1, 11)])
    assert workdays.next(NOON) == datetime(2026, 1, 11, tzinfo=UTC)
    assert workdays.prev(datetime(2026, 1, 10, tzinfo=UTC)) == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert counting.asked <= 24


def test_what_another_trigger_does_is_left_out() -> None:
    trigger = every(60, start=NOON).excluding(every(180, start=NOON))
    assert minutes(trigger) == [1, 2, 4, 5]
    assert trigger.prev(NOON + 4 * MINUTE) == NOON + 2 * MINUTE


def test_what_leaves_nothing_is_said_instead_of_searched_for_ever() -> None:
    nothing = every(60, start=NOON).excluding(every(60, start=NOON))
    with pytest.raises(NeverFires, match="leaves none of"):
        nothing.next(NOON)


def test_the_end_of_a_gap_is_excluded_by_its_instant() -> None:
    nightly = cron("30 2 * * *", tz="America/New_York")
    moved = once(datetime(2024, 3, 10, 7, tzinfo=UTC))
    runs = nightly.excluding(moved).next_runs(2, after=datetime(2024, 3, 9, tzinfo=UTC))
    assert [run.day for run in runs] == [9, 11]


@pytest.mark.parametrize("what", [[NOON]])
def test_only_dates_are_excluded(what: Any) -> None:
    with pytest.raises(TypeError, match="dates without time"):
        once(NOON).excluding(what)


def test_bounds_hold_their_start_and_not_their_end() -> None:
    trigger = every(60, start=NOON - timedelta(days=1)).between(NOON, NOON + 3 * MINUTE)
    assert minutes(trigger, 9, NOON - timedelta(hours=1)) == [0, 1, 2]
    assert trigger.prev(NOON + timedelta(days=1)) == NOON + 2 * MINUTE
    assert trigger.prev(NOON + TICK) == NOON
    assert trigger.prev(NOON) is None
    with pytest.raises(ValueError, match="start must be before end"):
        once(NOON).between(NOON, NOON)


def test_bounds_are_instants() -> None:
    start = datetime.fromisoformat("2024-03-10T03:00-04:00")
    nightly = cron("30 2 * * *", tz="America/New_York").between(start, start + MINUTE)
    assert nightly.next_runs(2, after=datetime(2024, 1, 1, tzinfo=UTC)) == [start]


def test_so_many_runs_as_are_asked_for() -> None:
    assert once(NOON).next_runs(0, after=NOON) == []
    with pytest.raises(ValueError, match="n must be"):
        once(NOON).next_runs(-1, after=NOON)


def test_each_explains_itself_and_is_told_apart_by_its_text() -> None:
    tea = every(300, start=NOON)
    triggers = [
        tea,
        once(NOON),
        any_of(tea, once(NOON)),
        tea.excluding([date(2026, 1, 1)]),
        tea.excluding(once(NOON)),
        tea.between(NOON, NOON + MINUTE),
    ]
    assert [trigger.explain() for trigger in triggers] == [
        "every 300 seconds from 2026-01-01T12:00:00+00:00 on",
        "once, at 2026-01-01T12:00:00+00:00",
        "every 300 seconds from 2026-01-01T12:00:00+00:00 on; and once, at 2026-01-01T12:00:00+00:00",
        "every 300 seconds from 2026-01-01T12:00:00+00:00 on, but not on 2026-01-01",
        "every 300 seconds from 2026-01-01T12:00:00+00:00 on, but not together with once(2026-01-01T12:00:00+00:00)",
        f"every 300 seconds from {NOON.isoformat()} on, from {NOON.isoformat()} until before 2026-01-01T12:01:00+00:00",
    ]
    assert len({repr(trigger) for trigger in triggers}) == len(triggers)
