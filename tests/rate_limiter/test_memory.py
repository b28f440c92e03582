"""MemoryStore: idle keys are forgotten, debt never is, and the bound holds."""

from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Evicted,
    MemoryStore,
    RateLimiter,
    StoreFull,
    fixed_window,
    gcra,
    per_day,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)

ALGORITHMS = pytest.mark.parametrize(
    "algorithm", [gcra, token_bucket, fixed_window, sliding_log, sliding_counter], ids=lambda algorithm: algorithm.name
)


@ALGORITHMS
def test_a_denied_key_is_still_denied_after_any_number_of_other_keys(algorithm: Any) -> None:
    clock = ManualClock()
    limiter = RateLimiter(per_hour(1), algorithm=algorithm, store=MemoryStore(max_keys=1_000), clock=clock)
    limiter.acquire("denied")
    assert not limiter.acquire("denied")
    for other in range(999):
        limiter.acquire(f"other {other}")
    for other in range(999, 5_000):
        with pytest.raises(StoreFull):
            limiter.acquire(f"other {other}")
    assert limiter.stats.keys == 1_000
    assert not limiter.acquire("denied")


@ALGORITHMS
def test_a_full_store_takes_new_keys_at_the_very_moment_it_names(algorithm: Any) -> None:
    clock = ManualClock()
    limiter = RateLimiter(per_second(1), algorithm=algorithm, store=MemoryStore(max_keys=2), clock=clock)
    limiter.acquire("a")
    clock.advance(0.25)
    limiter.acquire("b")
    with pytest.raises(StoreFull) as first:
        limiter.acquire("c")
    with pytest.raises(StoreFull) as second:
        limiter.acquire("c")
    assert first.value.retry_after == second.value.retry_after
    clock.advance(first.value.retry_after - 0.000_001)
    with pytest.raises(StoreFull):
        limiter.acquire("c")
    clock.advance(0.000_001)
    assert limiter.acquire("c")


def test_a_reset_makes_room_in_a_full_store() -> None:
    limiter = RateLimiter(per_day(1), store=MemoryStore(max_keys=2), clock=ManualClock())
    limiter.acquire("a")
    limiter.acquire("b")
    with pytest.raises(StoreFull):
        limiter.acquire("c")
    limiter.reset("a")
    assert limiter.acquire("c")
    with pytest.raises(StoreFull):
        limiter.acquire("a")


def test_a_million_one_shot_keys_leave_memory_bounded_and_tell_of_evictions() -> None:
    clock, heard = ManualClock(), list[Any]()
    limiter = RateLimiter(per_second(1), clock=clock, on_event=heard.append)
    for shot in range(1_000_000):
        if shot % 1_000 == 0:
            clock.advance(1.0)
        limiter.acquire(f"shot {shot}")
    stats = limiter.stats
    assert stats.keys is not None
    assert stats.evictions is not None
    assert stats.keys <= 4_000  # at most twice those live, and those of the round under way
    assert stats.keys + stats.evictions == 1_000_000
    assert {type(event) for event in heard} == {Evicted}
    assert sum(event.keys for event in heard) == stats.evictions


def test_several_new_keys_in_one_call_fit_together_or_not_at_all() -> None:
    clock = ManualClock()
    store = MemoryStore(max_keys=3)
    limiter = RateLimiter([per_day(9, name="user"), per_day(9, name="tenant")], store=store, clock=clock)
    limiter.acquire({"user": 1, "tenant": 1})
    with pytest.raises(StoreFull):
        limiter.acquire({"user": 2, "tenant": 2})
    assert len(store) == 2
    assert limiter.acquire({"user": 2, "tenant": 1}).by_quota[1].remaining == 7


@pytest.mark.parametrize("max_keys", [0, -1])
def test_a_bound_below_one_is_refused(max_keys: int) -> None:
    with pytest.raises(ValueError, match=f"max_keys must be at least 1, got {max_keys}"):
        MemoryStore(max_keys=max_keys)


def test_a_store_without_bound_says_so_by_none() -> None:
    limiter = RateLimiter(per_day(1), store=MemoryStore(max_keys=None), clock=ManualClock())
    for key in range(200):
        assert limiter.acquire(key)
    assert limiter.stats.keys == 200
