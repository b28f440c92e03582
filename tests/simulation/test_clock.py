"""VirtualClock and its skewed views: who moves time, and what another node believes."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.clock import EPOCH, ManualClock
from lldkit.simulation import Stuck, VirtualClock, run_virtual

HOUR, DAY = 3600.0, 86_400.0


def test_a_plain_call_that_sleeps_moves_time_itself() -> None:
    clock = VirtualClock(start=datetime(2030, 1, 1, tzinfo=UTC), monotonic=5.0)
    clock.sleep(DAY)
    assert clock.monotonic() == 5.0 + DAY
    assert clock.now() == datetime(2030, 1, 2, tzinfo=UTC)


def test_threads_sleep_until_the_thread_that_made_the_clock_moves_it() -> None:
    clock = VirtualClock()
    woken: list[tuple[str, float]] = []

    def body(name: str, *pauses: float) -> None:
        for pause in pauses:
            clock.sleep(pause)
            woken.append((name, clock.monotonic()))

    threads = [threading.Thread(target=body, args=args) for args in [("a", 2.0, 2.0, 0.5), ("b", 3.0, 1.5)]]
    for count, thread in enumerate(threads, start=1):
        thread.start()
        clock.wait_for_sleepers(count)
    clock.sleep(10)
    for thread in threads:
        thread.join()
    # Within one sleep of the driver, each thread had fallen asleep again before the next one was woken.
    assert woken == [("a", 2.0), ("b", 3.0), ("a", 4.0), ("b", 4.5), ("a", 4.5)]
    assert clock.monotonic() == 10.0


def test_a_sleep_that_blocks_the_loop_lets_its_timers_come_late_as_a_real_one_does() -> None:
    clock = VirtualClock()

    async def main() -> list[float]:
        seen: list[float] = []
        asyncio.get_running_loop().call_later(1, lambda: seen.append(clock.monotonic()))
        clock.sleep(5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return seen

    assert run_virtual(main(), clock=clock) == [5.0]


def test_the_task_verb_yields_at_zero_and_waits_otherwise() -> None:
    clock = VirtualClock()

    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def body(name: str, seconds: float) -> None:
            seen.append((f"{name} begins", clock.monotonic()))
            await clock.asleep(seconds)
            seen.append((f"{name} ends", clock.monotonic()))

        await asyncio.gather(body("a", 0), body("b", 0.001))
        return seen

    assert run_virtual(main(), clock=clock) == [
        *(("a begins", 0.0), ("b begins", 0.0), ("a ends", 0.0), ("b ends", 0.001)),
    ]


def test_it_is_a_manual_clock_for_plain_asyncio() -> None:
    clock = VirtualClock()
    assert isinstance(clock, ManualClock)

    async def main() -> float:
        task = asyncio.create_task(clock.asleep(5))
        await asyncio.sleep(0)
        clock.advance(5)
        await task
        return clock.monotonic()

    assert asyncio.run(main()) == 5.0


def test_a_cancelled_sleeper_is_gone() -> None:
    clock = VirtualClock()

    async def main() -> None:
        task = asyncio.create_task(clock.asleep(100))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        assert clock.sleepers == 0

    run_virtual(main(), clock=clock)
    assert clock.monotonic() == 2.0


def test_a_sleep_on_another_clock_than_the_runs_is_refused_for_it_would_never_end() -> None:
    with pytest.raises(RuntimeError, match=r"run_virtual\(main, clock=clock\)"):
        run_virtual(VirtualClock().asleep(1))


def test_the_wall_is_set_back_an_hour_and_nobody_sleeps_longer() -> None:
    clock = VirtualClock()

    async def main() -> None:
        sleeper = asyncio.create_task(clock.asleep(10))
        await asyncio.sleep(4)
        clock.step_wall(-HOUR)
        await sleeper

    run_virtual(main(), clock=clock)
    assert clock.monotonic() == 10.0
    assert clock.now() == EPOCH + timedelta(seconds=10 - HOUR)


def test_a_drift_of_a_ten_thousandth_is_8_64_seconds_after_a_day() -> None:
    clock = VirtualClock()
    fast = clock.skewed(drift=1e-4)
    clock.sleep(DAY)
    assert (fast.now() - clock.now()).total_seconds() == pytest.approx(8.64, abs=1e-6)
    assert fast.monotonic() - clock.monotonic() == pytest.approx(8.64, abs=1e-6)


def test_an_offset_moves_the_calendar_only() -> None:
    clock = VirtualClock()
    ahead = clock.skewed(offset=30)
    assert ahead.now() - clock.now() == timedelta(seconds=30)
    assert ahead.monotonic() == clock.monotonic()


def test_a_node_whose_clock_is_twice_as_fast_sleeps_half_as_long() -> None:
    clock = VirtualClock()
    fast = clock.skewed(drift=1.0)
    fast.sleep(10)
    assert (clock.monotonic(), fast.monotonic()) == (5.0, 10.0)
    run_virtual(fast.asleep(10), clock=clock)
    assert (clock.monotonic(), fast.monotonic()) == (10.0, 20.0)


@given(drift=st.floats(-0.5, 2), begun=st.floats(0, 1e9), waited=st.floats(0, 1e6), seconds=st.floats(1e-9, 1e6))
def test_no_sleeper_on_a_skewed_clock_wakes_before_its_own_deadline(
    drift: float, begun: float, waited: float, seconds: float
) -> None:
    clock = VirtualClock(monotonic=begun)
    node = clock.skewed(drift=drift)
    clock.sleep(waited)
    deadline = node.monotonic() + seconds
    node.sleep(seconds)
    assert node.monotonic() >= deadline
    assert node.monotonic() - deadline <= 1e-6


def test_a_loop_that_sleeps_until_a_deadline_on_a_skewed_clock_comes_to_an_end() -> None:
    clock = VirtualClock(monotonic=1e6)
    node = clock.skewed(drift=-0.3333)
    rounds, deadline = 0, node.monotonic() + 0.1
    while node.monotonic() < deadline:
        node.sleep(deadline - node.monotonic())
        rounds += 1
    assert rounds <= 2


@pytest.mark.parametrize(("skew", "said"), [({"drift": -1.0}, "drift"), ({"offset": float("nan")}, "offset")])
def test_a_skew_that_makes_no_sense_is_refused(skew: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        VirtualClock().skewed(**skew)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_nonsense_durations_are_refused_and_nothing_moves(seconds: float) -> None:
    clock = VirtualClock()
    for verb in (clock.sleep, clock.skewed(drift=0.1).sleep, lambda s: run_virtual(clock.asleep(s), clock=clock)):
        with pytest.raises(ValueError, match="seconds >= 0"):
            verb(seconds)
    assert clock.monotonic() == 0.0


def test_a_plain_call_waits_for_an_event_or_a_deadline_and_time_jumps_to_either() -> None:
    clock, condition, done = VirtualClock(), threading.Condition(), list[float]()

    def body() -> None:
        clock.sleep(3.0)
        with condition:
            done.append(clock.monotonic())
            condition.notify_all()

    thread = threading.Thread(target=body)
    thread.start()
    clock.wait_for_sleepers(1)
    with condition:
        assert clock.wait_for(condition, lambda: bool(done), 10.0)
        assert (done, clock.monotonic()) == ([3.0], 3.0)
        assert not clock.wait_for(condition, lambda: False, 4.0)
        assert clock.monotonic() == 7.0
        assert not clock.skewed(drift=1.0).wait_for(condition, lambda: False, 4.0)
    assert clock.monotonic() == 9.0
    thread.join()


class Box:
    """One thing at a time, for threads that wait by the clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.changed, self.things = clock, threading.Condition(), list[str]()

    def put(self, thing: str, *, after: float = 0.0) -> None:
        self.clock.sleep(after)
        with self.changed:
            self.things.append(thing)
            self.changed.notify_all()

    def get(self, *, within: float | None) -> tuple[str, float]:
        with self.changed:
            if not self.clock.wait_for(self.changed, lambda: bool(self.things), within):
                return "nothing", self.clock.monotonic()
            return self.things.pop(0), self.clock.monotonic()


def test_threads_that_wait_for_an_event_by_the_clock_are_woken_at_its_time_in_order_of_arrival() -> None:
    for _ in range(10):
        clock = VirtualClock()
        box = Box(clock)

        async def main(box: Box = box) -> list[tuple[str, float]]:
            gets = [asyncio.to_thread(box.get, within=within) for within in (10, None, 2, 20)]
            puts = [asyncio.to_thread(box.put, thing, after=after) for thing, after in [("a", 3), ("b", 3), ("c", 30)]]
            got, _ = await asyncio.gather(asyncio.gather(*gets), asyncio.gather(*puts))
            return got

        # The third gives up at 2. Two things come at 3, for the first and the second. The fourth gives up at 20.
        assert run_virtual(main(), clock=clock) == [("a", 3.0), ("b", 3.0), ("nothing", 2.0), ("nothing", 20.0)]
        assert clock.monotonic() == 30.0
        assert clock.sleepers == 0


def test_a_plain_wait_inside_a_task_lets_threads_go_on() -> None:
    clock = VirtualClock()
    box = Box(clock)

    async def main() -> list[tuple[str, float]]:
        asyncio.get_running_loop().run_in_executor(None, lambda: box.put("a", after=3))
        await asyncio.sleep(1)
        return [box.get(within=10), box.get(within=5)]

    assert run_virtual(main(), clock=clock) == [("a", 3.0), ("nothing", 8.0)]


def test_a_thread_that_holds_what_another_waits_for_is_waited_for() -> None:
    clock = VirtualClock()
    box = Box(clock)

    def slow_put() -> None:
        with box.changed:
            box.things.append("a")
            clock.sleep(5)  # with the lock held, so that nobody can look

    async def main() -> tuple[str, float]:
        got, _ = await asyncio.gather(asyncio.to_thread(box.get, within=None), asyncio.to_thread(slow_put))
        return got

    assert run_virtual(main(), clock=clock) == ("a", 5.0)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads of Python take turns as often as they can, so that who does not wait for another is ahead of it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_without_a_loop_the_driver_lets_all_threads_come_to_rest_before_time_moves() -> None:
    clock = VirtualClock()
    box, got = Box(clock), list[tuple[str, float]]()

    def body() -> None:
        for _ in range(5_000):  # takes a while, but no virtual time
            pass
        clock.sleep(2)
        got.append(box.get(within=None))

    thread = threading.Thread(target=body)
    thread.start()
    clock.sleep(5)
    box.put("a")
    clock.sleep(1)
    assert got == [("a", 5.0)]
    thread.join()


@pytest.mark.usefixtures("restless")
def test_a_driver_that_waits_at_once_sees_what_a_thread_does_at_once() -> None:
    for _ in range(5):
        clock = VirtualClock()
        box = Box(clock)

        def body(box: Box = box) -> None:
            for _ in range(5_000):
                pass
            box.put("a", after=2)

        thread = threading.Thread(target=body)
        thread.start()
        assert box.get(within=10) == ("a", 2.0)
        thread.join()


def test_an_error_in_a_predicate_is_raised_where_it_is_waited_for() -> None:
    clock = VirtualClock()
    changed, broken = threading.Condition(), list[int]()

    def body() -> None:
        with changed:
            clock.wait_for(changed, lambda: 1 // (0 if broken else 1) > 1, None)

    async def main() -> None:
        job = asyncio.create_task(asyncio.to_thread(body))
        await asyncio.sleep(3)
        broken.append(1)
        with pytest.raises(ZeroDivisionError):
            await job

    run_virtual(main(), clock=clock)


def test_who_waits_for_what_nobody_brings_is_stuck() -> None:
    clock = VirtualClock()
    box = Box(clock)
    with pytest.raises(Stuck, match="job 1: a thread in wait_for"):
        run_virtual(asyncio.to_thread(box.get, within=None), clock=clock)
    with pytest.raises(Stuck, match="MainThread: in wait_for"):
        box.get(within=None)


def test_a_wait_that_is_no_duration_is_refused() -> None:
    clock, condition = VirtualClock(), threading.Condition()
    with condition, pytest.raises(ValueError, match="seconds >= 0"):
        clock.wait_for(condition, lambda: False, -1.0)
    with condition:
        assert not clock.wait_for(condition, lambda: False, 0.0)
