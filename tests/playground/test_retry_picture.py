"""The picture of retry shows what really happened."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.retry import compare, demo, jitters, picture, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(clients=20, seed=3) == trace(clients=20, seed=3)
    assert trace(clients=20, seed=3) != trace(clients=20, seed=4)


def test_without_a_budget_the_outage_outlives_its_cause_and_with_one_it_does_not() -> None:
    without, bounded = trace(), trace(budget=0.1)
    assert without.load(0, 10) == bounded.load(0, 10) == 1.0
    assert without.load(30, 60) > 3.0
    assert bounded.load(10, 20) < 1.15
    assert bounded.load(21, 60) < 1.02


def test_the_first_attempts_are_the_same_whatever_the_policy() -> None:
    assert sum(trace(clients=9, attempts=1).offered) == sum(trace(clients=9, attempts=1).first)
    assert trace(clients=9).first == trace(clients=9, attempts=6, seed=7).first


def test_without_jitter_the_herd_comes_back_as_one() -> None:
    texts = {kind: "\n".join(jitters([kind]).to_lines(width=80)) for kind in ("none", "full")}
    assert texts["none"] != texts["full"]
    panel: Any = jitters(["none"]).panels[0]
    assert max(height for _, height in panel.marks[0].points) == 200.0
    panel = jitters(["full"]).panels[0]
    assert max(height for _, height in panel.marks[0].points) < 60.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clients": 501}, "clients must be from 1 to 500, got 501"),
        ({"failing": 1.1}, "failing must be from 0 to 1"),
        ({"attempts": 7}, "attempts must be from 1 to 6"),
        ({"base": -1}, "base must be from 0 to 10"),
        ({"cap": 61}, "cap must be from 0 to 60"),
        ({"budget": 0.6}, "budget must be from 0 to 0.5"),
        ({"jitter": "some"}, "jitter must be one of none, full"),
        ({"outage": (9, 3)}, "outage must be a span"),
    ],
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(**arguments)


def test_the_figures_are_well_formed() -> None:
    run = trace(clients=30)
    for figure in (picture(run), compare([run, run]), jitters(), demo()):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_outage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "retry", "--ascii"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "4.0 attempts without a budget, 1.0 with one" in out
    assert out.rstrip().endswith("Next: lldkit kata start retry")
