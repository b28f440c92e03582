"""throttle: first come, first served, one deadline, and whoever leaves moves the others up."""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    ImpossibleCost,
    QueueFull,
    RateLimited,
    RateLimiter,
    Waited,
    fixed_window,
    gcra,
    per_day,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)

ALGORITHMS = pytest.mark.parametrize(
    "algorithm", [gcra, token_bucket, fixed_window, sliding_log, sliding_counter], ids=lambda algorithm: algorithm.name
)


async def settle() -> None:
    """Let every task run until it waits for time or for another."""
    for _ in range(20):
        await asyncio.sleep(0)


class Crowd:
    """Tasks that throttle one limiter, and when each was served."""

    def __init__(self, limiter: RateLimiter, clock: ManualClock) -> None:
        self.limiter = limiter
        self.clock = clock
        self.served: list[tuple[str, float]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, name: str, *, cost: int = 1, key: str = "k", timeout: float | None = None) -> None:
        async def body() -> None:
            await self.limiter.athrottle(key, cost=cost, timeout=timeout)
            self.served.append((name, self.clock.monotonic()))

        self.tasks[name] = asyncio.create_task(body())
        await settle()

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 64)):
            self.clock.advance(1 / 64)  # exact in binary, as are the rates below
            await settle()


def emptied(limiter: RateLimiter, key: str = "k") -> RateLimiter:
    while limiter.acquire(key):
        pass
    return limiter


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_a_large_waiter_is_served_before_the_small_ones_behind_it(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(64, burst=16), clock=clock)), clock)
    await crowd.join("A", cost=16)
    for small in range(200):
        await crowd.join(f"small {small}")
    await crowd.pass_time(4.0)
    expected = [("A", 16 / 64), *((f"small {n}", (17 + n) / 64) for n in range(200))]
    assert crowd.served == expected


async def test_queues_of_different_keys_do_not_delay_each_other(clock: ManualClock) -> None:
    limiter = RateLimiter(per_second(8), clock=clock)
    crowd = Crowd(emptied(emptied(limiter, "k"), "other"), clock)
    await crowd.join("A", cost=8)
    await crowd.join("B", key="other")
    await crowd.pass_time(1.0)
    assert crowd.served == [("B", 0.125), ("A", 1.0)]


async def test_a_cancelled_head_gives_back_all_it_held_and_the_next_moves_up(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(8), clock=clock)), clock)
    await crowd.join("A", cost=5)
    await crowd.join("B", cost=1)
    crowd.tasks["A"].cancel()
    await settle()
    with pytest.raises(asyncio.CancelledError):
        await crowd.tasks["A"]
    await crowd.pass_time(1.0)
    assert crowd.served == [("B", 0.125)]


async def test_a_cancelled_waiter_in_the_middle_moves_those_behind_it_up(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(8), clock=clock)), clock)
    for name, cost in [("A", 1), ("B", 5), ("C", 1)]:
        await crowd.join(name, cost=cost)
    crowd.tasks["B"].cancel()
    await crowd.pass_time(1.0)
    assert crowd.served == [("A", 0.125), ("C", 0.25)]
    assert crowd.limiter.stats.waiters == 0


def test_an_interrupted_thread_gives_back_all_it_held(clock: ManualClock) -> None:
    class Interrupted(ManualClock):
        def sleep(self, seconds: float, /) -> None:
            raise KeyboardInterrupt

    limiter = emptied(RateLimiter(per_second(10, burst=10), clock=Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        limiter.throttle("k", cost=5, timeout=None)
    assert limiter.peek("k").refill_after == 0.1
    assert limiter.stats.waiters == 0


def test_threads_are_served_in_the_order_in_which_they_came(clock: ManualClock) -> None:
    limiter, served = emptied(RateLimiter(per_second(8, burst=2), clock=clock)), list[tuple[str, float]]()

    def body(name: str, cost: int) -> None:
        limiter.throttle("k", cost=cost, timeout=None)
        served.append((name, clock.monotonic()))

    threads = []
    for position, (name, cost) in enumerate([("A", 2), ("B", 1), ("C", 2)]):
        threads.append(threading.Thread(target=body, args=(name, cost)))
        threads[-1].start()
        wait_until(lambda position=position: limiter.stats.waiters > position)  # type: ignore[misc]
    for position, thread in enumerate(threads):
        clock.wait_for_sleepers(1)
        clock.advance([0.25, 0.125, 0.25][position])
        thread.join(10)
    assert served == [("A", 0.25), ("B", 0.375), ("C", 0.625)]


def wait_until(condition: Callable[[], bool]) -> None:
    """Yield to the other threads, which are about to make `condition` true."""
    ready = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        ready.wait(0.001)
    raise AssertionError("it never came true")


@ALGORITHMS
async def test_threads_and_tasks_stand_in_one_line(clock: ManualClock, algorithm: Any) -> None:
    limiter = emptied(RateLimiter(per_second(2), algorithm=algorithm, clock=clock))
    crowd = Crowd(limiter, clock)
    thread = threading.Thread(target=lambda: limiter.throttle("k", timeout=None))
    thread.start()
    clock.wait_for_sleepers(1)
    await crowd.join("task", cost=2)
    assert limiter.stats.waiters == 2
    for _ in range(100):
        clock.advance(0.1)
        await asyncio.to_thread(thread.join, 0.01 if thread.is_alive() else 0)
        await settle()
        if crowd.served:
            break
    assert not thread.is_alive()
    assert [name for name, _ in crowd.served] == ["task"]


@ALGORITHMS
def test_a_lone_caller_is_served_exactly_when_retry_after_said(clock: ManualClock, algorithm: Any) -> None:
    clock = ManualClock(auto_advance=True)
    limiter = emptied(RateLimiter(per_second(3), algorithm=algorithm, clock=clock))
    expected = limiter.peek("k", cost=2).retry_after
    assert limiter.throttle("k", cost=2, timeout=expected)
    assert clock.monotonic() == pytest.approx(expected)


@ALGORITHMS
def test_a_wait_that_cannot_fit_is_refused_at_once_and_consumes_nothing(clock: ManualClock, algorithm: Any) -> None:
    limiter = emptied(RateLimiter(per_second(4), algorithm=algorithm, clock=clock))
    look = limiter.peek("k")
    with pytest.raises(RateLimited) as refusal:
        limiter.throttle("k", timeout=look.retry_after - 0.001)
    assert (clock.monotonic(), refusal.value.retry_after, refusal.value.key) == (0.0, look.retry_after, "k")
    assert limiter.peek("k").refill_after == look.refill_after


async def test_a_wait_behind_others_that_cannot_fit_is_refused_at_once(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(8), clock=clock)), clock)
    await crowd.join("A", cost=5)
    await crowd.join("B", cost=3)
    with pytest.raises(RateLimited) as refusal:  # 5 + 3 + 1 units at 8/s
        await crowd.limiter.athrottle("k", timeout=1.0)
    assert refusal.value.retry_after == 1.125
    await crowd.join("C", timeout=1.125)
    await crowd.pass_time(1.125)
    assert crowd.served[-1] == ("C", 1.125)


async def test_who_cannot_be_served_in_time_any_more_is_refused_when_its_turn_comes(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(8, burst=4), clock=clock)), clock)
    await crowd.join("A")
    await crowd.join("B", cost=4, timeout=0.75)  # to be served at 0.625
    await crowd.join("C", timeout=0.75)  # to be served at 0.75
    crowd.limiter.reserve("k", cost=4, max_delay=10)  # somebody else books the time from 0.125 to 0.625
    await crowd.pass_time(0.125)
    assert isinstance(crowd.tasks["B"].exception(), RateLimited)
    await crowd.pass_time(0.625)
    assert crowd.served == [("A", 0.125), ("C", 0.75)]
    assert crowd.limiter.stats.waiters == 0


async def test_who_still_has_no_turn_leaves_at_its_deadline(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(1), algorithm=sliding_log, clock=clock)), clock)
    await crowd.join("A")
    await crowd.join("B", timeout=1.5)
    clock.advance(1.0)
    assert crowd.limiter.acquire("k")  # somebody else is quicker than A, which must ask again
    await crowd.pass_time(0.5)
    assert isinstance(crowd.tasks["B"].exception(), RateLimited)
    await crowd.pass_time(0.5)
    assert crowd.served == [("A", 2.0)]


@ALGORITHMS
def test_a_cost_that_can_never_pass_is_refused_without_sleeping(clock: ManualClock, algorithm: Any) -> None:
    limiter = RateLimiter(per_second(5), algorithm=algorithm, clock=clock)
    assert limiter.acquire("k", cost=6).retry_after == math.inf
    with pytest.raises(ImpossibleCost) as refusal:
        limiter.throttle("k", cost=6, timeout=10)
    assert (refusal.value.cost, refusal.value.burst, refusal.value.retry_after) == (6, 5, math.inf)
    assert isinstance(refusal.value, ValueError)


async def test_a_cost_that_can_never_pass_is_refused_behind_others_too(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(10, burst=10), clock=clock)), clock)
    await crowd.join("A", cost=5)
    with pytest.raises(ImpossibleCost):
        await crowd.limiter.athrottle("k", cost=11, timeout=None)
    assert crowd.limiter.stats.waiters == 1
    crowd.tasks["A"].cancel()
    await settle()


async def test_no_more_than_max_waiters_wait(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(10, burst=1), max_waiters=2, clock=clock)), clock)
    await crowd.join("A")
    await crowd.join("B")
    with pytest.raises(QueueFull) as refusal:
        await crowd.limiter.athrottle("k", timeout=None)
    assert refusal.value.waiters == 2
    await crowd.pass_time(0.2)
    assert len(crowd.served) == 2
    await crowd.join("C", timeout=1)


async def test_nobody_overtakes_by_acquire_while_the_head_holds_a_promise(clock: ManualClock) -> None:
    crowd = Crowd(emptied(RateLimiter(per_second(8), clock=clock)), clock)
    await crowd.join("A", cost=8)
    for _ in range(64):
        assert not crowd.limiter.acquire("k")
        await crowd.pass_time(1 / 64)
    assert crowd.served == [("A", 1.0)]


async def test_several_quotas_are_waited_for_together(clock: ManualClock) -> None:
    limiter = RateLimiter([per_second(2, burst=1, name="fast"), per_second(1, burst=1, name="slow")], clock=clock)
    crowd = Crowd(limiter, clock)
    for name in ("A", "B", "C"):
        await crowd.join(name)
    await crowd.pass_time(2.5)
    assert crowd.served == [("A", 0.0), ("B", 1.0), ("C", 2.0)]


def test_a_served_waiter_is_an_event_and_no_denial() -> None:
    clock, heard = ManualClock(auto_advance=True), list[Any]()
    limiter = RateLimiter(per_second(4, burst=1), clock=clock, on_event=heard.append)
    limiter.throttle("k", timeout=None)
    assert heard == []
    limiter.throttle("k", timeout=None)
    assert [(type(event), event.key, event.seconds) for event in heard] == [(Waited, "k", 0.25)]
    with pytest.raises(RateLimited):
        limiter.throttle("k", timeout=0.1)
    assert [type(event).__name__ for event in heard] == ["Waited", "Denied"]


def test_a_timeout_of_zero_asks_once() -> None:
    limiter = RateLimiter(per_day(1), clock=ManualClock())
    assert limiter.throttle("k", timeout=0)
    with pytest.raises(RateLimited):
        limiter.throttle("k", timeout=0)


async def test_the_loop_of_a_waiter_may_be_gone_when_its_turn_comes(clock: ManualClock) -> None:
    limiter = emptied(RateLimiter(per_second(10, burst=2), clock=clock))
    crowd = Crowd(limiter, clock)
    await crowd.join("A")

    def lonely_loop() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(limiter.athrottle("k", timeout=None))
        loop.run_until_complete(settle())
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()

    await asyncio.to_thread(lonely_loop)
    await crowd.pass_time(0.2)
    assert [name for name, _ in crowd.served] == ["A"]
    assert limiter.stats.waiters == 0
