"""The published bed: short runs with honest bounds; docs/elevator.md has the tables over 8 x 30 hours."""

import pytest

from conftest import Vectors
from elevator.helpers import DISPATCHERS
from lldkit.elevator import Comparison, Traffic, compare, crites_barto


@pytest.fixture(scope="module")
def result() -> Comparison:
    names = ["lqf", "huff", "fcfs", "nearest", "look-ahead"]
    return compare(
        crites_barto(),
        Traffic.crites_barto(),
        {name: DISPATCHERS[name]() for name in names},
        seeds=range(40, 44),
        hours=2,
    )


def mean(result: Comparison, name: str, metric: str) -> float:
    values = result.values(name, metric)
    return sum(values) / len(values)


@pytest.mark.parametrize(("name", "row"), [("lqf", "LQF"), ("huff", "BASIC HUFF")])
def test_simple_rules_are_as_good_as_they_were_in_the_paper(
    result: Comparison, vectors: Vectors, name: str, row: str
) -> None:
    """Within 8, 12 and 3 %, and half as much again for the noise of 8 hours."""
    published = vectors.json("crites-barto", "tables.json")["tables"]["down_only"][row]
    assert mean(result, name, "wait.mean") == pytest.approx(published[0], rel=0.12)
    assert mean(result, name, "wait.mean_square") == pytest.approx(published[1], rel=0.18)
    assert mean(result, name, "journey.mean") == pytest.approx(published[2], rel=0.045)


def test_looking_ahead_reaches_the_search_that_knew_the_queues(result: Comparison, vectors: Vectors) -> None:
    published = vectors.json("crites-barto", "tables.json")["tables"]["down_only"]["ESA"]
    assert mean(result, "look-ahead", "wait.mean") <= published[0]
    assert mean(result, "look-ahead", "wait.mean_square") <= published[1]


def test_the_nearest_car_is_beaten_and_has_the_longer_tail(result: Comparison) -> None:
    assert result.paired("nearest", "lqf").significant
    assert mean(result, "nearest", "wait.mean") > mean(result, "lqf", "wait.mean")
    assert mean(result, "nearest", "wait.p99") > 1.3 * mean(result, "lqf", "wait.p99")


@pytest.mark.parametrize("up", [2.0, 4.0])
def test_with_people_who_enter_the_order_is_that_of_the_paper(up: float) -> None:
    names = ["look-ahead", "huff", "fcfs"]
    traffic = Traffic.crites_barto(up_per_minute=up)
    dispatchers = {name: DISPATCHERS[name]() for name in names}
    result = compare(crites_barto(), traffic, dispatchers, seeds=range(50, 54), hours=1)
    for better, worse in (("look-ahead", "huff"), ("huff", "fcfs")):
        difference = result.paired(better, worse)
        assert difference.significant, result.verdict(better, worse)
        assert difference.mean < 0
