"""The picture of the configuration shows what really happened, and what is to be noticed is there."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.__main__ import main
from lldkit.playground.config import demo, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(seed=3) == trace(seed=3)
    assert trace(seed=3) != trace(seed=4)


def test_versions_only_rise_and_a_broken_edit_moves_nobody() -> None:
    run = trace(broken_share=0.5, edits_per_minute=20)
    bad = {version for at, version in run.head if at in run.broken}
    assert bad
    assert run.refused
    for steps in run.instances:
        assert all(earlier[1] <= later[1] for earlier, later in pairwise(steps))
        assert not bad & {version for _, version in steps}


def test_without_hints_the_lag_is_the_poll_interval() -> None:
    lags = trace(hint_loss=1, poll_seconds=20, broken_share=0).lags()
    assert 10 < max(lags) <= 20 * 1.2
    assert max(trace(hint_loss=0, poll_seconds=20, broken_share=0).lags()) <= 0.2


def test_a_partitioned_instance_serves_on_and_catches_up() -> None:
    run = trace(broken_share=0, hint_loss=0, edits_per_minute=20)
    start, end = run.partition
    moved = [at for at, _ in run.instances[0]]
    assert not any(start < at < end for at in moved)
    assert run.instances[0][-1][1] == run.instances[1][-1][1]


def test_the_rollback_arrives_as_a_higher_version() -> None:
    run = trace(broken_share=0, hint_loss=0)
    (version,) = (version for at, version in run.head if at == 80.0)
    assert all(version in {served for _, served in steps} for steps in run.instances)


@pytest.mark.parametrize("arguments", [{"edits_per_minute": 0}, {"broken_share": 0.6}, {"poll_seconds": 1}])
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be from"):
        trace(**arguments)


def test_the_figure_is_well_formed_and_the_demo_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ET.fromstring(demo().to_svg()).tag.endswith("svg")
    assert main(["demo", "config", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Five instances follow one document")
    assert "Next: lldkit config explain" in out
