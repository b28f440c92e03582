"""The limiter: verbs, several quotas, the decorator, events and refusals of nonsense; nothing here waits."""

import asyncio
import math
from typing import Any

import pytest

from lldkit.clock import EPOCH, ManualClock
from lldkit.rate_limiter import (
    Denied,
    MemoryStore,
    Quota,
    RateLimited,
    RateLimiter,
    StoreFull,
    fixed_window,
    gcra,
    per,
    per_day,
    per_hour,
    per_minute,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_acquire_answers_with_every_figure_of_the_same_call(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(10, burst=3), clock=clock)
    granted = limiter.acquire("k", cost=2)
    assert (granted.allowed, granted.limit, granted.remaining, granted.retry_after) == (True, 10, 1, 0.0)
    assert (granted.reset_after, granted.refill_after) == (0.2, 0.1)
    assert granted.by_quota == (granted,)
    clock.advance(0.05)
    refused = limiter.acquire("k", cost=3)
    assert not refused
    assert (refused.remaining, refused.retry_after, refused.reset_after, refused.refill_after) == (1, 0.15, 0.15, 0.05)


def test_a_decision_cannot_be_changed(clock: ManualClock) -> None:
    for algorithm in (gcra, fixed_window):
        decision = RateLimiter(per_second(1), algorithm=algorithm, clock=clock).acquire("k")
        for name in ("allowed", "remaining", "anything"):
            with pytest.raises(AttributeError):
                setattr(decision, name, 7)


def test_peek_tells_what_acquire_would_answer_and_consumes_nothing(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(1, burst=2), clock=clock)
    for _ in range(5):
        look = limiter.peek("k", cost=2)
        assert (look.allowed, look.remaining) == (True, 2)
        assert not limiter.peek("k", cost=3)
    limiter.acquire("k")
    assert (limiter.peek("k").allowed, limiter.peek("k", cost=2).retry_after) == (True, 1.0)
    assert limiter.stats.keys == 1


def test_reset_forgets_what_a_key_owes(clock: ManualClock) -> None:
    limiter = RateLimiter(per_day(1), clock=clock)
    assert limiter.acquire("k")
    limiter.reset("k")
    assert limiter.stats.keys == 0
    assert limiter.acquire("k")
    limiter.reset("nobody")


def test_several_quotas_are_all_or_nothing_and_the_refusing_one_is_named(clock: ManualClock) -> None:
    limiter = RateLimiter([per_second(10, name="user"), per_day(2, name="tenant")], clock=clock)
    for user in (1, 2):
        assert limiter.acquire({"user": user, "tenant": "t"})
    refused = limiter.acquire({"user": 3, "tenant": "t"}, cost=1)
    assert (refused.allowed, refused.quota.name, refused.limit) == (False, "tenant", 2)
    assert [decision.allowed for decision in refused.by_quota] == [True, False]
    assert refused.by_quota[0].remaining == 10  # nothing was taken from the quota that would have granted
    assert limiter.peek({"user": 3, "tenant": "other"}).by_quota[0].remaining == 10


def test_one_key_serves_all_quotas_and_the_tightest_speaks(clock: ManualClock) -> None:
    limiter = RateLimiter([per_minute(100, name="minute"), per_second(5, name="second")], clock=clock)
    decision = limiter.acquire("k", cost=4)
    assert (decision.quota.name, decision.remaining) == ("second", 1)
    assert [each.remaining for each in decision.by_quota] == [96, 1]


@pytest.mark.parametrize("algorithm", [gcra, fixed_window], ids=lambda algorithm: algorithm.name)
def test_a_changed_quota_applies_at_once_and_keeps_the_debt(clock: ManualClock, algorithm: Any) -> None:
    limiter = RateLimiter(per_second(5), algorithm=algorithm, clock=clock)
    limiter.acquire("k", cost=4)
    limiter.set_quota(per_second(6))
    assert limiter.peek("k").remaining == 2
    assert limiter.acquire("k", cost=2)
    assert not limiter.acquire("k")


def test_debt_survives_a_changed_quota_in_units(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(5, burst=2), clock=clock)
    limiter.acquire("k", cost=2)
    assert limiter.reserve("k", cost=2, max_delay=1).delay == 0.4
    clock.advance(0.2)
    limiter.set_quota(per_second(10, burst=2))
    assert limiter.reserve("k", max_delay=1).delay == 0.2


def test_a_reservation_is_given_back_by_cancel_and_by_any_exception(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(10, burst=2), clock=clock)
    limiter.acquire("k", cost=2)
    promise = limiter.reserve("k", cost=2, max_delay=1)
    assert (promise.allowed, promise.delay) == (True, 0.2)
    promise.cancel()
    promise.cancel()  # twice is once
    with pytest.raises(ZeroDivisionError), limiter.reserve("k", cost=2, max_delay=1) as again:
        raise ZeroDivisionError
    assert again.delay == 0.2
    assert limiter.peek("k").refill_after == 0.1
    with limiter.reserve("k", cost=2, max_delay=1):
        pass
    assert limiter.peek("k").refill_after == pytest.approx(0.3)


def test_a_refused_reservation_says_when_and_holds_nothing(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(10, burst=2), clock=clock)
    limiter.acquire("k", cost=2)
    refused = limiter.reserve("k", cost=2, max_delay=0.1)
    assert (bool(refused), refused.delay, refused.decision.retry_after) == (False, 0.2, 0.2)
    refused.cancel()
    assert limiter.peek("k").refill_after == 0.1


@pytest.mark.parametrize(
    ("algorithm", "name", "promises", "bursts"),
    [
        (gcra, "gcra", True, True),
        (token_bucket, "token_bucket", True, True),
        (fixed_window, "fixed_window", True, False),
        (sliding_log, "sliding_log", False, False),
        (sliding_counter, "sliding_counter", False, False),
    ],
)
def test_an_algorithm_says_its_name_and_what_it_can(algorithm: Any, name: str, promises: bool, bursts: bool) -> None:
    assert (algorithm.name, algorithm.promises, algorithm.bursts) == (name, promises, bursts)


@pytest.mark.parametrize("algorithm", [sliding_log, sliding_counter], ids=lambda algorithm: algorithm.name)
def test_an_algorithm_that_makes_no_promises_takes_none_back(algorithm: Any) -> None:
    quota = per_second(5)
    state, _ = algorithm.decide(quota, None, 0, 2)
    assert algorithm.undo(quota, state, 0, (state, 2)) is state


async def test_every_verb_has_a_twin_on_the_same_object(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(10, burst=3), clock=clock)
    assert await limiter.aacquire("k")
    assert (await limiter.apeek("k")).remaining == 2
    assert await limiter.athrottle("k", cost=2, timeout=0)
    async with await limiter.areserve("k", max_delay=1) as promise:
        assert promise.delay == 0.1
    with pytest.raises(ZeroDivisionError):
        async with await limiter.areserve("k", max_delay=1):
            raise ZeroDivisionError
    assert limiter.peek("k").refill_after == 0.2
    await limiter.areset("k")
    assert limiter.peek("k").remaining == 3
    await limiter.aclose()
    limiter.close()


async def test_the_decorator_takes_both_kinds_of_function(clock: ManualClock) -> None:
    limiter = RateLimiter(per_day(1), clock=clock)

    @limiter.limit(key=lambda user: ("sync", user))
    def greet(user: str) -> str:
        return f"hello {user}"

    @limiter.limit(key=lambda user: ("async", user))
    async def agreet(user: str) -> str:
        await asyncio.sleep(0)
        return f"hello {user}"

    assert (greet("ann"), await agreet("ann"), greet("bob")) == ("hello ann", "hello ann", "hello bob")
    with pytest.raises(RateLimited) as refusal:
        greet("ann")
    assert (refusal.value.key, refusal.value.retry_after) == (("sync", "ann"), 86_400.0)
    with pytest.raises(RateLimited):
        await agreet("ann")
    assert greet.__name__ == "greet"


def test_limiters_share_buckets_exactly_when_they_share_store_and_name(clock: ManualClock) -> None:
    store = MemoryStore()
    first, same = (RateLimiter(per_day(1), store=store, name="api", clock=clock) for _ in range(2))
    other = RateLimiter(per_day(1), store=store, name="web", clock=clock)
    assert first.acquire("k")
    assert not same.acquire("k")
    assert other.acquire("k")


@pytest.mark.parametrize(
    "keys", [(("a:b", "c"), ("a", "b:c")), (1, "1"), ("a\0", "a"), ("{a}", "a"), (("a",), "a"), ((1, 2), (12,))]
)
def test_different_keys_never_share_a_bucket(clock: ManualClock, keys: tuple[Any, Any]) -> None:
    limiter = RateLimiter(per_day(1), clock=clock)
    assert all(limiter.acquire(key) for key in keys)
    assert not any(limiter.acquire(key) for key in keys)


def test_events_tell_of_denials_and_of_nothing_on_the_allowed_path(clock: ManualClock) -> None:
    heard: list[Any] = []
    limiter = RateLimiter(per_day(1), clock=clock, name="api", on_event=heard.append)
    limiter.acquire("k")
    limiter.peek("k")
    assert heard == []
    refused = limiter.acquire("k")
    assert heard == [Denied(EPOCH, "api", "k", refused)]
    assert limiter.stats.denials == 1


def test_a_listener_that_raises_breaks_nothing_and_is_counted(clock: ManualClock) -> None:
    def listener(_: object) -> None:
        raise ZeroDivisionError

    limiter = RateLimiter(per_day(1), clock=clock, on_event=listener)
    limiter.acquire("k")
    assert not limiter.acquire("k")
    assert limiter.stats.listener_failures == 1


def test_the_wall_clock_is_never_asked_for_a_decision(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(1), clock=clock)
    limiter.acquire("k")
    clock.step_wall(-3_600)
    assert limiter.peek("k").retry_after == 1.0
    clock.step_wall(7_200)
    assert limiter.peek("k").retry_after == 1.0


def test_the_periods_are_what_their_names_say() -> None:
    assert [q.period for q in (per(1, 2.5), per_second(1), per_minute(1), per_hour(1), per_day(1))] == [
        *(2.5, 1, 60),
        *(3_600, 86_400),
    ]
    assert (per_second(7).burst, per_second(7, burst=9).burst, per_second(7, name="x").name) == (7, 9, "x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"limit": -3}, "limit must be at least 1, got -3"),
        ({"burst": 0}, "burst must be at least 1, got 0"),
        ({"period": 0}, "one microsecond, got 0"),
        ({"period": -1.0}, "one microsecond, got -1.0"),
        ({"period": 1e-9}, "one microsecond, got 1e-09"),
        ({"period": math.nan}, "got nan"),
        ({"period": math.inf}, "got inf"),
        ({"name": "naïve"}, "printable ASCII"),
        ({"name": "a\nb"}, "printable ASCII"),
    ],
)
def test_a_quota_refuses_nonsense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Quota(**{"limit": 1, "period": 1.0, "burst": 1, **arguments})


@pytest.mark.parametrize(("what", "value"), [("limit", 1.5), ("limit", True), ("burst", "3")])
def test_a_quota_refuses_what_is_no_number_of_units(what: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{what} must be a whole number"):
        Quota(**{"limit": 1, "period": 1.0, "burst": 1, what: value})


def test_a_limiter_refuses_nonsense() -> None:
    twice: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ([], {}, TypeError, "at least one"),
        ("10/minute", {}, TypeError, "10/minute"),
        ([per_second(1), per_minute(1)], {}, ValueError, "different names"),
        (per_second(1, burst=2), {"algorithm": sliding_log}, ValueError, "sliding_log has no burst"),
        (per_second(1, burst=2), {"algorithm": sliding_counter}, ValueError, "sliding_counter has no burst"),
        (per_second(1), {"max_waiters": -1}, ValueError, "max_waiters"),
        (per_second(1), {"name": 5}, TypeError, "name"),
        (per_second(1), {"on_event": 5}, TypeError, "on_event"),
    ]
    for quota, arguments, error, message in twice:
        with pytest.raises(error, match=message):
            RateLimiter(quota, **arguments)


def test_a_call_refuses_nonsense_before_anything_changes(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(5), clock=clock)
    both = RateLimiter([per_second(5, name="a"), per_day(5, name="b")], clock=clock)
    log = RateLimiter(per_second(5), algorithm=sliding_log, clock=clock)
    wrong: list[tuple[Any, type[Exception], str]] = [
        (lambda: limiter.acquire("k", cost=-1), ValueError, "cost .* got -1"),
        (lambda: limiter.acquire("k", cost=1.0), TypeError, "cost .* got 1.0"),  # type: ignore[arg-type]
        (lambda: limiter.acquire("k", cost=True), TypeError, "cost .* got True"),
        (lambda: limiter.acquire(None), TypeError, "key .* got None"),  # type: ignore[arg-type]
        (lambda: limiter.acquire(("k", 1.5)), TypeError, "key .* got 1.5"),  # type: ignore[arg-type]
        (lambda: both.acquire({"a": 1}), ValueError, r"\['a', 'b'\], got \['a'\]"),
        (lambda: limiter.throttle("k", timeout=-1), ValueError, "timeout .* got -1"),
        (lambda: limiter.throttle("k", timeout=math.nan), ValueError, "timeout .* got nan"),
        (lambda: limiter.reserve("k", max_delay=-1), ValueError, "max_delay .* got -1"),
        (lambda: log.reserve("k", max_delay=1), ValueError, "sliding_log makes no promises"),
        (lambda: limiter.limit(key=str, cost=-1), ValueError, "cost"),
        (lambda: limiter.set_quota(per_second(5, name="other")), ValueError, "keep their names"),
    ]
    for call, error, message in wrong:
        with pytest.raises(error, match=message):
            call()
    assert limiter.peek("k").remaining == 5
    assert limiter.stats.keys == 0


def test_a_full_store_is_an_error_and_an_event(clock: ManualClock) -> None:
    heard: list[Any] = []
    limiter = RateLimiter(per_second(1), store=MemoryStore(max_keys=1), clock=clock, on_event=heard.append)
    limiter.acquire("a")
    with pytest.raises(StoreFull) as refusal:
        limiter.acquire("b")
    assert (refusal.value.max_keys, refusal.value.retry_after) == (1, 1.0)
    assert [type(event).__name__ for event in heard] == ["StoreFailed"]
    assert limiter.stats.store_faults == 1
