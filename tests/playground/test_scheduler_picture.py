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


def test_a_paused_worker_begins_nothing_and_the_end_of_its_run_is_refused() -> None:
    run = trace(kill=None, pause=(2, 20.0, 30.0), workers=3, seconds=4.0, seed=2)
    assert not any(20.0 <= start < 50.0 for start in run.starts[1])
    assert run.refused[1][:1] == (50.0,)
    assert any(start > 50.0 for start in run.starts[1])
    assert run.succeeded == run.jobs


def test_without_aging_jobs_of_priority_0_starve_behind_urgent_ones() -> None:
    strict, aging = (trace(kill=None, workers=1, rate=0.5, urgent=0.7, aging=seconds) for seconds in (None, 2.0))
    assert strict.longest_wait > aging.longest_wait + 10


def test_what_fails_is_run_again() -> None:
    run = trace(kill=None, rate=0.3, fail=0.5)
    assert sum(map(len, run.failed)) > 5
    assert run.runs_per_success > 1.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 7}, "workers must be from 1 to 6, got 7"),
        ({"rate": 0}, "rate must be from 0.1 to 10"),
        ({"seconds": 11}, "seconds must be from 0.1 to 10"),
        ({"lease": 1}, "lease must be from 2 to 30"),
        ({"batch": 51}, "batch must be from 1 to 50"),
        ({"hold": 0}, "hold must be from 0.1 to 120"),
        ({"aging": 121}, "aging must be from 0 to 120"),
        ({"urgent": 2}, "urgent must be from 0 to 1"),
        ({"fail": 1}, "fail must be from 0 to 0.9"),
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
    out = " ".join(capsys.readouterr().out.split())
    assert "worker 3" in out
    assert "runs for each that succeeded" in out
