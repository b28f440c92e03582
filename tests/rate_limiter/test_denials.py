"""`Denials`: who is blocked is refused without a trip, for exactly as long as that is known."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_stores import Spy
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Denials,
    MemoryStore,
    Quota,
    RateLimiter,
    StoreUnavailable,
    fixed_window,
    gcra,
    per,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)

ALGORITHMS: list[Algorithm[Any]] = [gcra, token_bucket, fixed_window, sliding_counter, sliding_log]


def behind(quota: Quota | list[Quota], **options: Any) -> tuple[RateLimiter, Spy, ManualClock]:
    """A limiter whose engine stands behind `Denials`."""
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(quota, store=Denials(engine, **options), clock=clock)
    return limiter, engine, clock


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_a_denied_key_is_not_asked_about_again_before_its_time_and_then_is(algorithm: Algorithm[Any]) -> None:
    clock, engine = ManualClock(monotonic=1_000), Spy()
    limiter = RateLimiter(per(4, 0.4), algorithm=algorithm, store=Denials(engine), clock=clock)
    limiter.acquire("key", cost=4)
    wait = limiter.acquire("key", cost=2).retry_after
    trips = engine.trips
    clock.advance(wait - 0.000_001)
    denied = limiter.acquire("key", cost=2)
    assert (bool(denied), round(denied.retry_after, 9), engine.trips) == (False, 0.000_001, trips)
    clock.advance(0.000_001)
    assert limiter.acquire("key", cost=2)
    assert engine.trips == trips + 1


def test_the_figures_of_a_remembered_denial_are_those_the_engine_would_give() -> None:
    limiter, engine, clock = behind(Quota(10, 1, burst=8), max_age=60)
    limiter.acquire("key", cost=6)
    limiter.acquire("key", cost=3)
    clock.advance(0.05)
    trips = engine.trips
    told = limiter.acquire("key", cost=5)
    assert engine.trips == trips
    # 2 tokens are left at 0, 2.5 at 50 ms: 5 are there after 250 ms, all 8 after 550 ms, one more after 50 ms.
    figures = (told.remaining, told.retry_after, told.reset_after, told.refill_after)
    assert figures == (2, 0.25, 0.55, 0.05)


def test_an_engine_is_asked_after_max_age_even_if_the_key_is_blocked_for_longer() -> None:
    limiter, engine, clock = behind(per_hour(1), max_age=2)
    limiter.acquire("key")
    limiter.acquire("key")
    for elapsed, trips in [(1.999_999, 2), (0.000_001, 3), (1.999_999, 3), (0.000_001, 4)]:
        clock.advance(elapsed)
        assert not limiter.acquire("key")
        assert engine.trips == trips


def test_a_smaller_cost_is_asked_and_the_same_or_a_larger_one_is_not() -> None:
    limiter, engine, _ = behind(per_hour(10))
    limiter.acquire("key", cost=6)
    assert not limiter.acquire("key", cost=5)
    assert not limiter.acquire("key", cost=5)
    assert not limiter.acquire("key", cost=9)
    assert not limiter.peek("key", cost=5)
    assert engine.trips == 2
    assert limiter.acquire("key", cost=4)
    assert limiter.acquire("key", cost=0).remaining == 0
    assert engine.trips == 4


def test_denials_of_several_costs_stand_side_by_side() -> None:
    limiter, engine, clock = behind(per_second(10), max_age=60)
    limiter.acquire("key", cost=10)
    assert limiter.acquire("key", cost=8).retry_after == 0.8
    assert limiter.acquire("key", cost=2).retry_after == 0.2
    clock.advance(0.2)
    trips = engine.trips
    assert limiter.acquire("key", cost=8).retry_after == 0.6
    assert engine.trips == trips
    assert limiter.acquire("key", cost=2)


def test_an_impossible_cost_is_impossible_without_a_trip() -> None:
    limiter, engine, _ = behind(per_second(2))
    limiter.acquire("key", cost=2)
    assert limiter.acquire("key", cost=2).retry_after == 1
    assert limiter.acquire("key", cost=3).retry_after == math.inf
    assert engine.trips == 2
    window = RateLimiter(per_hour(2), algorithm=fixed_window, store=Denials(Spy()), clock=ManualClock())
    window.acquire("key", cost=2)
    assert window.acquire("key").retry_after == 3_600
    assert window.acquire("key", cost=3).retry_after == math.inf


def test_a_promise_is_asked_for_as_soon_as_the_units_come_within_its_delay() -> None:
    limiter, engine, clock = behind(per_second(1), max_age=60)
    limiter.acquire("key")
    limiter.reserve("key", max_delay=5)  # the next unit is free at 2 s
    assert not limiter.acquire("key")
    trips = engine.trips
    clock.advance(0.5)
    assert not limiter.reserve("key", max_delay=1.499_999)
    assert engine.trips == trips
    assert limiter.reserve("key", max_delay=1.5).delay == 1.5
    assert engine.trips == trips + 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_reset_is_forgotten_at_once_even_when_its_answer_is_lost(fails: bool) -> None:
    limiter, engine, _ = behind(per_hour(1), max_age=60)
    for key in ("key", "other"):
        limiter.acquire(key)
        limiter.acquire(key)
    if fails:
        engine.error = StoreUnavailable("the engine")
        with pytest.raises(StoreUnavailable):
            limiter.reset("key")
        engine.error = None
    else:
        limiter.reset("key")
    trips = engine.trips
    assert bool(limiter.acquire("key")) is not fails
    assert engine.trips == trips + 1
    assert not limiter.acquire("other")
    assert engine.trips == trips + 1, "another key's denial stands"


def test_a_cancelled_promise_is_forgotten_at_once() -> None:
    limiter, _, clock = behind(per_second(1), max_age=60)
    limiter.acquire("key")
    promise = limiter.reserve("key", max_delay=5)
    assert limiter.acquire("key").retry_after == 2
    promise.cancel()
    clock.advance(1)
    assert limiter.acquire("key")


def test_a_changed_quota_is_forgotten_at_once() -> None:
    limiter, _, _ = behind(per_hour(10), max_age=60)
    limiter.acquire("key", cost=10)
    assert not limiter.acquire("key")
    limiter.set_quota(Quota(10, 3_600, burst=20))
    assert limiter.acquire("key", cost=10)


def test_a_denial_that_was_under_way_during_a_reset_is_not_remembered() -> None:
    limiter, engine, _ = behind(per_hour(1), max_age=60)
    limiter.acquire("key")

    answer = MemoryStore.apply

    def overtaken(ask: Ask) -> Any:
        engine.asks.append(ask)
        verdicts = answer(engine, ask)
        if ask.mode == "acquire":
            engine.apply = lambda ask: answer(engine, ask)  # type: ignore[method-assign]
            limiter.reset("key")
        return verdicts

    engine.apply = overtaken  # type: ignore[method-assign]
    assert not limiter.acquire("key"), "decided before the reset"
    assert limiter.acquire("key")


def test_of_several_quotas_the_one_that_is_known_to_refuse_spares_the_trip() -> None:
    limiter, engine, _ = behind([per_second(1, name="user"), per_hour(50, name="tenant")])
    assert limiter.acquire({"user": 1, "tenant": "t"})
    assert not limiter.acquire({"user": 1, "tenant": "t"})
    told = limiter.acquire({"user": 1, "tenant": "another"})
    assert engine.trips == 2
    assert (told.quota.name, told.retry_after) == ("user", 1.0)
    assert [bool(each) for each in told.by_quota] == [False, True]
    assert limiter.acquire({"user": 2, "tenant": "t"}), "the tenant was never denied"
    assert engine.trips == 3


def test_limiters_and_quotas_of_other_names_are_not_confused() -> None:
    engine = Spy()
    store, clock = Denials(engine), ManualClock()
    one = RateLimiter(per_hour(1), store=store, name="one", clock=clock)
    two = RateLimiter(per_hour(1), store=store, name="two", clock=clock)
    one.acquire("1")
    assert not one.acquire("1")
    assert two.acquire("1")
    assert one.acquire(1)


def test_at_most_max_keys_are_remembered_and_the_oldest_goes_first() -> None:
    clock, engine = ManualClock(), Spy()
    denials = Denials(engine, max_keys=2, max_age=60)
    limiter = RateLimiter(per_hour(1), store=denials, clock=clock)
    for key in ("a", "b", "c"):
        limiter.acquire(key)
        limiter.acquire(key)
    assert len(denials) == 2
    trips = engine.trips
    assert not limiter.acquire("c")
    assert not limiter.acquire("b")
    assert engine.trips == trips
    assert not limiter.acquire("a")
    assert engine.trips == trips + 1


def test_ever_new_costs_do_not_make_a_key_grow() -> None:
    clock, engine = ManualClock(), Spy()
    denials = Denials(engine, max_age=60)
    limiter = RateLimiter(per_hour(100), store=denials, clock=clock)
    limiter.acquire("key", cost=100)
    for cost in range(100, 0, -1):
        assert not limiter.acquire("key", cost=cost)
    assert engine.trips == 101, "each smaller cost is asked"
    assert all(len(kept) <= 4 for kept in denials._denials.values())


def test_no_lock_is_held_during_a_call() -> None:
    engine = Spy()
    denials = Denials(engine)
    limiter = RateLimiter(per_hour(1), store=denials, clock=ManualClock())
    engine.before = lambda ask: pytest.fail("locked") if denials._lock.locked() else None
    limiter.acquire("key")
    limiter.acquire("key")
    limiter.reset("key")
    assert engine.trips == 3


async def test_tasks_are_spared_the_trip_as_well() -> None:
    limiter, engine, _ = behind(per_hour(1))
    assert [bool(await limiter.aacquire("key")) for _ in range(9)] == [True] + [False] * 8
    assert engine.trips == 2
    await limiter.areset("key")
    assert await limiter.aacquire("key")


@pytest.mark.parametrize(
    ("options", "error"),
    [({"max_keys": 0}, ValueError), ({"max_keys": None}, TypeError), ({"max_age": 0}, ValueError)],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Denials(MemoryStore(), **options)


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "acquire", "acquire", "peek", "reserve", "cancel", "reset"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 7),
        st.sampled_from([0, 1, 3, 50_000, 130_000, 400_000, 1_100_000]),
    ),
    max_size=50,
)


@settings(max_examples=200)
@given(calls=CALLS, algorithm=st.sampled_from(ALGORITHMS), max_age=st.sampled_from([0.01, 0.3, 100.0]))
def test_a_limiter_behind_it_decides_exactly_as_one_without(
    calls: list[tuple[str, str, int, int]], algorithm: Algorithm[Any], max_age: float
) -> None:
    clock, quota = ManualClock(monotonic=10), per(6, 0.7)
    guarded = RateLimiter(quota, algorithm=algorithm, store=Denials(MemoryStore(), max_age=max_age), clock=clock)
    plain = RateLimiter(quota, algorithm=algorithm, store=MemoryStore(), clock=clock)
    promises: list[Any] = []
    for verb, key, cost, elapsed in calls:
        clock.advance(elapsed / 1e6)
        if verb == "reset":
            guarded.reset(key)
            plain.reset(key)
        elif verb == "cancel" and promises:
            for promise in promises.pop():
                promise.cancel()
        elif verb == "reserve" and algorithm.promises:
            pair = [limiter.reserve(key, cost=cost, max_delay=0.5) for limiter in (guarded, plain)]
            assert (pair[0].allowed, pair[0].delay) == (pair[1].allowed, pair[1].delay)
            promises.append(pair)
        elif verb in {"acquire", "peek"}:
            got, expected = (getattr(limiter, verb)(key, cost=cost) for limiter in (guarded, plain))
            assert bool(got) is bool(expected)
            # What smaller costs have spent since the denial is not seen, so it is told no later than it is.
            assert got.retry_after <= expected.retry_after
            assert (got.retry_after == math.inf) is (expected.retry_after == math.inf)
            if algorithm in {gcra, token_bucket}:
                assert got.remaining >= expected.remaining
