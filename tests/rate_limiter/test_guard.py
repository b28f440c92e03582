"""Guards together: they nest, share an engine among threads, start nothing of their own, and leave the core alone."""

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fake_stores import Spy, kinds
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Denials,
    Fallback,
    Leased,
    MemoryStore,
    RateLimiter,
    RateLimiterEvent,
    Store,
    StoreUnavailable,
    gcra,
    per_hour,
    per_second,
)


def nested(engine: Store) -> Fallback:
    return Fallback(Leased(Denials(engine, max_age=60), units=10, seconds=60), on_error="local", share=0.1, pause=1)


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Lets threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_guards_nest_and_each_saves_its_trips() -> None:
    clock, engine, events = ManualClock(), Spy(), list[RateLimiterEvent]()
    limiter = RateLimiter(per_hour(100), store=nested(engine), clock=clock, on_event=events.append)
    assert [bool(limiter.acquire("key")) for _ in range(200)] == [True] * 100 + [False] * 100
    assert engine.trips == 11, "ten leases and one denial"
    engine.error = StoreUnavailable("the engine")
    assert [bool(limiter.acquire("new")) for _ in range(12)] == [True] * 10 + [False] * 2
    assert engine.trips == 12
    engine.error = None
    clock.advance(1)
    assert limiter.acquire("new").remaining == 99
    assert [kind for kind in kinds(events) if kind != "Denied"] == ["FallbackEntered", "FallbackLeft"]


async def test_guards_nest_for_tasks() -> None:
    clock, engine = ManualClock(), Spy()
    limiter = RateLimiter(per_hour(100), store=nested(engine), clock=clock)
    assert [bool(await limiter.aacquire("key")) for _ in range(200)] == [True] * 100 + [False] * 100
    assert engine.trips == 11


def test_a_limiter_meets_the_engine_through_its_guards_and_a_refused_algorithm_is_refused() -> None:
    engine = Spy()
    RateLimiter(per_hour(1), store=nested(engine))
    assert engine.attached == [gcra]

    class Picky(MemoryStore):
        def attach(self, algorithm: Any, tell: Any) -> None:
            raise ValueError(f"{algorithm.name} does not run here")

    with pytest.raises(ValueError, match="gcra does not run here"):
        RateLimiter(per_hour(1), store=nested(Picky()))


async def test_closing_the_outermost_closes_all_and_gives_back_what_the_innermost_holds() -> None:
    clock, engine = ManualClock(), Spy()
    store = nested(engine)
    limiter = RateLimiter(per_hour(100), store=store, clock=clock)
    limiter.acquire("key")
    store.close()
    assert RateLimiter(per_hour(100), store=engine, clock=clock).peek("key").remaining == 99
    assert engine.closed == 1
    await store.aclose()
    assert engine.closed == 2


def test_an_engine_that_is_gone_at_the_end_is_closed_all_the_same() -> None:
    engine = Spy()
    store = nested(engine)
    RateLimiter(per_hour(100), store=store, clock=ManualClock()).acquire("key")
    engine.error = StoreUnavailable("the engine")
    store.close()
    assert engine.closed == 1


def test_no_guard_starts_a_thread() -> None:
    before = threading.active_count()
    limiter = RateLimiter(per_second(10), store=nested(Spy()))
    limiter.acquire("key")
    assert threading.active_count() == before


@pytest.mark.usefixtures("switching_often")
def test_threads_share_leases_and_denials_without_finding_or_losing_a_unit() -> None:
    class Yielding(Spy):
        def apply(self, ask: Any) -> Any:
            time.sleep(0)  # lets another thread in while this one is on its trip
            return super().apply(ask)

    engine = Yielding()
    limiter = RateLimiter(per_hour(1_000), store=nested(engine), clock=ManualClock())
    admitted: list[bool] = []

    def work() -> None:
        admitted.extend(bool(limiter.acquire("key")) for _ in range(300))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), sum(admitted)) == (2_400, 1_000)


def test_a_key_whose_hash_raises_leaves_the_guards_usable() -> None:
    class Hostile(str):
        __slots__ = ()

        def __hash__(self) -> int:
            raise RuntimeError("hash")

    limiter = RateLimiter(per_hour(2), store=nested(Spy()), clock=ManualClock())
    assert limiter.acquire(Hostile("key"))
    assert limiter.acquire("key")
    assert not limiter.acquire(Hostile("key"))


def test_cancelling_a_promise_of_before_does_not_bring_the_old_quota_back() -> None:
    limiter = RateLimiter(per_second(5), clock=ManualClock())
    limiter.acquire("key", cost=5)
    promise = limiter.reserve("key", max_delay=1)
    limiter.set_quota(per_second(50))
    promise.cancel()
    assert limiter.acquire("other").limit == 50


def test_a_promise_of_nothing_is_cancelled_to_no_effect() -> None:
    limiter = RateLimiter(per_second(5), clock=ManualClock())
    promise = limiter.reserve("key", cost=0, max_delay=1)
    limiter.acquire("key")
    promise.cancel()
    assert limiter.peek("key").remaining == 4
