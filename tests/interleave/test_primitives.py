"""Everything that `threading`, `queue` and `time` offer works under control, and deadlocks are named."""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lldkit.clock import SYSTEM
from lldkit.interleave import Deadlock, Kind, Program, Sticky, Verdict, explore


def clean(program: Program, schedules: int = 60, **options: Any) -> None:
    report = explore(program, schedules=schedules, **options)
    assert report.verdict is Verdict.NOT_FOUND, str(report)


def outcomes(observe: Any, schedules: int = 200, **options: Any) -> set[Any]:
    """Every result that `observe` returns bodies and a reading for."""
    seen: set[Any] = set()

    def program() -> Any:
        bodies, read = observe()

        def note() -> None:
            seen.add(read())

        return bodies, note

    clean(program, schedules, **options)
    return seen


def test_a_lock_lets_one_thread_in() -> None:
    def program() -> Any:
        lock, inside, most = threading.Lock(), list[int](), list[int]()

        def work() -> None:
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

        return [work] * 3, lambda: max(most) == 1

    clean(program)


def test_an_rlock_is_taken_again_by_its_holder_only() -> None:
    def program() -> Any:
        lock, inside = threading.RLock(), list[int]()

        def work() -> None:
            with lock, lock:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

        return [work] * 2, None

    clean(program)


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_releasing_what_is_not_held_is_an_error(make: Any) -> None:
    def program() -> Any:
        return [make().release], None

    report = explore(program, schedules=1, patch=[])
    assert report.failure is not None
    assert isinstance(report.failure.error, RuntimeError)


def test_a_timed_acquire_gives_up_in_virtual_time() -> None:
    def observe() -> Any:
        lock, told = threading.Lock(), list[tuple[bool, float]]()

        def keep() -> None:
            with lock:
                time.sleep(10)

        def want() -> None:
            got = lock.acquire(timeout=3)
            told.append((got, time.monotonic()))
            if got:
                lock.release()

        return [keep, want], lambda: told[0]

    assert outcomes(observe) >= {(True, 0.0), (False, 3.0)}


def test_a_condition_wakes_those_it_notifies() -> None:
    def program() -> Any:
        condition, items, got = threading.Condition(), list[int](), list[int]()

        def take() -> None:
            with condition:
                condition.wait_for(lambda: items)
                got.append(items.pop())

        def put() -> None:
            with condition:
                items.extend([1, 2])
                condition.notify(2)

        return [take, take, put], lambda: sorted(got) == [1, 2]

    clean(program)
    clean(program, spurious_wakeups=True)


def test_a_spurious_wake_up_breaks_an_if_and_loses_no_notify() -> None:
    def waiter(*, loop: bool) -> Any:
        def program() -> Any:
            condition, ready = threading.Condition(), list[int]()

            def wait() -> None:
                with condition:
                    while not ready:
                        condition.wait()
                        if not loop:
                            break
                    ready.pop()

            def tell() -> None:
                with condition:
                    ready.append(1)
                    condition.notify()

            return [wait, tell], None

        return program

    assert explore(waiter(loop=False)).verdict is Verdict.NOT_FOUND
    report = explore(waiter(loop=False), spurious_wakeups=True)
    assert report.failure is not None
    assert isinstance(report.failure.error, IndexError)
    clean(waiter(loop=True), 500, spurious_wakeups=True)


def test_an_event_is_never_woken_without_cause_for_its_users_take_its_word() -> None:
    def program() -> Any:
        event, seen = threading.Event(), list[bool]()

        def wait() -> None:
            seen.append(event.wait())
            assert event.is_set()

        return [wait, wait, event.set], lambda: seen == [True, True]

    clean(program, 500, spurious_wakeups=True)


def test_an_event_a_semaphore_and_a_barrier_work() -> None:
    def program() -> Any:
        event, permits, barrier = threading.Event(), threading.BoundedSemaphore(2), threading.Barrier(3)
        inside, most, passed = list[int](), list[int](), list[int]()

        def work() -> None:
            event.wait()
            with permits:
                inside.append(1)
                most.append(len(inside))
                inside.pop()
            passed.append(barrier.wait())

        def start() -> None:
            event.set()

        return [work, work, work, start], lambda: max(most) <= 2 and sorted(passed) == [0, 1, 2]

    clean(program)


@pytest.mark.parametrize("make", [queue.Queue, queue.LifoQueue, queue.PriorityQueue, "SimpleQueue"])
def test_queues_hand_everything_over_once(make: Any) -> None:
    def program() -> Any:
        line = queue.SimpleQueue[int]() if make == "SimpleQueue" else make()
        got = list[int]()

        def take() -> None:
            got.append(line.get())

        def put() -> None:
            line.put(1)
            line.put(2)

        return [take, take, put], lambda: sorted(got) == [1, 2]

    clean(program)


def test_an_empty_queue_times_out() -> None:
    def observe() -> Any:
        line, told = queue.SimpleQueue[int](), list[object]()

        def take() -> None:
            try:
                told.append(line.get(timeout=5))
            except queue.Empty:
                told.append("empty")

        def put() -> None:
            time.sleep(5)
            line.put(1)

        return [take, put], lambda: told[0]

    assert outcomes(observe) == {1, "empty"}


def test_threads_are_started_and_joined() -> None:
    def program() -> Any:
        done: list[str] = []

        def body() -> None:
            child = threading.Thread(target=lambda: done.append(threading.current_thread().name), name="child")
            assert not child.is_alive()
            child.start()
            child.join()
            assert not child.is_alive()
            done.append(threading.current_thread().name)

        return {"parent": body}, lambda: done == ["child", "parent"]

    clean(program)


def test_a_thread_nobody_joins_is_run_to_its_end_and_a_daemon_is_not() -> None:
    def program() -> Any:
        done: list[str] = []

        def body() -> None:
            def beat() -> None:
                while True:
                    time.sleep(1)

            threading.Thread(target=beat, daemon=True).start()
            threading.Thread(target=lambda: done.append("late")).start()

        return [body], lambda: done == ["late"]

    clean(program)


def test_a_timer_fires_unless_cancelled_in_time() -> None:
    def observe() -> Any:
        fired: list[float] = []
        timer = threading.Timer(2, lambda: fired.append(time.monotonic()))

        def cancel() -> None:
            time.sleep(2)
            timer.cancel()

        return [timer.start, cancel], lambda: tuple(fired)

    assert outcomes(observe, race_timeouts=False) == {(), (2.0,)}


def test_a_pool_runs_its_jobs_and_idles_without_being_a_deadlock() -> None:
    def program() -> Any:
        got: list[int] = []

        def body() -> None:
            pool = ThreadPoolExecutor(2)
            got.extend(pool.map(lambda n: n * n, range(3)))

        def closing() -> None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(got.append, 9)

        return [body, closing], lambda: sorted(got) == [0, 1, 4, 9]

    clean(program)


def test_thread_locals_belong_to_one_thread() -> None:
    def program() -> Any:
        class Mine(threading.local):
            def __init__(self, start: int) -> None:
                self.value = start

        mine, plain, seen = Mine(5), threading.local(), list[tuple[int, bool]]()

        def work() -> None:
            fresh = not hasattr(plain, "value")
            plain.value = 1
            mine.value += 1
            seen.append((mine.value, fresh))

        return [work, work], lambda: seen == [(6, True), (6, True)]

    clean(program)


def test_identities_are_small_numbers_that_differ() -> None:
    def observe() -> Any:
        told: list[int] = []
        return [lambda: told.append(threading.get_ident())] * 2, lambda: tuple(sorted(told))

    assert len(outcomes(observe)) == 1


def test_every_clock_shows_virtual_time() -> None:
    def program() -> Any:
        before = time.time(), SYSTEM.now()

        def body() -> None:
            time.sleep(3600)
            assert time.monotonic() == time.perf_counter() == SYSTEM.monotonic() == 3600
            assert time.monotonic_ns() == time.perf_counter_ns() == 3600 * 10**9
            assert time.time() - before[0] == 3600
            assert (SYSTEM.now() - before[1]).total_seconds() == 3600
            SYSTEM.sleep(1)
            assert time.time_ns() == (time.time()) * 10**9

        return [body], None

    clean(program, 3)


def test_wait_and_sleep_of_one_second_end_in_both_orders() -> None:
    def observe() -> Any:
        event, order = threading.Event(), list[str]()

        def wait() -> None:
            event.wait(timeout=1)
            order.append("wait")

        def sleep() -> None:
            time.sleep(1)
            order.append("sleep")

        return [wait, sleep], lambda: tuple(order)

    assert outcomes(observe) == {("wait", "sleep"), ("sleep", "wait")}


def test_a_time_out_fires_while_others_run_only_where_that_is_asked_for() -> None:
    def observe() -> Any:
        event, told = threading.Event(), list[bool]()

        def busy() -> None:
            for _ in range(5):
                told.count(True)
            event.set()

        return [lambda: told.append(event.wait(timeout=60)), busy], lambda: told[0]

    assert outcomes(observe) == {True, False}
    assert outcomes(observe, race_timeouts=False) == {True}


# ── deadlocks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def deadlock(program: Program) -> Deadlock:
    with pytest.raises(Deadlock) as caught:
        explore(program).assert_ok()
    return caught.value


def test_a_cycle_names_its_locks_their_holders_and_the_lines() -> None:
    def program() -> Any:
        a, b = threading.Lock(), threading.Lock()

        def there() -> None:
            with a, b:
                pass

        def back() -> None:
            with b, a:
                pass

        return {"there": there, "back": back}, None

    found = deadlock(program)
    assert sorted(found.cycle) == ["back", "there"]
    waits = {wait.thread: wait for wait in found.waits}
    assert waits["there"].on.startswith("Lock #2 (test_primitives.py:")
    assert waits["there"].owner == "back"
    assert waits["there"].holds[0].startswith("Lock #1 (test_primitives.py:")
    assert "with a, b" in waits["there"].since.text


def test_a_lock_that_is_never_released_is_told_with_its_last_holder() -> None:
    def program() -> Any:
        lock = threading.Lock()
        return {"keeper": lock.acquire, "other": lock.acquire}, None

    found = deadlock(program)
    assert found.cycle == ()
    assert "(ended) never released" in str(found)


def test_a_lost_wake_up_says_that_nobody_is_left_to_notify() -> None:
    def program() -> Any:
        event = threading.Event()
        return {"waiter": event.wait}, None

    found = deadlock(program)
    assert "waits for a notify of Event #1" in str(found)
    assert "no thread is left that can notify" in str(found)


def test_threads_that_join_each_other_are_a_cycle() -> None:
    def program() -> Any:
        threads: list[threading.Thread] = []
        started = threading.Event()

        def join(other: int) -> None:
            started.wait()
            threads[other].join()

        def body() -> None:
            threads.extend(threading.Thread(target=join, args=(1 - n,), name=f"J{n}") for n in (0, 1))
            for thread in threads:
                thread.start()
            started.set()

        return {"body": body}, None

    assert sorted(deadlock(program).cycle) == ["J0", "J1"]


def test_joining_oneself_is_an_error_as_it_always_was() -> None:
    def program() -> Any:
        return [lambda: threading.current_thread().join()], None

    failure = explore(program, schedules=1).failure
    assert failure is not None
    assert failure.kind is Kind.EXCEPTION
    assert "cannot join current thread" in failure.message


def test_a_right_condition_queue_of_two_and_two_threads_raises_no_alarm() -> None:
    def program() -> Any:
        line, got = queue.Queue[int](1), list[int]()

        def put() -> None:
            line.put(1)
            line.put(2)

        def take() -> None:
            got.append(line.get() + line.get())

        return [put, put, take, take], lambda: sum(got) == 6

    clean(program, 10_000)


def test_an_hour_of_timers_costs_no_time() -> None:
    def program() -> Any:
        def body() -> None:
            for _ in range(3600):
                time.sleep(1)

        return [body, body], lambda: time.monotonic() == 3600

    clean(program, 1, strategy=Sticky(0.1), race_timeouts=False)
