"""Late ticks by hand: after three hours of silence, and after clocks that were set."""

from datetime import UTC, datetime, timedelta

import pytest

from lldkit.scheduler.cron import cron
from lldkit.scheduler.misfire import Due, Misfire, due
from lldkit.scheduler.triggers import every

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIVE = cron("*/5 * * * *", tz="UTC")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("misfire", "emitted"), [("latest", 1), ("all", 36), ("skip", 0)])
def test_after_three_hours_of_silence(misfire: Misfire, emitted: int) -> None:
    found = due(FIVE, after=NOON, now=NOON + timedelta(hours=3, minutes=2), misfire=misfire)
    assert len(found.runs) == emitted
    assert list(found.runs) == [NOON + 5 * MINUTE * n for n in range(37 - emitted, 37)]
    assert found.missed == 36 - emitted


def test_catching_up_is_bounded_and_what_is_given_up_is_counted() -> None:
    found = due(FIVE, after=NOON, now=NOON + timedelta(hours=3), misfire="all", max_catch_up=10)
    assert [run - NOON for run in found.runs] == [5 * MINUTE * n for n in range(27, 37)]
    assert found.missed == 26


@pytest.mark.parametrize("misfire", ["latest", "all", "skip"])
def test_a_run_on_time_is_emitted_by_every_policy(misfire: Misfire) -> None:
    assert due(FIVE, after=NOON, now=NOON + 5 * MINUTE, misfire=misfire) == Due((NOON + 5 * MINUTE,), 0)
    assert due(FIVE, after=NOON, now=NOON + 6 * MINUTE, misfire=misfire) == Due((NOON + 5 * MINUTE,), 0)
    assert due(FIVE, after=NOON, now=NOON + 5 * MINUTE - timedelta.resolution, misfire=misfire) == Due((), 0)


def test_a_run_that_was_emitted_is_not_due_again() -> None:
    assert due(FIVE, after=NOON, now=NOON) == Due((), 0)
    assert due(FIVE, after=NOON, now=NOON - timedelta(hours=1)) == Due((), 0)  # the clock was set back


@pytest.mark.parametrize(("misfire", "emitted"), [("latest", 1), ("all", 3), ("skip", 3)])
def test_a_grace_says_how_late_is_too_late(misfire: Misfire, emitted: int) -> None:
    now = NOON + timedelta(hours=3, minutes=2)
    found = due(FIVE, after=NOON, now=now, misfire=misfire, grace_seconds=720)
    assert (len(found.runs), found.missed) == (emitted, 36 - emitted)
    assert due(FIVE, after=NOON, now=now, misfire=misfire, grace_seconds=119) == Due((), 36)


def test_counting_what_was_missed_ends() -> None:
    found = due(every(1, start=NOON), after=NOON, now=NOON + timedelta(days=365))
    assert found == Due((NOON + timedelta(days=365),), 1_000)
