"""Decisions by hand: what each figure means, for one quota and for several."""

import pytest

from lldkit.rate_limiter import BucketVerdict, CountedVerdict, Decision, Promised, per_second
from lldkit.rate_limiter.decision import CombinedDecision

FIGURES = ("allowed", "quota", "remaining", "retry_after_us", "reset_after_us", "refill_after_us", "delay_us")
TEN = per_second(10, burst=3, name="ten")
SCALE, UNIT = TEN.rate  # ticks a microsecond, ticks a unit: a unit takes 100 000 us
GRANTED = BucketVerdict((True, TEN, UNIT, 0))
REFUSED = BucketVerdict((False, TEN, UNIT, 2))
PROMISED = BucketVerdict((True, TEN, -UNIT, 0))
NEVER = BucketVerdict((False, TEN, 3 * UNIT, 4))
COUNTED = CountedVerdict(per_second(5), False, 2, 700, 900, 300)


def figures(decision: Decision) -> tuple[object, ...]:
    return tuple(getattr(decision, name) for name in FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_decision_without_figures_is_an_error_and_not_a_refusal(name: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(Decision(), name)


def test_a_bucket_tells_every_figure() -> None:
    assert figures(GRANTED) == (True, TEN, 1, 0, 200_000, 100_000, 0)
    assert figures(REFUSED) == (False, TEN, 1, 100_000, 200_000, 100_000, 0)
    assert figures(PROMISED) == (True, TEN, 0, 0, 400_000, 200_000, 100_000)
    assert (NEVER.retry_after_us, NEVER.retry_after) == (None, float("inf"))
    assert (bool(GRANTED), bool(REFUSED), GRANTED.by_quota) == (True, False, (GRANTED,))


def test_a_queue_behind_a_call_is_served_when_the_bucket_has_room_for_all() -> None:
    assert [REFUSED.served_after_us(units) for units in (0, 3)] == [100_000, 400_000]
    assert [GRANTED.served_after_us(units) for units in (0, 3)] == [0, 200_000]
    granted = CountedVerdict(per_second(5), True, 2, 0, 900, 300, 50)
    assert (COUNTED.served_after_us(3), granted.served_after_us(3)) == (700, 50)  # counted figures know no queue


def test_counted_figures_are_told_as_they_were_counted() -> None:
    assert figures(COUNTED) == (False, per_second(5), 2, 700, 900, 300, 0)
    assert (COUNTED.retry_after, COUNTED.reset_after, COUNTED.refill_after) == (0.0007, 0.0009, 0.0003)


def test_a_promise_tells_the_figures_of_its_verdict() -> None:
    promised = Promised(PROMISED, ("state", 1))
    assert figures(promised) == figures(PROMISED)
    assert (promised.served_after_us(2), promised.verdict, promised.promise) == (300_000, PROMISED, ("state", 1))


def test_the_tightest_quota_speaks_for_several_and_the_slowest_serves() -> None:
    wide = BucketVerdict((True, per_second(10, burst=9), 8 * UNIT, 0))
    assert figures(CombinedDecision([wide, GRANTED])) == figures(GRANTED)
    assert figures(CombinedDecision([REFUSED, COUNTED])) == figures(REFUSED)
    both = CombinedDecision([wide, PROMISED])
    assert (both.delay_us, both.served_after_us(1), both.by_quota) == (100_000, 200_000, (wide, PROMISED))


def test_a_decision_shows_its_figures() -> None:
    shown = "Decision(allowed=False, limit=10, remaining=1, retry_after=0.1, reset_after=0.2, quota='ten')"
    assert [repr(REFUSED), repr(CombinedDecision([REFUSED]))] == [shown, shown]


def test_no_decision_has_a_dict() -> None:
    """One is built on every call; and where there is no dict, nobody can write a figure that does not exist."""
    decisions = [GRANTED, COUNTED, Promised(GRANTED, ()), CombinedDecision([GRANTED])]
    assert [hasattr(decision, "__dict__") for decision in decisions] == [False] * 4
