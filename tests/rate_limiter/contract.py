"""What every engine promises, whatever it is made of: its test file derives a class from `StoreContract`.

    class TestMemoryStore(StoreContract):
        @pytest.fixture
        def store(self) -> Store:
            return MemoryStore()

The store must go by the limiter's clock (an engine with a time of its own has a switch for that), so that time stands
still between the steps. Every promise is tested with the verbs for threads and with those for tasks.
"""

import itertools
import math
import random
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Denied,
    ImpossibleCost,
    RateLimited,
    RateLimiterEvent,
    Reservation,
    Store,
    fixed_window,
    per,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
)
from rate_limiter.contract_base import (
    MICRO,
    START,
    TRICKY_KEYS,
    Make,
    assert_within,
    every_algorithm,
    every_bucket,
    every_promising,
    figures,
)
from rate_limiter.contract_traces import TraceContract


class StoreContract(TraceContract):
    """What holds on every engine."""

    # -- F3: several quotas, all or nothing ------------------------------------------------------------------------

    @every_algorithm
    async def test_several_quotas_grant_all_or_nothing(self, make: Make, algorithm: Algorithm[Any]) -> None:
        both = make([per(3, 1, name="user"), per(5, 100, name="tenant")], algorithm)
        for user in (1, 1, 1, 2, 2):
            assert await both.acquire({"user": user, "tenant": 7})
        by_user, by_tenant = (await both.acquire({"user": 1, "tenant": 8})).by_quota
        assert (by_user.allowed, by_user.remaining, by_tenant.allowed, by_tenant.remaining) == (False, 0, True, 5)
        refused = await both.acquire({"user": 2, "tenant": 7})
        assert (refused.allowed, refused.quota.name, refused.limit) == (False, "tenant", 5)
        assert [decision.quota.name for decision in refused.by_quota] == ["user", "tenant"]
        assert (await both.peek({"user": 2, "tenant": 8})).by_quota[0].remaining == 1
        assert (await both.peek({"user": 2, "tenant": 8})).by_quota[1].remaining == 5

    @every_algorithm
    async def test_several_quotas_under_one_key_are_different_buckets(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        both = make([per(2, 1, name="burst"), per(3, 100, name="long")], algorithm)
        assert [(await both.acquire("k")).allowed for _ in range(3)] == [True, True, False]
        clock.advance(2)
        assert [(await both.acquire("k")).quota.name for _ in range(2)] == ["long", "long"]
        assert (await both.peek("k")).by_quota[0].remaining == 1

    @every_promising
    async def test_a_promise_of_several_quotas_is_made_and_taken_back_as_one(
        self, make: Make, algorithm: Algorithm[Any]
    ) -> None:
        both = make([per(2, 1, name="a"), per(2, 2, name="b")], algorithm)
        assert await both.acquire("k", 2)
        assert not await both.reserve("k", 2, max_delay=1.5)  # a would promise it, b not before 2 s
        promise = await both.reserve("k", 2, max_delay=2)
        assert (promise.allowed, promise.delay) == (True, 2.0)
        await both.cancel(promise)
        assert (await both.reserve("k", 2, max_delay=2)).delay == 2.0
        await both.reset("k")
        assert [decision.remaining for decision in (await both.peek("k")).by_quota] == [2, 2]

    # -- F5: exact figures from the same call ----------------------------------------------------------------------

    @every_bucket
    async def test_the_figures_of_a_bucket(self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(10, burst=5), algorithm)
        assert figures(await limiter.peek("k", 5)) == ("default", True, 5, 0, 0, 0, 0)
        assert figures(await limiter.acquire("k", 3)) == ("default", True, 2, 0, 300_000, 100_000, 0)
        clock.advance(0.05)
        assert figures(await limiter.acquire("k", 4)) == ("default", False, 2, 150_000, 250_000, 50_000, 0)
        assert figures(await limiter.acquire("k", 0)) == ("default", True, 2, 0, 250_000, 50_000, 0)
        assert figures((await limiter.reserve("k", 4)).decision) == ("default", True, 0, 0, 650_000, 250_000, 150_000)

    async def test_the_figures_of_a_fixed_window(self, make: Make, clock: ManualClock) -> None:
        limiter = make(per_second(5), fixed_window)
        clock.advance(0.3)
        assert figures(await limiter.acquire("k", 3)) == ("default", True, 2, 0, 700_000, 700_000, 0)
        assert figures(await limiter.acquire("k", 3)) == ("default", False, 2, 700_000, 700_000, 700_000, 0)
        promised = (await limiter.reserve("k", 3)).decision
        assert figures(promised) == ("default", True, 0, 0, 1_700_000, 1_700_000 - 1_000_000, 700_000)
        clock.advance(1.7)
        assert figures(await limiter.acquire("k", 5)) == ("default", True, 0, 0, 1_000_000, 1_000_000, 0)

    async def test_the_figures_of_a_sliding_log(self, make: Make, clock: ManualClock) -> None:
        limiter = make(per_second(5), sliding_log)
        assert figures(await limiter.acquire("k", 2)) == ("default", True, 3, 0, 1_000_000, 1_000_000, 0)
        clock.advance(0.3)
        assert figures(await limiter.acquire("k", 3)) == ("default", True, 0, 0, 1_000_000, 700_000, 0)
        clock.advance(0.1)
        assert figures(await limiter.acquire("k", 1)) == ("default", False, 0, 600_000, 900_000, 600_000, 0)
        assert figures(await limiter.acquire("k", 3)) == ("default", False, 0, 900_000, 900_000, 600_000, 0)

    async def test_the_figures_of_a_sliding_counter(self, make: Make, clock: ManualClock) -> None:
        limiter = make(per_second(4), sliding_counter)
        clock.advance(0.5)
        assert figures(await limiter.acquire("k", 4)) == ("default", True, 0, 0, 1_500_000, 750_000, 0)
        clock.advance(0.75)  # of the 4 of the last window 3 still count
        assert figures(await limiter.acquire("k", 1)) == ("default", True, 0, 0, 1_750_000, 250_000, 0)
        assert figures(await limiter.acquire("k", 2)) == ("default", False, 0, 500_000, 1_750_000, 250_000, 0)

    @every_algorithm
    async def test_who_asks_exactly_at_retry_after_is_served_and_a_microsecond_earlier_is_not(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per(7, 0.3), algorithm)
        for _ in range(25):
            while await limiter.acquire("k", 2):
                pass
            clock.advance((await limiter.acquire("k", 2)).retry_after - 1e-6)
            assert not await limiter.acquire("k", 2)
            clock.advance(1e-6)
            assert await limiter.acquire("k", 2)
            assert await limiter.throttle("k", 2)  # waits, in the clock's time

    # -- F6, T10: promises and their cancelling --------------------------------------------------------------------

    @every_bucket
    async def test_a_cancelled_promise_is_given_back_once(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per_second(10, burst=2), algorithm)
        assert (await limiter.reserve("k", 2)).delay == 0.0
        promise = await limiter.reserve("k", 2)
        assert promise.delay == 0.2
        clock.advance(0.1)
        await limiter.cancel(promise)
        await limiter.cancel(promise)
        assert (await limiter.reserve("k", 2)).delay == 0.1

    @every_bucket
    async def test_what_was_promised_after_it_is_not_given_back(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(10, burst=5), algorithm)
        await limiter.acquire("k", 5)
        first = await limiter.reserve("k", 4)
        await limiter.reserve("k", 1)
        await limiter.cancel(first)  # 3 of its 4
        assert (await limiter.reserve("k", 1)).delay == pytest.approx(0.3)

    async def test_a_fixed_window_takes_back_what_no_later_window_was_built_upon(self, make: Make) -> None:
        limiter = make(per_second(3), fixed_window)
        await limiter.acquire("k", 3)
        first = await limiter.reserve("k", 2)
        await limiter.cancel(first)
        assert [(await limiter.reserve("k", 1)).delay for _ in range(4)] == [1.0, 1.0, 1.0, 2.0]

    @every_promising
    async def test_a_promise_whose_time_has_come_is_kept(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per_second(2), algorithm)
        await limiter.acquire("k", 2)
        promise = await limiter.reserve("k", 2)
        assert promise.delay == 1.0
        clock.advance(1)
        await limiter.cancel(promise)
        assert (await limiter.acquire("k", 2)).retry_after == 1.0

    @every_promising
    async def test_a_promise_of_nothing_gives_nothing_back(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(2), algorithm)
        promise = await limiter.reserve("k", 0)
        assert (promise.allowed, promise.delay) == (True, 0.0)
        await limiter.acquire("k", 2)
        await limiter.cancel(promise)
        assert not await limiter.acquire("k")

    @every_promising
    async def test_with_promises_made_and_cancelled_the_schedule_keeps_the_guarantee(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        rng = random.Random(6)
        quota = per_second(10) if algorithm is fixed_window else per_second(10, burst=4)
        limiter = make(quota, algorithm)
        kept: dict[Reservation, tuple[int, int]] = {}
        for _ in range(150):
            clock.advance(rng.randrange(300) / 1_000)
            cost = rng.randint(1, 4)
            promise = await limiter.reserve("k", cost, max_delay=rng.choice([0, 0.5, 3]))
            if promise:
                kept[promise] = (round((clock.monotonic() + promise.delay) * MICRO), cost)
            if kept and rng.random() < 0.4:
                cancelled = rng.choice(list(kept)[-5:])
                await limiter.cancel(cancelled)
                if kept[cancelled][0] > clock.monotonic() * MICRO:  # else it has been used
                    del kept[cancelled]
        assert len(kept) > 50
        assert_within(quota, algorithm, list(kept.values()))

    # -- F7, T7, T9: any cost --------------------------------------------------------------------------------------

    @every_algorithm
    async def test_a_cost_of_nothing_only_looks(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(3), algorithm)
        for spent in range(4):
            for _ in range(2):
                look = await limiter.acquire("k", 0)
                assert (look.allowed, look.remaining, look.retry_after) == (True, 3 - spent, 0.0)
            assert (await limiter.acquire("k")).allowed == (spent < 3)

    @every_algorithm
    async def test_a_refused_call_consumes_nothing(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(10), algorithm)
        assert [(await limiter.acquire("k", cost)).allowed for cost in (8, 8, 2, 1)] == [True, False, True, False]

    @every_algorithm
    async def test_peek_and_reset(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(3), algorithm)
        assert [(await limiter.peek("k", 3)).allowed for _ in range(3)] == [True, True, True]
        await limiter.acquire("k", 3)
        assert not await limiter.peek("k")
        await limiter.reset("k")
        await limiter.reset("nobody")
        assert (await limiter.acquire("k", 3)).allowed

    @every_algorithm
    async def test_the_whole_burst_passes_at_once_and_more_never(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per_second(4), algorithm)
        refused = await limiter.acquire("k", 5)
        assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 4, math.inf)
        with pytest.raises(ImpossibleCost):
            await limiter.throttle("k", 5, timeout=10)
        assert clock.monotonic() == START
        assert await limiter.acquire("k", 4)
        assert (await limiter.acquire("k", 5)).retry_after == math.inf
        if algorithm.promises:
            assert not await limiter.reserve("k", 5)

    @every_algorithm
    async def test_throttle_waits_as_long_as_it_must_or_refuses_at_once(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per_second(1), algorithm)
        for _ in range(3):
            await limiter.throttle("k", timeout=2)
        waited = clock.monotonic() - START
        assert waited == (4 if algorithm is sliding_counter else 2)  # a window's unit weighs until the next one's end
        with pytest.raises(RateLimited):
            await limiter.throttle("k", timeout=0.5)
        assert clock.monotonic() - START == waited

    # -- F13, T18: live change of the quota ------------------------------------------------------------------------

    @every_algorithm
    async def test_what_a_key_owes_survives_a_change_of_its_quota(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_second(4), algorithm)
        assert await limiter.acquire("k", 4)
        limiter.limiter.set_quota(per_second(2))
        assert not await limiter.acquire("k")
        limiter.limiter.set_quota(per_second(8))
        assert [(await limiter.acquire("k", cost)).allowed for cost in (5, 4, 1)] == [False, True, False]

    @every_bucket
    async def test_what_was_promised_stays_promised_when_the_quota_changes(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        limiter = make(per_second(5, burst=2), algorithm)
        assert await limiter.acquire("k", 2)
        assert (await limiter.reserve("k", 2)).delay == 0.4
        clock.advance(0.2)
        limiter.limiter.set_quota(per_second(10, burst=2))
        assert (await limiter.reserve("k", 1)).delay == 0.2

    @every_algorithm
    async def test_only_refusals_are_told(self, make: Make, algorithm: Algorithm[Any]) -> None:
        heard: list[RateLimiterEvent] = []
        limiter = make(per_second(2), algorithm, name="api", on_event=heard.append)
        assert await limiter.acquire("k", 2)
        assert heard == []
        assert not await limiter.acquire("k")
        assert [(type(event), event.name) for event in heard] == [(Denied, "api")]
        assert limiter.limiter.stats.denials == 1

    # -- T1, T11, T17: never too much ------------------------------------------------------------------------------

    @every_algorithm
    async def test_no_schedule_gets_more_than_the_guarantee(
        self, make: Make, clock: ManualClock, algorithm: Algorithm[Any]
    ) -> None:
        rng = random.Random(1)
        quota = per(7, 0.5, burst=3) if algorithm.bursts else per(7, 0.5)
        limiter = make(quota, algorithm)
        admitted = []
        for _ in range(250):
            clock.advance(rng.choice([0, 0.001, rng.randrange(400) / 1_000]))
            cost = rng.randint(1, 3)
            if await limiter.acquire("k", cost):
                admitted.append((round(clock.monotonic() * MICRO), cost))
        assert len(admitted) > 50
        assert_within(quota, algorithm, admitted)

    @every_algorithm
    async def test_a_limit_of_a_hundred_admits_a_hundred(self, make: Make, algorithm: Algorithm[Any]) -> None:
        limiter = make(per_hour(100), algorithm)
        assert sum([bool(await limiter.acquire("k")) for _ in range(130)]) == 100

    @every_algorithm
    async def test_a_clock_that_runs_backwards_never_grants_more(
        self, store: Store, tasks: bool, algorithm: Algorithm[Any]
    ) -> None:
        granted = 0
        top = START * MICRO
        for back in (0, 3 * MICRO, 3 * MICRO, 1, MICRO, 500_000_000, 0, 0):
            for cost in (2, 1, 1):
                ask = self.ask(algorithm, (per_second(5),), ("k",), top - back, cost=cost)
                (verdict,) = await self.apply(store, ask, tasks)
                granted += cost * verdict.allowed
                assert 0 <= verdict.remaining <= 5
                assert granted <= 5
        assert granted == 5

    async def test_a_fixed_window_admits_twice_its_limit_around_an_edge(self, make: Make, clock: ManualClock) -> None:
        limiter = make(per_second(10), fixed_window)
        clock.advance(0.99)
        assert sum([bool(await limiter.acquire("k")) for _ in range(12)]) == 10
        clock.advance(0.01)
        assert sum([bool(await limiter.acquire("k")) for _ in range(12)]) == 10

    async def test_a_sliding_log_never_does_and_a_unit_one_period_old_no_longer_counts(
        self, make: Make, clock: ManualClock
    ) -> None:
        limiter = make(per_second(10), sliding_log)
        clock.advance(0.99)
        assert sum([bool(await limiter.acquire("k")) for _ in range(12)]) == 10
        clock.advance(0.999_999)
        assert not await limiter.acquire("k")
        clock.advance(0.000_001)
        assert sum([bool(await limiter.acquire("k")) for _ in range(12)]) == 10

    async def test_a_sliding_counter_weighs_the_window_before(self, make: Make, clock: ManualClock) -> None:
        limiter = make(per_second(10), sliding_counter)
        clock.advance(0.5)
        assert await limiter.acquire("k", 8)
        clock.advance(0.75)  # 8 x 0.75 = 6 count
        assert [(await limiter.acquire("k", cost)).allowed for cost in (5, 4)] == [False, True]
        clock.advance(0.124_999)  # 8 x 0.625001 + 4 = 9.000008
        assert not await limiter.acquire("k")
        clock.advance(0.000_001)  # 8 x 0.625 + 4 = 9
        assert [(await limiter.acquire("k")).allowed for _ in range(2)] == [True, False]

    # -- T16: keys cannot collide ----------------------------------------------------------------------------------

    async def test_distinct_keys_never_share_a_bucket(self, make: Make) -> None:
        limiter = make(per_hour(1))
        for allowed in (True, False):
            for key in TRICKY_KEYS:
                assert (await limiter.acquire(key)).allowed == allowed, key

    async def test_limiters_quotas_and_algorithms_never_share_a_bucket(self, make: Make) -> None:
        limiters = [
            make(per_hour(1, name=quota), algorithm, name=name)
            for algorithm in self.algorithms
            for name, quota in (
                ("a:b", "c"),
                ("a", "b:c"),
                ("a", "c"),
                ("{a}", "c"),
                ("a\0", "c"),
                ("é", "c"),
                ("", "c"),
            )
        ]
        for allowed in (True, False):
            for limiter, key in itertools.product(limiters, ("d", "c:d", "b:c:d")):
                assert (await limiter.acquire(key)).allowed == allowed

    async def test_limiters_of_one_name_share_their_buckets(self, make: Make) -> None:
        one, other = make(per_hour(2), name="api"), make(per_hour(2), name="api")
        assert [(await limiter.acquire("k")).allowed for limiter in (one, other, one)] == [True, True, False]
