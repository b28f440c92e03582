"""The picture of metrics shows what really happened."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.charts import Ticks
from lldkit.playground.metrics import DISTRIBUTIONS, STROKES, Distribution, heat_strip, picture, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(rate=10, seed=3) == trace(rate=10, seed=3)
    assert trace(rate=10, seed=3) != trace(rate=10, seed=4)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_exponential_buckets_stay_within_what_they_promise(distribution: Distribution) -> None:
    run = trace(distribution, rate=20)
    assert 0.001 < run.error < 0.05
    for (_, exact), (_, estimate) in zip(run.exact, run.exponential, strict=True):
        assert abs(estimate - exact) <= run.error * exact * (1 + 1e-9)


def test_the_window_notices_a_shift_that_the_whole_life_hides() -> None:
    run = trace(q=0.5, rate=50)
    before, after = run.exact[40][1], run.exact[-1][1]
    assert after > 1.8 * before
    assert run.exponential[-1][1] > 1.8 * before
    assert run.lifetime[-1][1] < 1.6 * before


def test_explicit_buckets_are_off_by_more_than_exponential_ones() -> None:
    run = trace()
    off = [abs(estimate / exact - 1) for (_, exact), (_, estimate) in zip(run.exact, run.explicit, strict=True)]
    assert max(off) > 3 * run.error


def test_the_strip_shows_where_the_observations_fall() -> None:
    run = trace(rate=50)
    for at in {at for _, shares in run.shares for at, _ in shares}:
        assert sum(dict(shares).get(at, 0.0) for _, shares in run.shares) == pytest.approx(1)
    before, after = (
        sum(dict(shares).get(at, 0.0) for bound, shares in run.shares if bound <= 0.0625) for at in (60.0, 170.0)
    )
    assert (before > 0.3, after < 0.15) == (True, True)  # the median was 0.06, and is twice that
    lanes = {lane.name: len(lane.at) for lane in heat_strip(run).each(Ticks)}
    assert list(lanes) == sorted(lanes, key=lambda name: -float(name.split()[1]))
    assert sum(lanes.values()) == pytest.approx(STROKES * 90, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 9}, "rate must be from 10 to 1000, got 9"),
        ({"window": 5}, "window must be from 10 to 120"),
        ({"distribution": "flat"}, "distribution must be one of lognormal"),
        ({"q": 2, "rate": 10}, "q must be from 0 to 1"),
    ],
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(**arguments)


def test_the_figure_is_well_formed_and_the_demo_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert ET.fromstring(picture(trace(rate=10)).to_svg()).tag.endswith("svg")
    assert main(["demo", "metrics", "--ascii"]) == 0
    assert "Exponential buckets promise" in capsys.readouterr().out
