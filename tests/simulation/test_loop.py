"""run_virtual: asyncio's own code in virtual time, in one order per seed, with an end to everything."""

import asyncio
import functools
import gc
import random
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lldkit.simulation import Order, Stuck, TooLong, Unfair, VirtualClock, run_virtual


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads of Python take turns as often as they can, so that who does not wait for another is ahead of it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def work() -> None:
    """Something that takes a while, but no virtual time."""
    for _ in range(5_000):
        pass


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_day_of_ticks_ends_at_exactly_a_day() -> None:
    async def main() -> int:
        ticks = 0
        while now() < 86_400:
            await asyncio.sleep(60)
            ticks += 1
        return ticks

    assert run_virtual(main()) == 1440


def test_the_tools_of_asyncio_keep_their_times() -> None:
    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        def note(what: str) -> None:
            seen.append((what, now()))

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 2.5)
        note("wait_for")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.Event().wait()
        note("timeout")
        queue: asyncio.Queue[str] = asyncio.Queue(1)
        lock = asyncio.Lock()

        async def produce() -> None:
            for item in "abc":
                await queue.put(item)
                async with lock:
                    await asyncio.sleep(1)

        async def consume() -> None:
            for _ in range(3):
                note(await queue.get())

        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            group.create_task(consume())
        note("group")
        return seen

    # 2.5, then 0.5 later; items follow one another a second apart, and the last second is slept out.
    assert run_virtual(main()) == [
        *(("wait_for", 2.5), ("timeout", 3.0)),
        *(("a", 3.0), ("b", 4.0), ("c", 5.0), ("group", 6.0)),
    ]


def test_ten_sleeps_of_a_tenth_end_at_the_sum_of_the_loops_own_timers() -> None:
    async def main() -> float:
        for _ in range(10):
            await asyncio.sleep(0.1)
        return now()

    assert run_virtual(main()) == functools.reduce(lambda when, _: when + 0.1, range(10), 0.0) == 0.9999999999999999


def test_a_delay_below_the_resolution_of_the_clock_starves_nobody() -> None:
    async def main() -> float:
        await asyncio.sleep(1e-9)  # at 1e9 the next float is a ten-millionth of a second away
        await asyncio.wait_for(asyncio.sleep(0.001), 5)
        return now()

    assert run_virtual(main(), start=1e9) == 1e9 + 0.001


def test_a_timer_that_is_due_now_runs_though_others_keep_the_loop_busy() -> None:
    async def main() -> bool:
        done = asyncio.Event()
        asyncio.get_running_loop().call_at(now(), done.set)
        while not done.is_set():  # noqa: ASYNC110 - polling is the point
            await asyncio.sleep(0)
        return True

    assert run_virtual(main(), max_steps=100)


def test_a_leaked_timer_does_not_move_the_end() -> None:
    clock = VirtualClock()

    async def main() -> None:
        asyncio.get_running_loop().call_later(1000, print)
        await asyncio.sleep(1)

    run_virtual(main(), clock=clock)
    assert clock.monotonic() == 1.0
    assert clock.sleepers == 0


def test_a_cancelled_timer_does_not_move_time_and_takes_no_room() -> None:
    clock = VirtualClock()

    async def main() -> None:
        for _ in range(10_000):
            await asyncio.wait_for(asyncio.sleep(0), 3600)
        assert len(clock._sleepers) <= 201
        assert clock.sleepers == 0
        timer = asyncio.get_running_loop().call_later(5, print)
        await asyncio.sleep(1)
        timer.cancel()
        await asyncio.sleep(1)

    run_virtual(main(), clock=clock)
    assert clock.monotonic() == 2.0


def test_a_cancelled_timer_is_nothing_to_wait_for() -> None:
    clock = VirtualClock()

    async def main() -> None:
        asyncio.get_running_loop().call_later(100, print).cancel()
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run_virtual(main(), clock=clock, limit_seconds=50)
    assert clock.monotonic() == 0.0


def test_timers_of_one_instant_fire_in_the_order_of_their_arrival() -> None:
    async def main() -> list[int]:
        fired: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(50):
            loop.call_at(1.0, fired.append, number)
        await asyncio.sleep(2)
        return fired

    assert run_virtual(main()) == list(range(50))


# --- order ---------------------------------------------------------------------------------------------------------


async def third_before_first() -> None:
    """Three tasks of four steps each; broken if the last one is done before the first one has taken its second step."""
    steps = {"a": 0, "b": 0, "c": 0}

    async def walk(name: str) -> None:
        for _ in range(4):
            await asyncio.sleep(0)
            steps[name] += 1
            assert not (name == "c" and steps["c"] == 4 and steps["a"] < 2), "c was done before a had begun in earnest"

    await asyncio.gather(*(walk(name) for name in steps))


def failing(program: Callable[[], Coroutine[Any, Any, None]], *, seeds: range, order: Order) -> list[int]:
    found = []
    for seed in seeds:
        try:
            run_virtual(program(), seed=seed, order=order)
        except AssertionError:
            found.append(seed)
    return found


def test_random_order_finds_a_bug_that_needs_one_task_far_ahead_within_50_seeds() -> None:
    assert failing(third_before_first, seeds=range(50), order=Order.RANDOM)


def test_first_in_first_out_never_lets_one_task_run_ahead() -> None:
    assert failing(third_before_first, seeds=range(20), order=Order.FIFO) == []


def test_a_shuffled_batch_keeps_the_tasks_in_step_which_is_why_single_callbacks_are_drawn() -> None:
    class Shuffling(asyncio.SelectorEventLoop):
        rng: random.Random

        def _run_once(self) -> None:
            ready = list(self._ready)  # type: ignore[has-type]
            self.rng.shuffle(ready)
            self._ready = type(self._ready)(ready)  # type: ignore[has-type]
            super()._run_once()  # type: ignore[misc]

    for seed in range(300):
        loop = Shuffling()
        loop.rng = random.Random(seed)
        with asyncio.Runner(loop_factory=lambda loop=loop: loop) as runner:  # type: ignore[misc]
            runner.run(third_before_first())


def trail(**how: Any) -> list[str]:
    async def main() -> list[str]:
        steps: list[str] = []

        async def walk(name: str) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
                steps.append(name)

        await asyncio.gather(*(walk(name) for name in "abc"))
        return steps

    return run_virtual(main(), **how)


def test_one_seed_is_one_order_and_seeds_differ() -> None:
    orders = [trail(seed=seed, order="random") for seed in range(20)]
    assert orders == [trail(seed=seed, order="random") for seed in range(20)]
    assert len({tuple(order) for order in orders}) > 15
    assert trail() == trail(seed=5) == list("abcabcabc")


# --- the end of everything -----------------------------------------------------------------------------------------


def test_a_program_in_which_nothing_can_happen_is_stuck_and_everybody_is_named_with_a_line() -> None:
    never: list[asyncio.Future[None]] = []

    async def inner() -> None:
        await never[0]

    async def main() -> None:
        never.append(asyncio.get_running_loop().create_future())
        asyncio.create_task(inner(), name="the helper")  # noqa: RUF006 - it outlives nobody
        await asyncio.sleep(3)
        await asyncio.Event().wait()

    with pytest.raises(Stuck) as caught:
        run_virtual(main())
    line = main.__code__.co_firstlineno
    place = "test_a_program_in_which_nothing_can_happen_is_stuck_and_everybody_is_named_with_a_line.<locals>"
    assert caught.value.tasks == (
        f"task 1: test_loop.py:{line + 4} in {place}.main",
        f"the helper: test_loop.py:{inner.__code__.co_firstlineno + 1} in {place}.inner",
    )
    assert "waiting for ever:\n  task 1: test_loop.py" in str(caught.value)


def test_a_lock_taken_twice_is_stuck() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        async with lock, lock:
            raise AssertionError

    with pytest.raises(Stuck, match="task 1"):
        run_virtual(main())


def test_time_has_a_limit_and_the_clean_up_has_not() -> None:
    cleaned: list[float] = []

    async def main() -> None:
        try:
            while True:  # noqa: ASYNC110 - a ticker has no event to wait for
                await asyncio.sleep(4)
        finally:
            await asyncio.sleep(100)
            cleaned.append(now())

    with pytest.raises(TooLong, match="due at 12 s, after the limit of 10 s") as caught:
        run_virtual(main(), limit_seconds=10)
    assert (caught.value.time, caught.value.limit) == (12, 10)
    assert cleaned == [108.0]


def test_the_limit_counts_from_the_start() -> None:
    run_virtual(asyncio.sleep(10), start=1000.0, limit_seconds=10)
    with pytest.raises(TooLong):
        run_virtual(asyncio.sleep(10.5), start=1000.0, limit_seconds=10)


def test_polling_holds_time_still_and_is_unfair() -> None:
    cleaned: list[float] = []

    async def main() -> None:
        await asyncio.sleep(3)
        try:
            while now() < 5:  # noqa: ASYNC110 - polling is the point
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(1)
            cleaned.append(now())

    with pytest.raises(Unfair, match=r"at one instant \(3 s\)") as caught:
        run_virtual(main(), max_steps=1000)
    assert caught.value.steps == 1000
    assert cleaned == [4.0]


def test_what_is_left_over_is_cancelled_in_the_order_of_its_creation() -> None:
    cancelled: list[str] = []

    async def helper(name: str) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            cancelled.append(name)

    async def main() -> str:
        for name in "qwertyuiop":
            asyncio.create_task(helper(name))  # noqa: RUF006 - leaving them over is the point
        await asyncio.sleep(1)
        return "done"

    assert run_virtual(main()) == "done"
    assert "".join(cancelled) == "qwertyuiop"


def test_tasks_are_numbered_from_one_in_every_run() -> None:
    async def main() -> list[str]:
        return [task.get_name() for task in (asyncio.current_task(), asyncio.create_task(asyncio.sleep(0))) if task]

    assert run_virtual(main()) == run_virtual(main()) == ["task 1", "task 2"]


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, SystemExit])
def test_what_main_raises_passes_through(error: type[BaseException]) -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise error

    with pytest.raises(error):
        run_virtual(main())


# --- refusals ------------------------------------------------------------------------------------------------------


def test_what_is_not_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match=r"coroutine such as main\(\)"):
        run_virtual(test_tasks_are_numbered_from_one_in_every_run)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"order": "random"}, "needs a seed"),
        ({"order": "lifo"}, "'lifo' is not a valid Order"),
        ({"clock": VirtualClock(), "start": 5.0}, "start=5.0"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_before_it_begins(how: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run_virtual(asyncio.sleep(0), **how)
    gc.collect()  # a coroutine that was never awaited would be reported now


async def test_a_run_inside_a_running_loop_is_refused() -> None:
    with pytest.raises(RuntimeError, match="running event loop"):
        run_virtual(asyncio.sleep(0))
    gc.collect()


def test_one_clock_has_one_run_at_a_time_and_many_in_a_row() -> None:
    clock = VirtualClock()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="another run"):
            await asyncio.get_running_loop().run_in_executor(None, lambda: run_virtual(asyncio.sleep(1), clock=clock))

    run_virtual(main(), clock=clock)
    run_virtual(asyncio.sleep(3), clock=clock)
    run_virtual(asyncio.sleep(4), clock=clock)
    assert clock.monotonic() == 7.0


def test_there_is_no_network_and_the_message_says_what_to_do() -> None:
    async def main() -> None:
        with pytest.raises(NotImplementedError, match="fake peer"):
            await asyncio.open_connection("127.0.0.1", 1)

    run_virtual(main())


# --- threads -------------------------------------------------------------------------------------------------------


def chorus(seed: int | None = None) -> list[tuple[str, float]]:
    """Three threads and two tasks that sleep on one clock and sing when they wake."""
    clock = VirtualClock()
    sung: list[tuple[str, float]] = []

    def voice(name: str, pause: float) -> str:
        for _ in range(3):
            work()
            clock.sleep(pause)
            work()
            sung.append((name, clock.monotonic()))
        return name

    async def avoice(name: str, pause: float) -> str:
        for _ in range(3):
            await clock.asleep(pause)
            sung.append((name, clock.monotonic()))
        return name

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor() as pool:
            names = await asyncio.gather(
                asyncio.to_thread(voice, "thread 2", 2.0),
                avoice("task 1", 1.0),
                asyncio.to_thread(voice, "thread 1", 1.0),
                loop.run_in_executor(pool, voice, "pool 3", 3.0),
                avoice("task 2", 2.0),
            )
        assert list(names) == ["thread 2", "task 1", "thread 1", "pool 3", "task 2"]
        assert clock.monotonic() == 9.0

    run_virtual(main(), clock=clock, seed=seed, order="fifo" if seed is None else "random")
    return sung


@pytest.mark.usefixtures("restless")
def test_threads_and_tasks_sleep_on_one_time_line_in_order_of_deadline_then_of_arrival() -> None:
    # Threads begin when the loop has its hands free, so the tasks lie down first.
    assert chorus() == [
        *(("task 1", 1.0), ("thread 1", 1.0)),
        *(("task 2", 2.0), ("thread 2", 2.0), ("task 1", 2.0), ("thread 1", 2.0)),
        *(("pool 3", 3.0), ("task 1", 3.0), ("thread 1", 3.0)),
        *(("task 2", 4.0), ("thread 2", 4.0), ("pool 3", 6.0), ("task 2", 6.0), ("thread 2", 6.0), ("pool 3", 9.0)),
    ]


@pytest.mark.usefixtures("restless")
def test_threads_take_part_in_random_order_and_repeat_it() -> None:
    orders = [chorus(seed) for seed in range(8)]
    assert orders == [chorus(seed) for seed in range(8)]
    assert len({tuple(order) for order in orders}) > 4


@pytest.mark.usefixtures("restless")
def test_threads_that_code_starts_by_itself_take_part_too() -> None:
    def once() -> list[tuple[int, float]]:
        clock = VirtualClock()
        woken: list[tuple[int, float]] = []

        def body(number: int) -> None:
            work()
            clock.sleep(1 + number % 3)
            work()
            woken.append((number % 3, clock.monotonic()))

        async def main() -> None:
            threads = [threading.Thread(target=body, args=(number,)) for number in range(9)]
            for thread in threads:
                thread.start()
            await asyncio.sleep(100)  # would be over before the threads are asleep, if nobody waited for them
            for thread in threads:
                thread.join()

        run_virtual(main(), clock=clock)
        return woken

    for _ in range(5):
        assert once() == [(0, 1.0)] * 3 + [(1, 2.0)] * 3 + [(2, 3.0)] * 3


def test_a_task_that_waits_for_a_thread_at_work_is_not_stuck() -> None:
    assert run_virtual(asyncio.to_thread(sum, range(1_000_000))) == 499_999_500_000


def test_a_thread_may_call_back_into_the_loop_and_wait_for_the_answer() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()

        async def later() -> float:
            await asyncio.sleep(5)
            return now()

        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(later(), loop).result())

    assert run_virtual(main()) == 5.0


def test_threads_that_wait_for_one_another_outside_virtual_time_get_on_all_the_same() -> None:
    clock, lock = VirtualClock(), threading.Lock()
    loaded: list[float] = []

    def load() -> None:
        with lock:  # two of three block here, where the clock cannot see them
            clock.sleep(1)
            loaded.append(clock.monotonic())

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(asyncio.to_thread(load))
            group.create_task(asyncio.sleep(60))

    run_virtual(main(), clock=clock)
    assert loaded == [1.0, 2.0, 3.0]


def test_a_thread_that_blocks_for_ever_is_named_and_ends_in_silence_if_it_ever_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lldkit.simulation.loop.LAST_PATIENCE", 30)
    gate, blocked = threading.Event(), list[threading.Thread]()

    def block() -> None:
        blocked.append(threading.current_thread())
        gate.wait()

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, block)
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="job 1: a thread that blocks outside virtual time"):
        run_virtual(main())
    gate.set()
    blocked[0].join()
    assert caplog.records == []


def test_a_thread_that_sleeps_when_the_run_ends_is_unwound(caplog: pytest.LogCaptureFixture) -> None:
    clock, before = VirtualClock(), threading.active_count()
    unwound: list[float] = []

    def body() -> None:
        try:
            clock.sleep(1000)
        finally:
            unwound.append(clock.monotonic())
        unwound.append(-1)

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, body)
        await asyncio.sleep(1)

    run_virtual(main(), clock=clock)
    assert unwound == [1.0]
    assert threading.active_count() == before
    assert caplog.records == []


def test_a_thread_of_other_origin_sleeps_on_when_the_run_ends() -> None:
    clock = VirtualClock()
    thread = threading.Thread(target=lambda: clock.sleep(10))

    async def main() -> None:
        thread.start()
        await asyncio.sleep(1)

    run_virtual(main(), clock=clock)
    assert clock.sleepers == 1
    clock.advance(9)
    thread.join()


def test_more_jobs_than_workers_wait_for_their_turn() -> None:
    clock = VirtualClock()
    done: list[tuple[int, float]] = []

    def job(number: int) -> None:
        clock.sleep(1)
        done.append((number, clock.monotonic()))

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(job, number) for number in range(40)))

    run_virtual(main(), clock=clock)
    assert done == [(number, 1.0 if number < 32 else 2.0) for number in range(40)]
