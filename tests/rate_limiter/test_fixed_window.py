"""Fixed window: timelines worked out by hand."""

from lldkit.rate_limiter import Quota, fixed_window, per_second
from rate_limiter.timelines import MS, SECOND, Timeline


def key_of(quota: Quota) -> Timeline:
    return Timeline(fixed_window, quota)


def test_windows_are_aligned_to_multiples_of_the_period_so_an_edge_lets_two_limits_pass() -> None:
    key = key_of(per_second(10))
    assert sum(bool(key.ask(990 * MS)) for _ in range(20)) == 10
    assert sum(bool(key.ask(1_000 * MS)) for _ in range(20)) == 10


def test_every_figure_of_a_refusal_is_exact() -> None:
    key = key_of(per_second(3))
    key.ask(250 * MS, cost=2)
    refused = key.ask(250 * MS, cost=2)
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert (refused.retry_after, refused.refill_after, refused.reset_after) == (0.75, 0.75, 0.75)


def test_nothing_is_owed_by_an_untouched_key() -> None:
    look = key_of(per_second(3)).ask(250 * MS, cost=0)
    assert (look.remaining, look.retry_after, look.refill_after, look.reset_after) == (3, 0.0, 0.0, 0.0)


def test_a_cost_is_promised_in_the_first_window_that_has_room_for_all_of_it() -> None:
    key = key_of(per_second(3))
    assert key.ask(0, cost=2).delay_us == 0
    assert key.ask(0, cost=2, max_delay=SECOND).delay_us == SECOND  # not split over two windows
    assert key.ask(0, cost=1, max_delay=SECOND).delay_us == SECOND  # first come, first served: not in window 0
    assert not key.ask(0, cost=1, max_delay=2 * SECOND - 1)
    refused = key.ask(0, cost=1)
    assert (refused.remaining, refused.retry_after, refused.refill_after, refused.reset_after) == (0, 2.0, 2.0, 2.0)


def test_no_window_ever_gets_more_than_the_limit_when_a_promise_is_cancelled() -> None:
    key = key_of(per_second(2))
    key.ask(0, cost=2)
    first = key.promise(0, 2)  # window 1
    key.promise(0, 1)  # window 2
    key.cancel(0, first)  # window 2 was built upon it, so nothing comes back
    assert key.ask(0, cost=1, max_delay=9 * SECOND).delay_us == 2 * SECOND
    assert key.ask(0, cost=1, max_delay=9 * SECOND).delay_us == 3 * SECOND


def test_no_order_of_cancels_gives_back_more_than_was_promised() -> None:
    key = key_of(per_second(4))
    key.ask(0, cost=4)
    first, second = key.promise(0, 3), key.promise(0, 1)  # both in window 1
    key.cancel(0, first)  # 3 - 1 = 2 come back
    key.cancel(0, second)  # and 1, not 3
    assert key.ask(0, cost=3, max_delay=9 * SECOND).delay_us == SECOND
    assert key.ask(0, cost=1, max_delay=9 * SECOND).delay_us == 2 * SECOND


def test_the_last_promise_comes_back_whole_until_its_window_begins() -> None:
    key = key_of(per_second(2))
    key.ask(0, cost=2)
    promise = key.promise(0, 2)
    key.cancel(999_999, promise)
    assert key.ask(999_999, cost=1, max_delay=9 * SECOND).delay_us == 1
    key = key_of(per_second(2))
    key.ask(0, cost=2)
    promise = key.promise(0, 2)
    key.cancel(SECOND, promise)
    assert not key.ask(SECOND)


def test_a_cost_above_the_limit_can_never_pass() -> None:
    key = key_of(per_second(2))
    assert key.ask(0, cost=3, max_delay=9 * SECOND).retry_after == float("inf")
    assert key.state is None


def test_a_clock_that_steps_back_stays_in_its_window() -> None:
    key = key_of(per_second(2))
    assert key.ask(5 * SECOND, cost=2)
    refused = key.ask(SECOND)
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 0, 5.0)


def test_units_taken_stay_taken_when_the_quota_changes() -> None:
    key = key_of(per_second(4))
    key.ask(500 * MS, cost=3)
    key.quota = per_second(6)
    assert key.ask(500 * MS, cost=0).remaining == 3
    key.quota = Quota(6, 10.0, 6)
    assert key.ask(500 * MS, cost=0).remaining == 3


def test_units_taken_stay_taken_in_a_window_whose_number_another_limit_changes() -> None:
    key = key_of(per_second(4))
    key.ask(10 * SECOND, cost=3)  # positions 40 to 42
    key.quota = per_second(6)  # whose window of that second begins at position 60
    assert key.ask(10 * SECOND, cost=0).remaining == 3


def test_a_promise_made_under_another_limit_gives_nothing_back() -> None:
    key = key_of(per_second(2))
    key.ask(0, cost=2)
    promise = key.promise(0, 1)
    key.quota = per_second(3)
    before = key.state
    key.cancel(0, promise)
    assert key.state == before


def test_a_state_is_idle_when_its_last_window_is_over() -> None:
    quota = per_second(2)
    key = key_of(quota)
    key.ask(0, cost=2)
    key.promise(0, 1)
    assert fixed_window.idle_at(quota, key.state) == 2 * SECOND
