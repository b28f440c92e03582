"""`Leased`: fewer trips, a bounded overshoot for any number of processes, and units that come back."""

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_stores import Spy
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Leased,
    MemoryStore,
    Quota,
    RateLimiter,
    StoreFull,
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

BUCKETS: list[Algorithm[Any]] = [gcra, token_bucket]
WINDOWS: list[Algorithm[Any]] = [fixed_window, sliding_counter, sliding_log]


def named(algorithm: Algorithm[Any]) -> str:
    return algorithm.name


@pytest.mark.parametrize("algorithm", [*BUCKETS, *WINDOWS], ids=named)
def test_one_trip_serves_as_many_calls_as_it_took_units(algorithm: Algorithm[Any]) -> None:
    engine = Spy()
    limiter = RateLimiter(
        per_hour(100), algorithm=algorithm, store=Leased(engine, units=10, seconds=5), clock=ManualClock()
    )
    remaining = [limiter.acquire("key").remaining for _ in range(30)]
    assert engine.trips == 3
    assert remaining == list(range(99, 69, -1)), "what the engine has and what is held here are one account"


@pytest.mark.parametrize("algorithm", [*BUCKETS, *WINDOWS], ids=named)
def test_alone_it_admits_exactly_what_the_engine_would(algorithm: Algorithm[Any]) -> None:
    engine = Spy()
    limiter = RateLimiter(
        per_hour(25), algorithm=algorithm, store=Leased(engine, units=10, seconds=5), clock=ManualClock()
    )
    assert [bool(limiter.acquire("key")) for _ in range(30)] == [True] * 25 + [False] * 5


def test_a_denial_of_a_bucket_says_exactly_when_the_call_passes_and_costs_one_trip() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_second(10), store=Leased(engine, units=10, seconds=5), clock=clock)
    assert limiter.acquire("key", cost=10)
    trips = engine.trips
    denied = limiter.acquire("key", cost=3)
    assert (bool(denied), denied.retry_after, denied.remaining) == (False, 0.3, 0)
    assert engine.trips == trips + 1
    clock.advance(0.3)
    assert limiter.acquire("key", cost=3)


def test_where_no_lease_is_to_be_had_the_engine_serves_the_cost_itself() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_second(10), store=Leased(engine, units=8, seconds=5), clock=clock)
    assert limiter.acquire("key", cost=10), "more than a lease ever holds"
    clock.advance(0.4)
    assert limiter.acquire("key", cost=3), "4 units are there, 8 are not"
    assert not limiter.acquire("key", cost=2)
    assert (engine.costs("acquire"), engine.costs("reserve")) == ([10, 3], [8, 8])


def test_a_lease_is_never_larger_than_the_burst() -> None:
    engine = Spy()
    limiter = RateLimiter(Quota(100, 1, burst=4), store=Leased(engine, units=50, seconds=5), clock=ManualClock())
    assert [bool(limiter.acquire("key")) for _ in range(5)] == [True] * 4 + [False]
    assert engine.costs("reserve") == [4, 4]


def test_a_cost_above_the_burst_is_refused_for_ever_as_by_the_engine() -> None:
    limiter = RateLimiter(per_second(5), store=Leased(Spy(), units=50, seconds=5), clock=ManualClock())
    assert limiter.acquire("key", cost=6).retry_after == float("inf")


def test_looking_spends_nothing_of_a_lease() -> None:
    engine = Spy()
    limiter = RateLimiter(per_hour(20), store=Leased(engine, units=10, seconds=5), clock=ManualClock())
    limiter.acquire("key")
    trips = engine.trips
    assert [limiter.peek("key", cost=9).remaining, limiter.acquire("key", cost=0).remaining] == [19, 19]
    assert engine.trips == trips
    assert limiter.acquire("key", cost=9)
    assert engine.trips == trips


def test_a_look_where_nothing_is_held_takes_no_lease() -> None:
    engine = Spy()
    limiter = RateLimiter(per_hour(20), store=Leased(engine, units=10, seconds=5), clock=ManualClock())
    assert limiter.acquire("key", cost=0).remaining == limiter.peek("key").remaining == 20
    assert engine.costs("reserve") == []


@pytest.mark.parametrize("algorithm", BUCKETS, ids=named)
def test_closing_gives_back_what_was_not_spent(algorithm: Algorithm[Any]) -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=50, seconds=60)
    limiter = RateLimiter(per_hour(100), algorithm=algorithm, store=leased, clock=clock)
    for _ in range(3):
        limiter.acquire("key")
    bare = RateLimiter(per_hour(100), algorithm=algorithm, store=engine, clock=clock)
    assert bare.peek("key").remaining == 50
    leased.close()
    assert bare.acquire("key").remaining == 96
    assert (engine.closed, len(leased)) == (1, 0)
    leased.close()
    assert bare.peek("key").remaining == 96, "twice is once"


async def test_closing_in_a_task_gives_back_as_well() -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=50, seconds=60)
    limiter = RateLimiter(per_hour(100), store=leased, clock=clock)
    assert [bool(await limiter.aacquire("key")) for _ in range(3)] == [True] * 3
    assert engine.trips == 1
    await leased.aclose()
    assert RateLimiter(per_hour(100), store=engine, clock=clock).peek("key").remaining == 97
    assert engine.closed == 1


def test_an_unused_lease_returns_when_its_seconds_are_over() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_hour(3_600, burst=100), store=Leased(engine, units=50, seconds=2), clock=clock)
    bare = RateLimiter(per_hour(3_600, burst=100), store=engine, clock=clock)
    limiter.acquire("idle", cost=5)
    clock.advance(1.999_999)
    limiter.acquire("other")
    assert bare.peek("idle").remaining == 51, "50 taken, 1 second's unit has come back"
    clock.advance(0.000_001)
    limiter.acquire("third")
    assert bare.peek("idle").remaining == 97, "5 spent, 2 came back, and no more than was unused"


def test_an_expired_lease_is_not_spent_any_more() -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=10, seconds=2)
    limiter = RateLimiter(per(10, 1_000), store=leased, clock=clock)
    limiter.acquire("key")
    engine.error = StoreUnavailable("the engine")  # so that nothing can be given back
    clock.advance(2)
    with pytest.raises(StoreUnavailable):
        limiter.acquire("key")
    assert len(leased) == 0


def test_units_that_have_drained_out_of_the_bucket_are_not_given_back() -> None:
    # 10/s, burst 10, 10 leased at 0: at 0.7 s the bucket owes for 3, whatever was spent of them.
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=10, seconds=0.7)
    limiter = RateLimiter(per_second(10), store=leased, clock=clock)
    limiter.acquire("key")
    clock.advance(0.7)
    limiter.acquire("other")
    assert engine.costs("cancel") == [3]


def test_units_that_others_took_after_the_lease_are_not_given_back() -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=50, seconds=60)
    RateLimiter(per_hour(100), store=leased, clock=clock).acquire("key")
    bare = RateLimiter(per_hour(100), store=engine, clock=clock)
    bare.acquire("key", cost=20)
    leased.close()
    assert bare.peek("key").remaining == 100 - 50 - 20 + (49 - 20)


def test_idle_leases_are_given_back_by_the_calls_of_others_so_that_they_do_not_pile_up() -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=10, seconds=1)
    limiter = RateLimiter(per_second(1_000), store=leased, clock=clock)
    for key in range(500):
        limiter.acquire(key)
        clock.advance(0.1)
        assert len(leased) <= 11


def test_a_changed_quota_ends_the_lease() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_hour(100), store=Leased(engine, units=50, seconds=60), clock=clock)
    limiter.acquire("key")
    limiter.set_quota(per_hour(10))
    assert limiter.acquire("key").quota.limit == 10
    assert engine.costs("cancel") == [49]


def test_reset_forgets_the_lease_too() -> None:
    engine = Spy()
    leased = Leased(engine, units=50, seconds=60)
    limiter = RateLimiter(per_hour(100), store=leased, clock=ManualClock())
    limiter.acquire("key")
    limiter.reset("key")
    assert len(leased) == 0
    assert limiter.peek("key").remaining == 100


def test_a_promise_for_now_is_served_from_the_lease_and_one_for_later_by_the_engine() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_second(10), store=Leased(engine, units=10, seconds=60), clock=clock)
    limiter.acquire("key", cost=7)
    trips = engine.trips
    now = limiter.reserve("key", cost=3, max_delay=5)
    assert (now.allowed, now.delay, engine.trips) == (True, 0.0, trips)
    now.cancel()  # its time has come, so nothing is given back
    assert engine.trips == trips
    later = limiter.reserve("key", cost=5, max_delay=5)
    assert (later.delay, engine.trips) == (0.5, trips + 1)
    later.cancel()
    assert limiter.reserve("key", cost=5, max_delay=5).delay == 0.5, "the engine took its promise back"


def test_several_quotas_are_paid_from_leases_and_engine_all_or_nothing() -> None:
    engine = Spy()
    limiter = RateLimiter(
        [per_hour(100, name="user"), per_hour(30, name="tenant")],
        store=Leased(engine, units=10, seconds=60),
        clock=ManualClock(),
    )
    for user in range(3):
        assert limiter.acquire({"user": user, "tenant": "t"}, cost=10 if user else 9)
    # 29 of the tenant's 30 are spent, the last is leased with 1 of user 0; user 3 wants 2.
    denied = limiter.acquire({"user": 3, "tenant": "t"}, cost=2)
    assert (bool(denied), denied.quota.name) == (False, "tenant")
    assert limiter.acquire({"user": 0, "tenant": "t"}), "what the lease holds was not lost by the refusal"
    assert not limiter.acquire({"user": 0, "tenant": "t"})


def test_a_refused_call_gives_back_what_it_took_out_of_a_lease() -> None:
    engine = Spy()
    limiter = RateLimiter(
        [per_hour(100, name="user"), per_hour(100, name="tenant")],
        store=Leased(engine, units=10, seconds=60),
        clock=ManualClock(),
    )
    limiter.acquire({"user": 1, "tenant": "t"}, cost=4)
    bare = RateLimiter([per_hour(100, name="user"), per_hour(100, name="tenant")], store=engine, clock=ManualClock())
    bare.acquire({"user": 2, "tenant": "other"}, cost=100)
    assert not limiter.acquire({"user": 2, "tenant": "t"}, cost=6), "user 2 has nothing left"
    trips = engine.trips
    assert limiter.acquire({"user": 1, "tenant": "t"}, cost=6), "the tenant's six are still held"
    assert engine.trips == trips


def test_what_a_granted_call_took_out_of_a_lease_beside_the_engine_is_spent() -> None:
    engine = Spy()
    limiter = RateLimiter(
        [per_hour(100, name="user"), per_hour(100, name="tenant")],
        store=Leased(engine, units=10, seconds=60),
        clock=ManualClock(),
    )
    limiter.acquire({"user": 1, "tenant": "t"}, cost=4)
    assert limiter.acquire({"user": 2, "tenant": "t"}, cost=6), "the tenant's part is paid by the lease, to its end"
    trips = engine.trips
    assert limiter.acquire({"user": 1, "tenant": "t"})
    assert [len(ask.quotas) for ask in engine.asks[trips - 1 :]] == [1, 1], "each time one quota had to be asked"


def test_what_a_lease_has_left_is_kept_when_it_is_renewed() -> None:
    engine = Spy()
    limiter = RateLimiter(per_hour(100), store=Leased(engine, units=10, seconds=60), clock=ManualClock())
    limiter.acquire("key", cost=8)
    limiter.acquire("key", cost=5)
    assert limiter.acquire("key", cost=7), "2 of the first and 5 of the second lease"
    assert engine.trips == 2


def test_a_lease_that_cannot_be_given_back_does_not_stop_the_call_that_tries() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_hour(100), store=Leased(engine, units=10, seconds=1), clock=clock)
    limiter.acquire("idle")
    clock.advance(1)

    def lose_returns(ask: Ask) -> None:
        if ask.mode == "cancel":
            raise StoreUnavailable("the engine")

    engine.before = lose_returns
    assert limiter.acquire("key")
    assert engine.costs("cancel") == [9]


def test_an_expired_lease_of_the_key_itself_is_given_back_wherever_it_stands() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_hour(100), store=Leased(engine, units=10, seconds=1), clock=clock)
    for key in ("a", "b", "c"):
        limiter.acquire(key)
    clock.advance(1)
    limiter.acquire("c")
    assert [ask.keys for ask in engine.asks if ask.mode == "cancel"] == [("a",), ("b",), ("c",)]


def test_closing_goes_by_the_time_of_the_last_call() -> None:
    clock, engine = ManualClock(), Spy()
    leased = Leased(engine, units=10, seconds=60)
    limiter = RateLimiter(per_second(10), store=leased, clock=clock)
    limiter.acquire("key")
    clock.advance(0.5)
    limiter.acquire("other", cost=10)
    leased.close()
    assert engine.costs("cancel") == [5]


@pytest.mark.parametrize("error", [StoreUnavailable("the engine"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_a_call_that_fails_spends_nothing_of_a_lease_and_leaves_the_guard_usable(error: BaseException) -> None:
    engine = Spy()
    limiter = RateLimiter(
        [per_hour(100, name="user"), per_hour(100, name="tenant")],
        store=Leased(engine, units=10, seconds=60),
        clock=ManualClock(),
    )
    limiter.acquire({"user": 1, "tenant": "t"}, cost=4)
    engine.error = error
    with pytest.raises(type(error)):
        limiter.acquire({"user": 2, "tenant": "t"}, cost=6)
    engine.error = None
    trips = engine.trips
    assert limiter.acquire({"user": 1, "tenant": "t"}, cost=6)
    assert engine.trips == trips
    assert limiter.acquire({"user": 2, "tenant": "t"})
    assert engine.costs("reserve")[-1] == 10, "and a lease can be taken again"


async def test_a_cancelled_task_is_cancelled_and_gives_back_what_it_took_out_of_a_lease() -> None:
    engine = Spy()
    limiter = RateLimiter(
        [per_hour(100, name="user"), per_hour(100, name="tenant")],
        store=Leased(engine, units=10, seconds=60),
        clock=ManualClock(),
    )
    await limiter.aacquire({"user": 1, "tenant": "t"}, cost=4)
    engine.hangs = True
    task = asyncio.create_task(limiter.aacquire({"user": 2, "tenant": "t"}, cost=6))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    engine.hangs = False
    assert await limiter.aacquire({"user": 1, "tenant": "t"}, cost=6)
    assert engine.costs("reserve") == [10, 10], "the second one hung"


def test_calls_that_come_while_a_lease_is_taken_take_no_second_one_and_find_no_lock_held() -> None:
    engine = Spy()
    leased = Leased(engine, units=10, seconds=60)
    limiter = RateLimiter(per_hour(100), store=leased, clock=ManualClock())

    def meanwhile(ask: Ask) -> None:
        assert not leased._lock.locked()
        if ask.mode == "reserve":
            assert limiter.acquire("key")

    engine.before = meanwhile
    limiter.acquire("key")
    assert (engine.costs("reserve"), engine.costs("acquire")) == ([10], [1])
    assert [bool(limiter.acquire("key")) for _ in range(9)] == [True] * 9
    assert engine.trips == 2


def test_a_full_engine_says_so() -> None:
    limiter = RateLimiter(per_hour(100), store=Leased(Spy(max_keys=1), units=10, seconds=60), clock=ManualClock())
    limiter.acquire("a")
    with pytest.raises(StoreFull):
        limiter.acquire("b")
    assert limiter.acquire("a")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"units": 0, "seconds": 1}, ValueError),
        ({"units": 1.5, "seconds": 1}, TypeError),
        ({"units": 1, "seconds": 0}, ValueError),
        ({"units": 1, "seconds": "1"}, TypeError),
        ({"units": 1, "seconds": float("inf")}, ValueError),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, float], error: type[Exception]) -> None:
    with pytest.raises(error):
        Leased(MemoryStore(), **options)  # type: ignore[arg-type]


def test_the_price_of_leases_is_what_each_process_may_have_saved_up() -> None:
    # 10/s, burst 10: two processes lease 5 at 0 and spend 1; at 10 s the bucket is full again and they still hold 4.
    clock, engine = ManualClock(), MemoryStore()
    limiters = [RateLimiter(per_second(10), store=Leased(engine, units=5, seconds=60), clock=clock) for _ in range(2)]
    for limiter in limiters:
        limiter.acquire("key")
    clock.advance(10)
    admitted = sum(bool(limiter.acquire("key")) for limiter in limiters for _ in range(20))
    assert admitted == 10 + 2 * 4


Step = tuple[str, int, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.integers(0, 3), st.integers(1, 6)),
        st.tuples(st.just("advance"), st.just(0), st.sampled_from([1, 40_000, 250_000, 1_000_000, 2_500_000])),
        st.tuples(st.just("close"), st.integers(0, 3), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(
    steps=STEPS,
    algorithm=st.sampled_from(BUCKETS),
    processes=st.integers(1, 4),
    units=st.integers(1, 12),
    seconds=st.sampled_from([0.05, 0.5, 2.0, 60.0]),
    limit=st.integers(1, 12),
    burst=st.integers(1, 12),
)
def test_any_number_of_processes_never_admits_more_than_burst_and_rate_and_one_lease_each(
    *, steps: list[Step], algorithm: Algorithm[Any], processes: int, units: int, seconds: float, limit: int, burst: int
) -> None:
    clock, engine, quota = ManualClock(), MemoryStore(), Quota(limit, 1, burst)
    guards = [Leased(engine, units=units, seconds=seconds) for _ in range(processes)]
    clients = [RateLimiter(quota, algorithm=algorithm, store=guard, clock=clock) for guard in guards]
    now, admitted = 0, list[tuple[int, int]]()
    for kind, who, amount in steps:
        if kind == "advance":
            now += amount
            clock.advance(now / 1e6 - clock.monotonic())
        elif kind == "close":
            guards[who % processes].close()
        elif clients[who % processes].acquire("key", cost=amount):
            admitted.append((now, amount))
    for first, (start, _) in enumerate(admitted):
        total = 0
        for end, cost in admitted[first:]:
            total += cost
            most = burst + Fraction(end - start, 1_000_000) * limit + processes * units
            assert total <= most, f"{total} from {start} to {end} us"
