"""The picture of the rate limiter shows what really happened."""

from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground import compare, picture, trace
from lldkit.playground.rate_limiter import ALGORITHMS


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_seed_gives_the_same_trace_and_another_seed_another(algorithm: str) -> None:
    assert trace(algorithm, seed=3) == trace(algorithm, seed=3)
    assert trace(algorithm, seed=3) != trace(algorithm, seed=4)


def test_every_algorithm_sees_the_same_calls() -> None:
    calls = {algorithm: sorted([*run.admitted, *run.denied]) for algorithm in ALGORITHMS for run in [trace(algorithm)]}
    assert len({tuple(times) for times in calls.values()}) == 1


def test_what_is_to_be_noticed_is_there() -> None:
    runs = {algorithm: trace(algorithm) for algorithm in ALGORITHMS}
    most = {algorithm: max(height for _, height in run.trailing) for algorithm, run in runs.items()}
    assert runs["gcra"].admitted == runs["token_bucket"].admitted
    assert most["sliding_log"] == 10  # exact
    assert most["fixed_window"] > 15  # nearly doubles at the edge
    assert 10 < most["sliding_counter"] < most["fixed_window"]  # leans
    assert most["gcra"] <= 10 + 5  # burst + rate x 1 s


def test_a_quiet_limiter_denies_nothing() -> None:
    run = trace("gcra", rate=0, flood=0)
    assert (run.admitted, run.denied, max(height for _, height in run.trailing)) == ((), (), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 51}, "rate must be from 0 to 50, got 51"),
        ({"flood": -1}, "flood must be from 0 to 100"),
        ({"limit": 0}, "limit must be from 1 to 50"),
        ({"burst": 101}, "burst must be from 1 to 100"),
    ],
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace("gcra", **arguments)
    with pytest.raises(ValueError, match="algorithm must be one of gcra"):
        trace("leaky")


def test_the_figures_are_well_formed() -> None:
    for figure in (picture(trace()), compare([trace("gcra"), trace("fixed_window")])):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_run_and_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "rate_limiter", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("gcra: 10 per second, burst 5")
    assert out.rstrip().endswith("Next: lldkit kata start rate_limiter")
    assert out.isascii()


def test_an_unknown_demo_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["demo", "nonsense"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
