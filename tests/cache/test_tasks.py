"""Loading by tasks: cancellation, several event loops, threads and tasks on one load."""

import asyncio
import threading
from collections.abc import Awaitable, Mapping, Sequence

import pytest

from cache.test_loading import Callers, Slow, wait_for_waiters
from lldkit.cache import Cache, LoadDeadlockError, LoadPolicy, LoadRecursionError, XFetch
from lldkit.clock import ManualClock


class ASlow:
    """A loader that returns when it may, and says whether it was cancelled."""

    def __init__(self, result: object = "loaded") -> None:
        self.result = result
        self.calls: list[object] = []
        self.may_end = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, key: object) -> object:
        self.calls.append(key)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_hundred_tasks_and_one_cold_key_make_one_load() -> None:
    cache, load = Cache[str, object](maxsize=9), ASlow()
    tasks = [asyncio.create_task(cache.aget_or_load("k", load)) for _ in range(100)]
    await settled()
    load.may_end.set()
    assert await asyncio.gather(*tasks) == ["loaded"] * 100
    assert (load.calls, cache["k"]) == (["k"], "loaded")


async def test_the_first_caller_may_be_cancelled_and_the_others_do_not_notice() -> None:
    cache, load = Cache[str, object](maxsize=9), ASlow()
    first, *others = [asyncio.create_task(cache.aget_or_load("k", load)) for _ in range(3)]
    await settled()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    load.may_end.set()
    assert await asyncio.gather(*others) == ["loaded"] * 2
    assert load.calls == ["k"]


async def test_when_all_are_cancelled_so_is_the_load_and_nothing_is_stored() -> None:
    cache, load = Cache[str, object](maxsize=9), ASlow()
    tasks = [asyncio.create_task(cache.aget_or_load("k", load)) for _ in range(3)]
    await settled()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    fresh = asyncio.create_task(cache.aget_or_load("k", ASlow_value("fresh")))
    assert await fresh == "fresh"
    await settled()
    assert load.was_cancelled
    assert cache["k"] == "fresh"


def ASlow_value(value: object) -> "ASlow":  # noqa: N802 - it makes one
    slow = ASlow(value)
    slow.may_end.set()
    return slow


async def test_an_error_is_shared_and_a_cancellation_by_the_loader_itself_too() -> None:
    cache = Cache[str, object](maxsize=9)
    for error in (ValueError("down"), asyncio.CancelledError()):
        load = ASlow(error)
        tasks = [asyncio.create_task(cache.aget_or_load("k", load)) for _ in range(4)]
        await settled()
        load.may_end.set()
        got = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(value) for value in got] == [type(error)] * 4
        assert load.calls == ["k"]
    assert cache._flights.keys() == []


async def test_an_async_loader_that_needs_its_own_key_is_told_so() -> None:
    cache = Cache[str, object](maxsize=9)

    async def detour(key: str) -> object:
        return await asyncio.create_task(cache.aget_or_load("b" if key == "a" else "a", detour))

    with pytest.raises(LoadRecursionError):
        await asyncio.wait_for(cache.aget_or_load("a", detour), 10)


async def test_two_tasks_in_a_circle_do_not_hang() -> None:
    cache, barrier = Cache[str, object](maxsize=9), asyncio.Barrier(2)

    async def load(key: str) -> object:
        await barrier.wait()
        return await cache.aget_or_load("b" if key == "a" else "a", load)

    got = await asyncio.wait_for(
        asyncio.gather(*(cache.aget_or_load(key, load) for key in "ab"), return_exceptions=True), 10
    )
    assert [type(value) for value in got] == [LoadDeadlockError] * 2


async def test_a_thread_that_would_block_the_loop_that_loads_is_told_so() -> None:
    cache, load = Cache[str, object](maxsize=9), ASlow()
    task = asyncio.create_task(cache.aget_or_load("k", load))
    await settled()
    with pytest.raises(LoadDeadlockError):
        cache.get_or_load("k", str)
    waiting = asyncio.create_task(asyncio.to_thread(cache.get_or_load, "k", str))  # another thread may wait
    await asyncio.to_thread(wait_for_waiters, cache, "k", 1)
    load.may_end.set()
    assert {await task, await waiting} == {"loaded"}


async def test_tasks_join_the_load_of_a_thread() -> None:
    cache, load, callers = Cache[str, object](maxsize=9), Slow(), Callers()
    callers.start(lambda: cache.get_or_load("k", load))
    load.began.wait(10)
    task = asyncio.create_task(cache.aget_or_load("k", ASlow_value("by task")))
    await settled()
    load.may_end.set()
    assert await asyncio.wait_for(task, 10) == "loaded"
    assert callers.all() == ["loaded"]


def test_two_event_loops_share_one_load() -> None:
    cache, calls, barrier, callers = (
        Cache[str, str](maxsize=9),
        list[str](),
        threading.Barrier(2, timeout=10),
        Callers(),
    )

    async def load(key: str) -> str:
        calls.append(key)
        while (flight := cache._flights.get(key)) is not None and len(flight.turns) < 2:  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0)
        return "loaded"

    def life() -> str:
        barrier.wait()
        return asyncio.run(cache.aget_or_load("k", load))

    callers.start(life, 2)
    assert callers.all() == ["loaded"] * 2
    assert calls == ["k"]


def test_a_loop_that_ends_during_a_load_does_not_hang_a_thread() -> None:
    cache, callers, began = Cache[str, object](maxsize=9), Callers(), threading.Event()

    async def main() -> None:
        load = ASlow()
        task = asyncio.create_task(cache.aget_or_load("k", load))
        await settled()
        began.set()
        await asyncio.to_thread(wait_for_waiters, cache, "k", 1)
        del task  # and the loop ends, which cancels all tasks

    loop_thread = threading.Thread(target=lambda: asyncio.run(main()))
    loop_thread.start()
    began.wait(10)
    callers.start(lambda: cache.get_or_load("k", lambda _: "mine"))
    assert callers.all() == ["mine"]
    loop_thread.join(10)


def test_a_load_whose_loop_was_closed_is_loaded_anew() -> None:
    cache, loop = Cache[str, object](maxsize=9), asyncio.new_event_loop()

    async def begin() -> None:
        load = ASlow()
        tasks.append(loop.create_task(cache.aget_or_load("k", load)))
        await settled()

    tasks: list[asyncio.Task[object]] = []
    loop.run_until_complete(begin())
    lost = cache._flights.get("k")
    loop.close()
    assert cache.get_or_load("k", lambda _: "mine") == "mine"
    assert lost is not None
    for task in (*tasks, lost.task):  # so that asyncio does not complain about them
        task._log_destroy_pending = False
        task.get_coro().close()


async def test_invalidation_beats_an_async_load() -> None:
    cache, load = Cache[str, object](maxsize=9), ASlow("old")
    task = asyncio.create_task(cache.aget_or_load("k", load))
    await settled()
    cache.invalidate("k")
    assert await cache.aget_or_load("k", ASlow_value("new")) == "new"
    load.may_end.set()
    assert await task == "old"
    assert cache["k"] == "new"


async def test_nobody_waits_for_a_refresh_by_a_task() -> None:
    clock, load = ManualClock(), ASlow("new")
    cache = Cache[str, object](maxsize=9, ttl=10, clock=clock, loading=LoadPolicy(stale_while_revalidate=10))
    cache["k"] = "old"
    clock.advance(11)
    assert [await cache.aget_or_load("k", load) for _ in range(3)] == ["old"] * 3
    load.may_end.set()
    await settled()
    assert (cache["k"], load.calls) == ("new", ["k"])


async def test_refresh_ahead_and_by_hand() -> None:
    clock = ManualClock()

    class Always(XFetch):
        __slots__ = ()

        def is_due(self, gap: float, delta: float, draw: float) -> bool:
            return True

    cache = Cache[str, object](maxsize=9, ttl=10, clock=clock, loading=LoadPolicy(refresh_ahead=Always()))
    cache["k"] = 1
    assert await cache.aget_or_load("k", ASlow_value(2)) == 1
    await settled()
    assert cache["k"] == 2
    assert await cache.arefresh("k", ASlow_value(3)) == 3
    assert cache.get("k") == 3


async def test_a_cancelled_joiner_does_not_end_a_refresh_that_nobody_waits_for() -> None:
    clock, load = ManualClock(), ASlow("new")
    cache = Cache[str, object](maxsize=9, ttl=10, clock=clock, loading=LoadPolicy(stale_while_revalidate=10))
    cache["k"] = "old"
    clock.advance(11)
    await cache.aget_or_load("k", load)
    clock.advance(10)  # too stale to be served
    joiner = asyncio.create_task(cache.aget_or_load("k", load))
    await settled()
    joiner.cancel()
    await settled()
    load.may_end.set()
    await settled()
    assert (cache["k"], load.was_cancelled) == ("new", False)


async def test_a_refresh_that_nobody_waits_for_may_need_the_load_that_began_it() -> None:
    clock, failed = ManualClock(), list[object]()
    loading = LoadPolicy(stale_while_revalidate=10)
    cache = Cache[str, object](maxsize=9, ttl=10, clock=clock, loading=loading, on_event=failed.append)
    cache["b"] = "old b"
    clock.advance(11)

    async def load_b(_: str) -> object:
        return "new b", await cache.aget_or_load("a", load_a)

    async def load_a(_: str) -> object:
        old = await cache.aget_or_load("b", load_b)
        await settled()  # the refresh of b waits for this load
        return old

    assert await asyncio.wait_for(cache.aget_or_load("a", load_a), 10) == "old b"
    await settled()
    assert cache["b"] == ("new b", "old b")
    assert [type(event).__name__ for event in failed] == ["RefreshStarted", "StaleServed"]


async def test_many_keys_by_tasks() -> None:
    cache, calls, gate = Cache[int, int](maxsize=99), list[Sequence[int]](), asyncio.Event()

    async def load(keys: Sequence[int]) -> Mapping[int, int]:
        calls.append(keys)
        await gate.wait()
        return {key: key * 10 for key in keys if key != 4}

    def ask(*keys: int) -> Awaitable[dict[int, int]]:
        return asyncio.create_task(cache.aget_many(keys, load))

    one, two = ask(1, 2), ask(2, 3, 4)
    await settled()
    gate.set()
    assert await one == {1: 10, 2: 20}
    assert await two == {2: 20, 3: 30}
    assert calls == [[1, 2], [3, 4]]
    assert await cache.aget_many([1, 9]) == {1: 10}
    cache[1] = 0
    assert await cache.arefresh_many([1, 2, 1], load) == {1: 10, 2: 20}
    assert (cache[1], calls[2:]) == (10, [[1, 2]])
