"""Sliding log: timelines worked out by hand."""

from lldkit.rate_limiter import per_second, sliding_log
from rate_limiter.timelines import MS, SECOND, Timeline


def test_a_unit_exactly_one_period_old_no_longer_counts() -> None:
    key = Timeline(sliding_log, per_second(2))
    assert key.ask(0)
    assert key.ask(400 * MS)
    assert not key.ask(SECOND - 1)
    assert key.ask(SECOND)
    assert not key.ask(SECOND)


def test_every_figure_of_a_refusal_is_exact() -> None:
    key = Timeline(sliding_log, per_second(5))
    key.ask(0, cost=2)
    key.ask(300 * MS, cost=2)
    refused = key.ask(500 * MS, cost=4)  # 3 more must go: all of both entries
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert (refused.retry_after, refused.refill_after, refused.reset_after) == (0.8, 0.5, 0.8)


def test_refused_calls_leave_no_trace() -> None:
    key = Timeline(sliding_log, per_second(2))
    key.ask(0, cost=2)
    before = key.state
    for now in range(1_000):
        assert not key.ask(now)
    assert key.state is before


def test_a_cost_above_the_limit_can_never_pass() -> None:
    assert Timeline(sliding_log, per_second(2)).ask(0, cost=3).retry_after == float("inf")


def test_a_clock_that_steps_back_never_grants_more() -> None:
    key = Timeline(sliding_log, per_second(2))
    key.ask(5 * SECOND)
    key.ask(SECOND)  # counted as if at 5 s
    assert not key.ask(SECOND)
    assert not key.ask(6 * SECOND - 1)
    assert key.ask(6 * SECOND, cost=2)


def test_a_lowered_limit_is_owed_until_enough_has_gone() -> None:
    key = Timeline(sliding_log, per_second(5))
    for tenth in range(5):
        key.ask(tenth * 100 * MS)
    key.quota = per_second(2)
    refused = key.ask(500 * MS)  # 5 count against 2: four must go
    assert (refused.remaining, refused.retry_after, refused.refill_after) == (0, 0.8, 0.8)


def test_a_state_is_idle_when_its_youngest_entry_stops_counting() -> None:
    quota = per_second(5)
    key = Timeline(sliding_log, quota)
    key.ask(0)
    key.ask(300 * MS)
    assert sliding_log.idle_at(quota, key.state) == 1_300 * MS
