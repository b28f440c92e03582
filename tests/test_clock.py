"""ManualClock: sleepers wake in order of deadline, then of arrival."""

import asyncio
import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lldkit.clock import EPOCH, SYSTEM, ManualClock


def start(clock: ManualClock, name: str, seconds: float, woken: list[tuple[str, float]]) -> threading.Thread:
    def body() -> None:
        clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    before = clock.sleepers
    thread = threading.Thread(target=body)
    thread.start()
    clock.wait_for_sleepers(before + 1)
    return thread


def test_threads_wake_at_their_deadline_and_not_before() -> None:
    clock, woken = ManualClock(), list[tuple[str, float]]()
    threads = {name: start(clock, name, s, woken) for name, s in [("c", 3.0), ("a", 1.0), ("b1", 2.0), ("b2", 2.0)]}
    for due in (["a"], ["b1", "b2"], ["c"]):
        assert clock.sleepers == 4 - len(woken)
        clock.advance(1.0)
        for name in due:
            threads[name].join()
    assert dict(woken) == {"a": 1.0, "b1": 2.0, "b2": 2.0, "c": 3.0}


def test_one_advance_wakes_threads_in_order_of_deadline_then_of_arrival() -> None:
    clock, left = ManualClock(), list[float]()
    threads = [start(clock, "", seconds, []) for seconds in (3.0, 1.0, 2.0, 2.0)]
    lie_down_order = [arrival for _, arrival, _ in sorted(clock._sleepers, key=lambda sleeper: sleeper[:2])]
    assert lie_down_order == [1, 2, 3, 0]
    original = clock._next_due

    def noting(target: float) -> Callable[[], None] | None:
        wake = original(target)
        left.append(clock.monotonic())
        return wake

    clock._next_due = noting  # type: ignore[method-assign]
    clock.advance(3.0)
    for thread in threads:
        thread.join()
    assert left[:4] == [1.0, 2.0, 2.0, 3.0]


async def test_tasks_wake_in_order_of_deadline_then_of_arrival() -> None:
    clock, woken = ManualClock(), list[str]()

    async def body(name: str, seconds: float) -> None:
        await clock.asleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as group:
        for name, seconds in [("c", 3.0), ("a", 1.0), ("b1", 2.0), ("b2", 2.0)]:
            group.create_task(body(name, seconds))
        await asyncio.sleep(0)
        assert clock.sleepers == 4
        clock.advance(10.0)
    assert woken == ["a", "b1", "b2", "c"]


async def test_a_cancelled_sleeper_is_gone() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.asleep(1.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleepers == 0
    clock.advance(2.0)
    assert clock.monotonic() == 2.0


def test_the_wall_jumps_and_monotonic_time_does_not() -> None:
    clock = ManualClock(monotonic=5.0)
    clock.advance(1.5)
    clock.step_wall(-3600)
    assert clock.monotonic() == 6.5
    assert clock.now() == EPOCH + timedelta(seconds=1.5 - 3600)


def test_an_auto_advancing_clock_needs_nobody_to_advance_it() -> None:
    clock = ManualClock(auto_advance=True)
    clock.sleep(0.25)
    asyncio.run(clock.asleep(0.5))
    assert clock.monotonic() == 0.75


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_nonsense_durations_are_refused(seconds: float) -> None:
    clock = ManualClock()
    for verb in (
        clock.sleep,
        clock.advance,
        lambda s: asyncio.run(clock.asleep(s)),
        lambda s: asyncio.run(SYSTEM.asleep(s)),
    ):
        with pytest.raises(ValueError, match="seconds >= 0"):
            verb(seconds)
    assert clock.monotonic() == 0.0


def test_nonsense_starts_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ManualClock(start=datetime(2026, 1, 1))  # noqa: DTZ001 - the naive datetime is the point
    with pytest.raises(ValueError, match="finite"):
        ManualClock(monotonic=float("inf"))


def test_the_system_clock_is_aware_and_monotonic() -> None:
    assert SYSTEM.now().tzinfo is UTC
    assert SYSTEM.monotonic() <= SYSTEM.monotonic()


def test_a_thread_waits_for_an_event_and_a_deadline_at_once() -> None:
    clock, condition, open_doors, answers = ManualClock(), threading.Condition(), set[str](), dict[str, bool]()

    def body(door: str, seconds: float) -> None:
        with condition:
            answers[door] = clock.wait_for(condition, lambda: door in open_doors, seconds)

    threads = {door: threading.Thread(target=body, args=(door, s)) for door, s in [("a", 5.0), ("b", 5.0)]}
    for thread in threads.values():
        thread.start()
    clock.wait_for_sleepers(2)
    with condition:
        open_doors.add("a")
        condition.notify_all()
    threads["a"].join()
    assert answers == {"a": True}
    assert clock.sleepers == 1
    clock.advance(5.0)
    threads["b"].join()
    assert answers == {"a": True, "b": False}


def test_waiting_for_what_is_true_or_with_nobody_to_advance_does_not_block() -> None:
    clock, condition = ManualClock(auto_advance=True), threading.Condition()
    with condition:
        assert clock.wait_for(condition, lambda: True, 5.0)
        assert not clock.wait_for(condition, lambda: False, 5.0)
        assert not SYSTEM.wait_for(condition, lambda: False, 0.0)
    assert clock.monotonic() == 5.0


@pytest.mark.parametrize("seconds", [1e10, math.inf])
def test_who_waits_for_centuries_is_woken_by_the_event(seconds: float) -> None:
    condition, happened = threading.Condition(), list[bool]()

    def body() -> None:
        with condition:
            happened.append(True)
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=body)
        thread.start()
        assert SYSTEM.wait_for(condition, lambda: bool(happened), seconds)
    thread.join()


def test_a_wait_that_is_longer_than_one_may_be_is_made_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "TIMEOUT_MAX", 0.01)
    condition, began = threading.Condition(), SYSTEM.monotonic()
    with condition:
        assert not SYSTEM.wait_for(condition, lambda: False, 0.05)
    assert SYSTEM.monotonic() - began >= 0.05
