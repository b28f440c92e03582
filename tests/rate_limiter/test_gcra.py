"""GCRA and the token bucket: timelines worked out by hand. Both decide alike, so both are asked."""

from typing import Any

import pytest

from lldkit.rate_limiter import Algorithm, gcra, per_second, token_bucket
from rate_limiter.timelines import MS, SECOND, Timeline


@pytest.fixture(params=[gcra, token_bucket], ids=lambda algorithm: algorithm.name)
def bucket(request: pytest.FixtureRequest) -> Algorithm[Any]:
    algorithm: Algorithm[Any] = request.param
    return algorithm


def test_a_burst_passes_and_then_one_unit_per_interval(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=3))
    assert [bool(key.ask(0)) for _ in range(4)] == [True, True, True, False]
    assert not key.ask(100 * MS - 1)
    assert key.ask(100 * MS)
    assert not key.ask(100 * MS)


def test_every_figure_of_a_refusal_is_exact(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=3))
    key.ask(0, cost=2)
    refused = key.ask(30 * MS, cost=3)  # 1.3 units are there: 1.7 lack, 0.7 lack to the next, 1.7 to a full bucket
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert (refused.retry_after, refused.refill_after, refused.reset_after) == (0.17, 0.07, 0.17)


def test_a_rate_that_does_not_divide_the_second_is_never_rounded(bucket: Algorithm[Any]) -> None:
    key, now = Timeline(bucket, per_second(3, burst=2)), 0
    assert key.ask(0)
    assert key.ask(0)
    for _ in range(300_000):  # 2 at once, then the 300 002nd passes after 300 000 / 3 s
        refused = key.ask(now)
        assert refused.retry_after_us is not None
        now += refused.retry_after_us
        assert key.ask(now)
    assert abs(now - 100_000 * SECOND) <= 1


def test_a_rate_near_the_clocks_resolution_is_exact(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(700_000, burst=2))
    admitted = sum(bool(key.ask(now)) for now in range(SECOND))
    assert abs(admitted - 700_001) <= 1


def test_ten_per_second_asked_every_hundred_milliseconds_is_never_refused(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=1))
    assert all(key.ask(step * 100 * MS) for step in range(1_000_000))


def test_retry_after_is_rounded_up_to_the_first_microsecond_that_passes(bucket: Algorithm[Any]) -> None:
    for limit in (3, 7, 700_000, 999_983):
        key = Timeline(bucket, per_second(limit, burst=1))
        assert key.ask(0)
        refused = key.ask(0)
        assert refused.retry_after_us == -(-SECOND // limit)
        assert not Timeline.ask(key, refused.retry_after_us - 1)
        assert key.ask(refused.retry_after_us)


def test_a_refused_call_consumes_nothing(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(1, burst=10))
    assert [bool(key.ask(0, cost)) for cost in (8, 8, 2)] == [True, False, True]


def test_a_cost_above_the_burst_can_never_pass(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=5))
    refused = key.ask(0, cost=6, max_delay=100 * SECOND)
    assert (refused.allowed, refused.retry_after, refused.remaining) == (False, float("inf"), 5)
    assert key.state is None


def test_cost_zero_only_looks(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=2))
    assert key.ask(0, cost=0).remaining == 2
    assert key.state is None
    key.promise(0, 2)
    key.promise(0, 2)
    assert key.ask(0, cost=0)  # looking is free even while units are promised
    assert key.ask(0, cost=0).remaining == 0


def test_a_clock_that_steps_back_never_grants_more(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=5))
    assert key.ask(10 * SECOND, cost=5)
    refused = key.ask(SECOND)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert not key.ask(10 * SECOND)
    assert key.ask(10 * SECOND + 100 * MS)


def test_units_are_promised_for_the_instant_at_which_they_are_there(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=2))
    assert key.ask(0, cost=2)
    verdict = key.ask(0, cost=2, max_delay=200 * MS)
    assert (verdict.allowed, verdict.delay_us, verdict.remaining) == (True, 200 * MS, 0)
    assert not key.ask(0, cost=1, max_delay=299 * MS)
    assert key.ask(0, cost=1, max_delay=300 * MS).delay_us == 300 * MS


def test_a_cancelled_promise_makes_room_for_the_next(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=2))
    key.ask(0, cost=2)
    promise = key.promise(0, 2)  # acts at 200 ms
    key.cancel(100 * MS, promise)
    assert key.ask(100 * MS, cost=2, max_delay=SECOND).delay_us == 100 * MS  # acts at 200 ms


def test_a_cancel_keeps_back_what_was_promised_after_it(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=2))
    key.ask(0, cost=2)
    first = key.promise(0, 2)  # acts at 200 ms
    assert key.ask(0, cost=1, max_delay=SECOND).delay_us == 300 * MS
    key.cancel(0, first)  # 2 - 1 = 1 unit comes back
    assert key.ask(0, cost=1, max_delay=SECOND).delay_us == 300 * MS
    assert key.ask(0, cost=1, max_delay=SECOND).delay_us == 400 * MS


def test_no_order_of_cancels_gives_back_more_than_was_promised(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=5))
    key.ask(0, cost=5)
    first, second = key.promise(0, 5), key.promise(0, 1)
    key.cancel(0, first)  # 5 - 1 = 4 come back
    key.cancel(0, second)  # and 1, not 5
    assert key.ask(0, cost=1, max_delay=SECOND).delay_us == 200 * MS


def test_a_promise_whose_time_has_come_gives_nothing_back(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(10, burst=2))
    key.ask(0, cost=2)
    promise = key.promise(0, 2)
    before = key.state
    key.cancel(200 * MS, promise)
    assert key.state == before


def test_what_is_owed_survives_a_change_of_the_rate(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(5, burst=2))
    key.ask(0, cost=2)
    assert key.ask(0, cost=2, max_delay=SECOND).delay_us == 400 * MS
    key.quota = per_second(10, burst=2)  # at 200 ms one unit is owed to an empty bucket, still
    assert key.ask(200 * MS, cost=1, max_delay=SECOND).delay_us == 200 * MS


def test_a_promise_made_under_another_rate_gives_nothing_back(bucket: Algorithm[Any]) -> None:
    key = Timeline(bucket, per_second(5, burst=2))
    key.ask(0, cost=2)
    promise = key.promise(0, 2)
    key.quota = per_second(10, burst=2)
    before = key.state
    key.cancel(0, promise)
    assert key.state == before


def test_a_state_is_idle_exactly_when_the_bucket_is_full_again(bucket: Algorithm[Any]) -> None:
    quota = per_second(3, burst=5)
    key = Timeline(bucket, quota)
    key.ask(0, cost=4)
    idle_at = bucket.idle_at(quota, key.state)
    assert idle_at == 1_333_334  # 4 / 3 s, rounded up
    assert key.ask(idle_at - 1, cost=0).reset_after_us == 1
    assert key.ask(idle_at, cost=0).reset_after_us == 0
