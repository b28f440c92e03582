"""The table of planted bugs: each is found soon enough, by its kind; each repaired twin stays clean."""

import os

import pytest

from interleave.planted import PLANTED, Planted
from lldkit.interleave import Kind, RandomWalk, Verdict, explore
from lldkit.interleave.pct import Pct

WITH_TWIN = [one for one in PLANTED if one.twin is not None]


def named(one: Planted) -> str:
    return one.name


@pytest.mark.parametrize("planted", PLANTED, ids=named)
def test_a_planted_bug_is_found_whatever_the_seed(planted: Planted) -> None:
    slow = Kind.LIVELOCK in planted.kinds  # every run of it takes all the steps there are
    for seed in range(3 if slow else 20):
        report = explore(planted.bug, schedules=planted.find, seed=seed, shrink=False, max_steps=4_000)
        assert report.failure is not None, f"seed {seed}: {report}"
        assert report.failure.kind in planted.kinds
        assert len(report.failure.cycle) == planted.cycle or not planted.cycle


@pytest.mark.parametrize("planted", WITH_TWIN, ids=named)
def test_the_repaired_twin_stays_clean(planted: Planted) -> None:
    assert planted.twin is not None
    schedules = int(os.environ.get("LLDKIT_SCHEDULES", "1000" if planted.proof else "10000"))  # no need if proved
    report = explore(planted.twin, schedules=schedules)
    assert report.verdict is Verdict.NOT_FOUND, str(report)
    assert report.schedules == schedules


def test_a_random_walk_misses_what_priorities_find_at_once() -> None:
    order = next(one for one in PLANTED if one.name == "first of twenty").bug
    assert explore(order, schedules=100, strategy=RandomWalk()).verdict is Verdict.NOT_FOUND
    assert explore(order, schedules=20, strategy=Pct(1)).verdict is Verdict.FAILED
