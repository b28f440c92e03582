"""The picture of processes shows what really happened."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lldkit.playground.metrics_processes import picture, trace


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert trace(seed=3) == trace(seed=3)
    assert trace(seed=3) != trace(seed=4)


def test_with_start_ids_the_total_never_falls_and_lacks_only_what_was_not_written() -> None:
    run = trace(restarts_per_minute=10)
    totals = [total for _, total in run.with_start_ids]
    assert all(before <= after for before, after in pairwise(totals))
    happened = run.happened[-1][1]
    waiting = 4 * 2 * 40  # four workers, two seconds, at most forty requests in each
    assert happened - run.unflushed - waiting <= totals[-1] <= happened - run.unflushed
    assert run.unflushed > 0


def test_without_them_each_death_takes_its_count_along() -> None:
    run = trace(restarts_per_minute=10)
    assert any(after < before for (_, before), (_, after) in pairwise(run.without))
    assert run.without[-1][1] < 0.6 * run.happened[-1][1]


def test_without_deaths_both_agree() -> None:
    run = trace(restarts_per_minute=0)
    assert run.with_start_ids == run.without
    assert (run.unflushed, run.deaths) == (0, ((), (), (), ()))


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"rate": 0}, {"restarts_per_minute": 31}, {"flush_seconds": 0}])
def test_parameters_out_of_bounds_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be from"):
        trace(**arguments)


def test_the_figure_is_well_formed_and_says_what_is_missing() -> None:
    figure = picture(trace())
    assert ET.fromstring(figure.to_svg()).tag.endswith("svg")
    assert "where the pid alone does" in figure.description
