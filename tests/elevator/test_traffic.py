"""Who arrives: shares, rates, batches and bins, over enough people to be sure, and by hand where there are few."""

from collections import Counter
from itertools import pairwise

import pytest

from elevator.helpers import building
from lldkit.elevator import Traffic, crites_barto
from lldkit.elevator.traffic import CRITES_BARTO_PROFILE

HOUSE = building(floors=10, cars=1)


def test_a_mix_has_its_shares() -> None:
    traffic = Traffic.mix(incoming=0.4, outgoing=0.5, interfloor=0.1, percent_per_5min=10.0, people=1000)
    people = traffic.arrivals(HOUSE, seed=1, seconds=30_000.0)
    assert len(people) == pytest.approx(10_000, rel=0.04)
    kinds = Counter("in" if p.origin == 0 else "out" if p.destination == 0 else "between" for p in people)
    assert kinds["in"] / len(people) == pytest.approx(0.4, abs=0.02)
    assert kinds["between"] / len(people) == pytest.approx(0.1, abs=0.02)
    assert all(a.at <= b.at for a, b in pairwise(people))


def test_the_bed_has_its_profile_every_hour() -> None:
    people = Traffic.crites_barto().arrivals(crites_barto(), seed=3, seconds=40 * 3600.0)
    assert {p.destination for p in people} == {0}
    slices = Counter(int(p.at // 300) % 12 for p in people)
    for number, persons in enumerate(CRITES_BARTO_PROFILE):
        assert slices[number] / 40 / 9 == pytest.approx(persons, rel=0.15)


def test_who_enters_and_who_goes_between_floors_are_added_on_request() -> None:
    people = Traffic.crites_barto(up_per_minute=2.0, interfloor=0.5).arrivals(HOUSE, seed=3, seconds=10 * 3600.0)
    assert sum(p.origin == 0 for p in people) == pytest.approx(1200, rel=0.1)
    upper = [p for p in people if p.origin != 0]
    assert sum(p.destination != 0 for p in upper) / len(upper) == pytest.approx(0.5, abs=0.03)


def test_groups_come_together_and_keep_the_rate() -> None:
    traffic = Traffic.mix(
        incoming=1.0, outgoing=0.0, interfloor=0.0, percent_per_5min=10.0, people=1000, batch_mean=3.0
    )
    people = traffic.arrivals(HOUSE, seed=5, seconds=30_000.0)
    assert len(people) == pytest.approx(10_000, rel=0.06)
    assert len(people) / len({p.at for p in people}) == pytest.approx(3.0, rel=0.06)


def test_matrices_hold_for_their_bins() -> None:
    up, down = [[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]
    traffic = Traffic.od([up, down], [0.5, 0.1], bin_seconds=100.0)
    people = traffic.arrivals(building(floors=2), seed=1, seconds=20_000.0)
    assert all(p.origin == int(p.at // 100) % 2 for p in people)
    assert sum(p.origin == 0 for p in people) == pytest.approx(5000, rel=0.06)


def test_a_trace_is_itself_in_order() -> None:
    traffic = Traffic.trace([(5.0, 3, 0), (1.0, 0, 2)])
    assert [tuple(p) for p in traffic.arrivals(HOUSE, seed=1, seconds=60.0)] == [(1.0, 0, 2), (5.0, 3, 0)]
    assert len(traffic.arrivals(HOUSE, seed=1, seconds=2.0)) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Traffic.crites_barto(interfloor=2.0), "interfloor must be"),
        (
            lambda: Traffic.mix(incoming=0, outgoing=0, interfloor=0, percent_per_5min=1, people=1),
            "at least one must be more",
        ),
        (lambda: Traffic.up_peak(percent_per_5min=-1, people=10), "percent_per_5min must be"),
        (lambda: Traffic.od([], [], bin_seconds=1.0), "a rate for each matrix"),
        (lambda: Traffic.od([[[0.0]]], [1.0], bin_seconds=1.0), "no positive weight"),
        (lambda: Traffic.crites_barto().with_manners(both=0.8, wrong=0.4), "wrong must be"),
    ],
)
def test_nonsense_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()
