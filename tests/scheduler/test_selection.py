"""Ranks, the room of groups, and what parents say; timelines by hand."""

import pytest

from lldkit.clock import MICRO
from lldkit.scheduler import JobState, Limit
from lldkit.scheduler.selection import Places, Say, head_start, say_of_parents
from lldkit.scheduler.transitions import admitted
from scheduler.helpers import a_job, wish


def rank(second: float, priority: int, aging: float | None = 60.0) -> int:
    job = a_job(head_start=head_start(priority, aging))
    return admitted(job, 1, round(second * MICRO), waits=False).rank


def test_a_flood_of_a_priority_passes_a_job_only_for_as_long_as_the_priority_is_worth() -> None:
    waits = rank(0, 0)
    assert rank(179.999, 3) < waits
    assert rank(180.001, 3) > waits
    assert rank(10, -1) > rank(69, 0)


def test_without_aging_the_higher_priority_always_goes_first() -> None:
    year = 365 * 86_400
    assert rank(8 * year, 1, None) < rank(0, 0, None)
    assert rank(0, -9, None) > rank(8 * year, -8, None)
    assert abs(rank(60 * year, 9, None)) < 2**53
    assert abs(rank(60 * year, -9, None)) < 2**53


def test_places_are_taken_until_the_group_is_full() -> None:
    places = Places(wish(limits={"g": Limit(running=3)}), {"g": 1, "free": 99}, lambda _: None, 0)
    assert places.full == set()
    assert [places.take("g") for _ in range(3)] == [True, True, False]
    assert places.full == {"g"}
    assert places.take("free")
    assert places.take(None)


def test_jobs_without_a_group_have_no_limit() -> None:
    places = Places(wish(group_limit=Limit(running=1, per_second=1)), {}, lambda _: None, 0)
    assert [places.take(None) for _ in range(3)] == [True, True, True]


def test_a_group_that_is_full_already_is_known_before_anybody_asks() -> None:
    assert Places(wish(group_limit=Limit(running=1)), {"g": 1}, lambda _: None, 0).full == {"g"}
    assert Places(wish(group_limit=Limit(running=1), limits={"g": Limit()}), {"g": 1}, lambda _: None, 0).full == set()


def test_a_rate_lets_its_burst_pass_and_then_one_per_interval() -> None:
    states: dict[str, object] = {}

    def starts(at: float) -> int:
        places = Places(wish(limits={"g": Limit(per_second=2, burst=3)}), {}, states.get, round(at * MICRO))
        count = sum(places.take("g") for _ in range(10))
        states.update(places.rates)
        return count

    assert [starts(at) for at in (0.0, 0.4, 0.5, 0.9, 1.0, 9.0)] == [3, 0, 1, 0, 1, 3]


def test_a_rate_below_one_per_second_is_exact() -> None:
    places = [Places(wish(limits={"g": Limit(per_second=1 / 60)}), {}, lambda _: None, 0)]
    assert [places[0].take("g") for _ in range(2)] == [True, False]
    state = places[0].rates["g"]
    for at, passes in ((59.9, False), (60.0, True)):
        later = Places(wish(limits={"g": Limit(per_second=1 / 60)}), {}, lambda _, s=state: s, round(at * MICRO))  # type: ignore[misc]
        assert later.take("g") is passes


@pytest.mark.parametrize(
    ("policy", "states", "says"),
    [
        ("cancel", [], Say.GO),
        ("cancel", ["succeeded", "succeeded"], Say.GO),
        ("cancel", ["succeeded", "running"], Say.WAIT),
        ("cancel", ["running", "dead"], Say.CANCEL),
        ("cancel", ["cancelled"], Say.CANCEL),
        ("hold", ["dead"], Say.WAIT),
        ("hold", ["succeeded"], Say.GO),
        ("run", ["dead", "cancelled", "succeeded"], Say.GO),
        ("run", ["dead", "ready"], Say.WAIT),
    ],
)
def test_what_parents_say(policy: str, states: list[str], says: Say) -> None:
    record = admitted(a_job(), 1, 0, waits=False)
    parents = [record._replace(state=JobState(state)) for state in states]
    assert say_of_parents(a_job(on_parent_failure=policy), parents) is says
