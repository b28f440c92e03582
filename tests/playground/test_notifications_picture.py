"""The picture of notifications shows what really happened, and what is to be noticed is there."""

from functools import cache
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.notifications import NotificationDay, day, demo


@cache
def usual() -> NotificationDay:
    return day()


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert day(events_per_hour=20, seed=3) == day(events_per_hour=20, seed=3)
    assert day(events_per_hour=20, seed=3) != day(events_per_hour=20, seed=4)


def test_critical_stays_flat_while_low_piles_up_at_noon_and_drains() -> None:
    run = usual()
    assert max(each.waiting["low"] for each in run.samples) > 50
    assert max(each.waiting["critical"] for each in run.samples) <= 2
    assert run.samples[-1].waiting["low"] == 0


def test_the_outage_turns_into_fallbacks_and_ends_without_duplicates() -> None:
    run = usual()
    before = [each.fallbacks for each in run.samples if each.hour <= 15]
    after = [each.fallbacks for each in run.samples if each.hour > 16.2]
    assert max(before) == 0
    assert after[0] == after[-1] >= 5
    assert any(each.open for each in run.samples if 15 < each.hour <= 16)
    assert not run.samples[-1].open
    assert run.sends == run.keys


def test_without_an_outage_nothing_falls_back() -> None:
    run = day(outage_minutes=0, events_per_hour=60)
    assert run.samples[-1].fallbacks == 0
    assert not any(each.open for each in run.samples)


def test_who_sleeps_waits_and_the_morning_is_no_spike() -> None:
    asleep, awake = (day(events_per_hour=60, quiet_share=share, digest_seconds=0) for share in (1.0, 0.0))
    assert sum(each.verdicts["defer"] for each in asleep.samples) > 100
    assert sum(each.verdicts["defer"] for each in awake.samples) == 0
    sends = [later.sent - earlier.sent for earlier, later in pairwise(asleep.samples) if later.hour < 12]
    assert max(sends) <= 60  # 9 hours of a sixth of everybody are 90 messages, let go over half an hour


@pytest.mark.parametrize(
    "arguments", [{"events_per_hour": 9}, {"quiet_share": 1.1}, {"sms_per_hour": 0}, {"outage_minutes": 121}]
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be from"):
        day(**arguments)


def test_the_figure_is_well_formed() -> None:
    assert ET.fromstring(demo().to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_day_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "notifications", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A day of notifications")
    assert out.rstrip().endswith("Next: lldkit notifications diagram")
