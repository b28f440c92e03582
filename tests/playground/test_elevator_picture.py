"""The picture of the elevator shows what really happened."""

from itertools import pairwise

import pytest

from lldkit.__main__ import main
from lldkit.playground.elevator import demo, picture, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(dispatcher="lqf", seed=3) == trace(dispatcher="lqf", seed=3)
    assert trace(dispatcher="lqf", seed=3) != trace(dispatcher="lqf", seed=4)


def test_both_dispatchers_of_the_demo_saw_the_same_people() -> None:
    nearest, ahead = trace(dispatcher="nearest"), trace()
    came = [sorted((at, floor) for at, floor, _ in run.calls) for run in (nearest, ahead)]
    assert set(came[0]) & set(came[1])
    assert ahead.wait.mean < nearest.wait.mean
    assert ahead.wait.p95 < nearest.wait.p95


def test_cars_stay_within_the_building_and_never_jump_a_floor() -> None:
    run = trace(dispatcher="look", traffic="lunch", floors=12, cars=3)
    for path in run.paths:
        floors = [floor for _, floor in path]
        assert set(floors) <= set(map(float, range(12)))
        assert all(abs(a - b) <= 1 for a, b in pairwise(floors))


def test_loads_do_not_pass_the_capacity() -> None:
    run = trace(dispatcher="lqf", traffic="up", capacity=6, percent=12.0)
    assert max(load for car in run.loads for _, load in car) == 6.0


def test_a_kiosk_carries_more_people_in_an_up_peak() -> None:
    collective, kiosk = (
        trace(dispatcher=name, traffic="up", floors=20, cars=6, percent=14.0) for name in ("lqf", "destination")
    )
    assert len(kiosk.calls) > 1.2 * len(collective.calls)
    assert kiosk.wait.mean < collective.wait.mean


def test_parking_shortens_the_wait_and_can_be_turned_off() -> None:
    parked, idle = trace(percent=2.0), trace(dispatcher="look-ahead, no parking", percent=2.0)
    assert parked.wait.mean < idle.wait.mean


def test_the_figure_names_both_dispatchers_and_their_waits() -> None:
    figure = picture([trace(dispatcher="fcfs"), trace(dispatcher="lqf")])
    assert "fcfs: mean wait" in figure.description
    assert "lqf: mean wait" in figure.description
    assert figure.to_svg() == picture([trace(dispatcher="fcfs"), trace(dispatcher="lqf")]).to_svg()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"floors": 2}, "floors must be from 4 to 40"),
        ({"cars": 9}, "cars must be from 1 to 8"),
        ({"percent": 30.0}, "percent must be from 1 to 25"),
        ({"dispatcher": "best"}, "dispatcher must be one of"),
        ({"traffic": "rush"}, "traffic must be one of"),
    ],
)
def test_parameters_out_of_bounds_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(**wrong)  # type: ignore[arg-type]


def test_the_demo_is_drawn_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "elevator", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert "people waiting" in out
    assert "Next: lldkit elevator" in out
    assert demo().panels
