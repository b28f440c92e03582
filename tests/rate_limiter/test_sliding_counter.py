"""Sliding counter: timelines worked out by hand."""

import pytest

from lldkit.rate_limiter import per_second, sliding_counter
from rate_limiter.timelines import MS, SECOND, Timeline


def test_the_previous_window_counts_for_the_part_that_the_period_still_covers() -> None:
    key = Timeline(sliding_counter, per_second(10))
    assert key.ask(900 * MS, cost=10)
    assert not key.ask(1_000 * MS)  # 10 x 1.0 + 1 > 10
    assert not key.ask(1_099_999)
    assert key.ask(1_100 * MS)  # 10 x 0.9 + 1 = 10
    assert not key.ask(1_199_999)


def test_a_refusal_in_a_full_window_waits_for_the_next_one_to_forget_enough() -> None:
    key = Timeline(sliding_counter, per_second(10))
    key.ask(500 * MS, cost=10)
    refused = key.ask(500 * MS, cost=4)  # 10 x (1 - e) + 4 <= 10 from e = 0.4 s of the next window
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.retry_after == pytest.approx(0.9)
    assert (refused.refill_after, refused.reset_after) == (0.6, 1.5)
    assert not key.ask(1_400 * MS - 1, cost=4)
    assert key.ask(1_400 * MS, cost=4)


def test_the_whole_limit_passes_again_when_two_windows_are_over() -> None:
    key = Timeline(sliding_counter, per_second(3))
    key.ask(0, cost=3)
    refused = key.ask(0, cost=3)
    assert refused.retry_after == 2.0
    assert not key.ask(2 * SECOND - 1, cost=3)
    assert key.ask(2 * SECOND, cost=3)


def test_a_cost_above_the_limit_can_never_pass() -> None:
    assert Timeline(sliding_counter, per_second(2)).ask(0, cost=3).retry_after == float("inf")


def test_a_clock_that_steps_back_never_grants_more() -> None:
    key = Timeline(sliding_counter, per_second(2))
    key.ask(5 * SECOND, cost=2)
    refused = key.ask(SECOND)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert not key.ask(5_500 * MS)


def test_what_was_counted_stays_counted_when_the_period_changes() -> None:
    key = Timeline(sliding_counter, per_second(10))
    key.ask(500 * MS, cost=8)
    key.quota = per_second(10, name="other")
    assert key.ask(1_500 * MS, cost=0).remaining == 6  # 8 x 0.5 = 4 are owed
    key.quota = type(key.quota)(10, 7.0, 10)
    assert key.ask(1_500 * MS, cost=0).remaining == 6


def test_a_state_is_idle_when_both_windows_are_over() -> None:
    quota = per_second(10)
    key = Timeline(sliding_counter, quota)
    key.ask(900 * MS)
    assert sliding_counter.idle_at(quota, key.state) == 2 * SECOND
