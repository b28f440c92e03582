"""ConcurrencyLimiter: slots are leases; a dead holder blocks nobody for long and harms nobody by coming back."""

import asyncio
import threading
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    ConcurrencyLimiter,
    Lease,
    LeaseLost,
    MemoryLeases,
    QueueFull,
    RateLimited,
    StoreFull,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_as_many_as_the_limit_hold_a_slot_and_each_decision_says_how_many(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(2, lease_seconds=8, clock=clock)
    first = slots.acquire("k")
    clock.advance(2)
    second, third = slots.acquire("k"), slots.acquire("k")
    assert [(d.allowed, d.limit, d.in_flight, d.retry_after) for d in (first, second, third)] == [
        *((True, 2, 1, 0.0), (True, 2, 2, 0.0)),
        (False, 2, 2, 6.0),
    ]
    assert (first.lease is not None, third.lease) == (True, None)
    assert slots.acquire("other")


def held(slots: ConcurrencyLimiter, key: str = "k") -> Lease:
    lease = slots.acquire(key).lease
    assert lease is not None
    return lease


def test_the_slot_of_a_dead_holder_is_free_at_exactly_the_end_of_its_lease(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, lease_seconds=8, clock=clock)
    dead = held(slots)
    clock.advance(7.75)
    assert dead.expires_in == 0.25
    assert not slots.acquire("k")
    clock.advance(0.25)
    heir = held(slots)
    dead.release()  # late: it must not free the slot of the heir
    assert not slots.acquire("k")
    with pytest.raises(LeaseLost) as lost:
        dead.renew()
    assert (lost.value.key, lost.value.token) == ("k", dead.token)
    assert (dead.expires_in, heir.expires_in) == (0.0, 8.0)


def test_a_renewed_lease_lasts_a_full_term_from_then(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, lease_seconds=8, clock=clock)
    lease = held(slots)
    clock.advance(6)
    lease.renew()
    assert lease.expires_in == 8.0
    clock.advance(7.75)
    assert not slots.acquire("k")


def test_a_slot_is_released_on_every_exit_and_twice_is_once(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, clock=clock)
    with pytest.raises(ZeroDivisionError), slots.throttle("k", timeout=0):
        raise ZeroDivisionError
    lease = held(slots)
    lease.release()
    lease.release()
    with held(slots):
        assert not slots.acquire("k")
    assert slots.acquire("k")


async def test_a_cancelled_task_releases_its_slot(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, clock=clock)

    async def work() -> None:
        async with await slots.athrottle("k", timeout=None):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(work())
    await settle()
    assert not slots.acquire("k")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert slots.acquire("k")


async def test_who_is_cancelled_while_asking_gives_back_what_it_may_have_got(clock: ManualClock) -> None:
    class Slow(MemoryLeases):
        async def aacquire(self, *arguments: Any) -> Any:
            answer = self.acquire(*arguments)
            await asyncio.get_running_loop().create_future()  # granted, but the reply is on its way
            return answer

    slots = ConcurrencyLimiter(1, store=Slow(), clock=clock)
    task = asyncio.create_task(slots.aacquire("k"))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slots.acquire("k")


async def test_waiters_are_served_first_come_first_served_as_slots_are_freed(clock: ManualClock) -> None:
    slots, served = ConcurrencyLimiter(1, clock=clock), list[str]()
    lease = held(slots)

    async def work(name: str) -> None:
        async with await slots.athrottle("k", timeout=None):
            served.append(name)
            await asyncio.sleep(0)

    tasks = []
    for name in "ABC":
        tasks.append(asyncio.create_task(work(name)))
        await settle()
    assert (slots.waiters, served) == (3, [])
    tasks[1].cancel()
    lease.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == ["A", "C"]
    assert (slots.waiters, clock.monotonic()) == (0, 0.0)  # nobody waited for time


def test_a_waiting_thread_is_woken_by_a_release(clock: ManualClock) -> None:
    slots, served = ConcurrencyLimiter(1, clock=clock), threading.Event()
    lease = held(slots)

    def work() -> None:
        with slots.throttle("k", timeout=None):
            served.set()

    thread = threading.Thread(target=work)
    thread.start()
    clock.wait_for_sleepers(1)
    lease.release()
    thread.join(10)
    assert served.is_set()


async def test_a_waiter_inherits_the_slot_of_a_dead_holder_when_its_lease_ends(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, lease_seconds=8, clock=clock)
    held(slots)
    waiter = asyncio.create_task(slots.athrottle("k", timeout=None))
    await settle()
    clock.advance(7.75)
    await settle()
    assert not waiter.done()
    clock.advance(0.25)
    await settle()
    assert (await waiter).expires_in == 8.0


async def test_who_finds_no_slot_in_time_is_refused_at_its_deadline_in_line_or_at_its_head(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, lease_seconds=8, clock=clock)
    held(slots)
    head = asyncio.create_task(slots.athrottle("k", timeout=2))
    await settle()
    second = asyncio.create_task(slots.athrottle("k", timeout=1))
    await settle()
    for waiter in (second, head):
        clock.advance(1)
        await settle()
        refusal = waiter.exception()
        assert isinstance(refusal, RateLimited)
        assert refusal.key == "k"
    assert slots.waiters == 0


def test_a_timeout_of_zero_asks_once(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, lease_seconds=8, clock=clock)
    slots.throttle("k", timeout=0)
    with pytest.raises(RateLimited) as refusal:
        slots.throttle("k", timeout=0)
    assert refusal.value.retry_after == 8.0


async def test_no_more_than_max_waiters_wait(clock: ManualClock) -> None:
    slots = ConcurrencyLimiter(1, max_waiters=1, clock=clock)
    held(slots)
    waiter = asyncio.create_task(slots.athrottle("k", timeout=None))
    await settle()
    with pytest.raises(QueueFull) as refusal:
        await slots.athrottle("k", timeout=None)
    assert refusal.value.waiters == 1
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)


async def test_an_engine_that_cannot_tell_of_releases_is_polled_in_spread_steps(clock: ManualClock) -> None:
    class Elsewhere(MemoryLeases):
        poll_seconds = 0.5  # type: ignore[assignment]

    store = Elsewhere()
    here = ConcurrencyLimiter(1, store=store, clock=clock, rng=Random(7))
    lease = held(ConcurrencyLimiter(1, store=store, clock=clock))  # another process
    waiter = asyncio.create_task(here.athrottle("k", timeout=None))
    await settle()
    lease.release()
    assert not waiter.done()
    clock.advance(0.75)  # 0.5 x 1.5 at the most
    await settle()
    assert waiter.done()


def test_at_most_max_keys_have_live_leases_and_dead_ones_are_forgotten(clock: ManualClock) -> None:
    store = MemoryLeases(max_keys=3)
    slots = ConcurrencyLimiter(1, lease_seconds=8, store=store, clock=clock)
    for key in range(3):
        slots.acquire(key)
    with pytest.raises(StoreFull) as refusal:
        slots.acquire(3)
    assert refusal.value.retry_after == 8.0
    clock.advance(8)
    assert slots.acquire(3)
    assert len(store) == 1


def test_many_one_shot_keys_leave_memory_bounded(clock: ManualClock) -> None:
    store = MemoryLeases()
    slots = ConcurrencyLimiter(1, lease_seconds=1, store=store, clock=clock)
    for key in range(20_000):
        if key % 100 == 0:
            clock.advance(1)
        slots.acquire(key)
    assert len(store) <= 300


@given(st.data())
def test_never_more_than_the_limit_are_live_whatever_happens(data: st.DataObject) -> None:
    clock, limit = ManualClock(), data.draw(st.integers(1, 3))
    slots = ConcurrencyLimiter(limit, lease_seconds=4, clock=clock, rng=Random(0))
    live: dict[str, tuple[Lease, float]] = {}  # the model: token -> lease and its end
    for _ in range(data.draw(st.integers(1, 20))):
        now = clock.monotonic()
        live = {token: entry for token, entry in live.items() if entry[1] > now}
        step = data.draw(st.sampled_from(["acquire", "release", "renew", "wait"]))
        if step == "acquire":
            decision = slots.acquire("k")
            assert decision.allowed == (len(live) < limit)
            if decision.lease:
                live[decision.lease.token] = (decision.lease, now + 4)
            assert decision.in_flight == len(live)
        elif step == "wait":
            clock.advance(data.draw(st.sampled_from([0.5, 1.0, 4.0])))
        elif live:
            token = data.draw(st.sampled_from(sorted(live)))
            if step == "release":
                live.pop(token)[0].release()
            else:
                live[token][0].renew()
                live[token] = (live[token][0], now + 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"limit": 1, "lease_seconds": 0}, "lease_seconds .* got 0"),
        ({"limit": 1, "lease_seconds": float("inf")}, "lease_seconds .* got inf"),
        ({"limit": 1, "max_waiters": -1}, "max_waiters must be at least 0, got -1"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConcurrencyLimiter(**arguments)
