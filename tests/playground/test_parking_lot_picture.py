"""The picture of the parking lot shows what really happened."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.parking_lot import compare, demo, picture, prices, trace


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert trace(seed=3) == trace(seed=3)
    assert trace(seed=3) != trace(seed=4)


def test_nearest_to_the_gate_starves_trucks_and_best_fit_does_not() -> None:
    fitting, greedy = trace(), trace(policy="nearest")
    assert len(greedy.refused_trucks) > 2 * len(fitting.refused_trucks)
    assert trace(policy="balanced").entered > 0


def test_spaces_are_held_before_reservations_and_no_shows_end_them() -> None:
    day = trace(reserved=0.5, no_show=0.4)
    assert max(held for _, held in day.held) > 3
    assert len(day.no_shows) > 5
    assert not any(held for _, held in trace(reserved=0.0).held)


def test_a_larger_lot_refuses_fewer_and_money_only_grows() -> None:
    small, large = trace(spaces=30), trace(spaces=200)
    assert small.refused > large.refused == 0
    assert list(small.revenue) == sorted(small.revenue)
    assert small.revenue[-1][1] > 100


def test_the_grid_shows_what_each_space_was_and_never_two_things_at_once() -> None:
    day = trace(reserved=0.4, no_show=0.4)
    spans = sorted((row, start, end) for kind in day.grid.values() for row, start, end in kind)
    assert all(0 <= start < end <= 24 for _, start, end in spans)
    for (row, _, end), (following, start, _) in pairwise(spans):
        assert row < following or end <= start
    assert len(day.grid["occupied"]) == day.entered
    soon = [end - start for _, start, end in day.grid["reserved soon"]]
    assert max(soon) == pytest.approx(0.25)  # the protected quarter of an hour
    assert max(end - start for _, start, end in day.grid["held"]) == pytest.approx(0.5)  # until a no-show ends it
    assert {(row, round(end, 6)) for row, _, end in day.grid["out of service"]} >= {(59, 15.0)}


def test_the_grid_has_as_many_occupied_spaces_as_the_signs_say() -> None:
    day = trace(reserved=0.0)
    for hour, regular in day.regular[::40]:
        large = dict(day.large)[hour]
        busy = sum(start <= hour + 1e-6 < end for kind in day.grid.values() for _, start, end in kind)
        assert busy == 60 - regular - large


def test_the_spring_night_is_one_hour_cheaper_and_the_autumn_night_one_dearer() -> None:
    spring, autumn = prices().panels[1].marks  # type: ignore[union-attr]
    assert (dict(spring.points)[6.0], dict(autumn.points)[6.0]) == (5 * 2.5, 7 * 2.5)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"arrivals": 9}, "arrivals must be from 10 to 400"),
        ({"stay": 500}, "stay must be from 20 to 480"),
        ({"spaces": 10}, "spaces must be from 20 to 500"),
        ({"gates": 4}, "gates must be from 1 to 3"),
        ({"reserved": 0.6}, "reserved must be from 0 to 0.5"),
        ({"no_show": 0.5}, "no_show must be from 0 to 0.4"),
        ({"trucks": 0.6}, "trucks must be from 0 to 0.5"),
        ({"policy": "worst"}, "policy must be one of"),
    ],
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(**arguments)


def test_the_figures_are_well_formed() -> None:
    day = trace()
    for figure in (picture(day), compare([day, day]), demo(), prices()):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")


def test_the_demo_draws_both_policies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "parking_lot", "--ascii"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "truck refused" in out
    assert "trucks were refused" in out
