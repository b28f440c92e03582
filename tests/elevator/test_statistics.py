"""Intervals, beside tables and synthetic pairs whose difference is known."""

from random import Random

import pytest

from lldkit.elevator import Difference, Eta, LongestQueueFirst, Summary, Traffic, compare, crites_barto
from lldkit.elevator.statistics import Passengers, paired, t_quantile, unpaired


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 7, 2.365),
        (0.975, 19, 2.093),
        (0.95, 10, 1.812),
        (0.995, 30, 2.750),
    ],
)
def test_quantiles_are_those_of_the_printed_tables(probability: float, freedom: int, quantile: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(quantile, abs=5e-4)


def test_a_dispatcher_and_itself_differ_by_exactly_nothing() -> None:
    bed = crites_barto(), Traffic.crites_barto()
    both = {"a": LongestQueueFirst(), "b": LongestQueueFirst()}
    result = compare(*bed, both, seeds=range(3), hours=0.3)
    assert result.paired("a", "b") == Difference(0.0, 0.0, 0.0, significant=False, n=3)
    assert "indistinguishable" in result.verdict("a", "b")


def test_intervals_cover_a_known_difference_as_often_as_they_say() -> None:
    rng, covered = Random(7), 0
    for _ in range(400):
        people = [rng.gauss(20.0, 3.0) for _ in range(12)]
        a = [x + rng.gauss(1.0, 0.5) for x in people]
        b = [x + rng.gauss(0.0, 0.5) for x in people]
        covered += paired(a, b).low <= 1.0 <= paired(a, b).high
    assert 0.92 <= covered / 400 <= 0.98


def test_pairs_say_more_than_runs_with_other_people() -> None:
    bed = crites_barto(), Traffic.crites_barto()
    two = {"mild": Eta(1.5), "stern": Eta(3.0)}
    result = compare(*bed, two, seeds=range(4), hours=0.5)
    same, other = result.paired("mild", "stern"), result.unpaired("mild", "stern")
    assert same.mean == pytest.approx(other.mean)
    assert same.high - same.low < other.high - other.low
    assert f"over other people {other.low:+.2f} to {other.high:+.2f}" in result.table()


def test_summaries_by_hand() -> None:
    summary = Summary.of([4.0, 1.0, 3.0, 2.0])
    assert summary == Summary(4, 2.5, 7.5, 2.0, 4.0, 4.0, 4.0)
    assert Summary.of([]).n == 0


def test_intervals_by_hand() -> None:
    # differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 4.303
    found = paired([1.0, 3.0, 5.0], [0.0, 1.0, 2.0])
    assert found.mean == 2.0
    assert found.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-3)
    assert not found.significant
    assert paired([5.0], [1.0]).significant is False
    assert unpaired([1.0, 1.0], [1.0, 1.0]) == Difference(0.0, 0.0, 0.0, significant=False, n=2)
    with pytest.raises(ValueError, match="no pairs"):
        paired([], [])


def test_a_time_that_has_not_come_is_none() -> None:
    people = Passengers([(1.0, 0, 3), (2.0, 0, 3), (3.0, 3, 0)], [4.0, 5.0, -1.0], [9.0, -1.0, -1.0], [1, 1, -1])
    assert [(p.boarded, p.alighted, p.car) for p in people] == [(4.0, 9.0, 1), (5.0, None, 1), (None, None, None)]
    assert people[1:][0] == people[1] == people[-2]
    assert people.waits(2.0) == [3.0]
    assert people.journeys(0.0) == [8.0]
