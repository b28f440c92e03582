"""The picture of payments shows what really happened, and what is to be noticed is there."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.payments import day, demo


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert day(payments=10, seed=3) == day(payments=10, seed=3)
    assert day(payments=10, seed=3) != day(payments=10, seed=4)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_lost_and_however_often_the_shop_dies_each_payment_is_one_charge(seed: int) -> None:
    run = day(payments=25, lost_before=0.2, lost_after=0.3, unavailable=0.2, duplicates=0.5, crash_every=30, seed=seed)
    assert run.deaths > 10
    assert run.charges == 25
    last = run.samples[-1]
    assert last.states == {"captured": 25}
    assert last.at_gateway == last.in_ledger == 25 * 100_00


def test_unknown_outcomes_rise_and_drain_and_the_two_lines_part_and_meet() -> None:
    run = day()
    unknown = [sample.states["outcome_unknown"] for sample in run.samples]
    assert max(unknown) >= 2
    assert unknown[-1] == 0
    apart = [sample.at_gateway - sample.in_ledger for sample in run.samples]
    assert max(apart) >= 100_00
    assert min(apart) == apart[-1] == 0


def test_on_a_quiet_day_nothing_is_ever_unknown() -> None:
    run = day(payments=20, lost_before=0, lost_after=0, unavailable=0, duplicates=0, crash_every=0)
    assert run.deaths == 0
    assert all(sample.states["outcome_unknown"] == 0 for sample in run.samples)
    assert all(sample.at_gateway == sample.in_ledger for sample in run.samples)


@pytest.mark.parametrize("arguments", [{"payments": 9}, {"lost_after": 0.4}, {"crash_every": 51}, {"delay": -1}])
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be from"):
        day(**arguments)


def test_the_figure_is_well_formed() -> None:
    assert ET.fromstring(demo().to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_day_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "payments", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A day of payments over a gateway that loses answers")
    assert out.rstrip().endswith("Next: lldkit payments explore --scenario capture")
