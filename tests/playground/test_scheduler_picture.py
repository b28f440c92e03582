"""The picture of the scheduler shows what really happened."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.scheduler import compare, demo, picture, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(seed=3) == trace(seed=3)
    assert trace(seed=3) != trace(seed=4)


def test_without_a_heartbeat_long_jobs_run_twice_and_their_first_end_is_refused() -> None:
    beating, silent = trace(kill=None), trace(kill=None, heartbeat=False)
    assert beating.runs_per_success == 1.0
    assert not any(beating.refused)
    assert silent.runs_per_success > 1.3
    assert any(silent.refused)
    assert silent.succeeded < beating.succeeded


def test_a_killed_worker_begins_nothing_any_more_and_its_job_runs_elsewhere() -> None:
    run = trace(kill=(1, 30.0), rate=0.3, seed=1)
    assert max(run.starts[0]) < 30.0
    assert run.succeeded == run.jobs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 7}, "workers must be from 1 to 6, got 7"),
        ({"rate": 0}, "rate must be from 0.1 to 10"),
        ({"seconds": 11}, "seconds must be from 0.1 to 10"),
        ({"lease": 1}, "lease must be from 2 to 30"),
        ({"batch": 51}, "batch must be from 1 to 50"),
        ({"hold": 0}, "hold must be from 0.1 to 120"),
    ],
)
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(**arguments)


def test_the_figures_are_well_formed() -> None:
    run = trace()
    for figure in (picture(run), compare([run, run]), demo()):
        assert ET.fromstring(figure.to_svg()).tag.endswith("svg")


def test_the_demo_draws_the_workers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "scheduler", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert "worker 3" in out
    assert "runs for each that succeeded" in out
