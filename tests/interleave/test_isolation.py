"""What a run leaves behind: nothing. Not a thread, not a patch, not a trace function; and what happens around it."""

import concurrent.futures
import contextlib
import gc
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from interleave.planted import PLANTED, BoundedQueue, Box, counting, transfer
from lldkit.clock import SYSTEM
from lldkit.interleave import Kind, Sticky, Verdict, controlled, explore
from lldkit.interleave.settrace import SetTrace

COMPONENTS = Path(__file__).parent.parent.parent / "components"


def surroundings() -> dict[str, Any]:
    """All that an exploration touches."""
    named = {
        f"{module.__name__}.{name}": value
        for module in (threading, time, queue, os)
        for name, value in vars(module).items()
    }
    methods = {
        "wait": threading.Condition.wait,
        "start": threading.Thread.start,
        "join": threading.Thread.join,
        "monotonic": type(SYSTEM).monotonic,
    }
    state: dict[str, Any] = {"log filters": [*concurrent.futures._base.LOGGER.filters]}
    state |= {"gc": gc.isenabled(), "trace": sys.gettrace(), "profile": sys.getprofile(), "hook": sys.unraisablehook}
    if sys.version_info >= (3, 12):
        tools: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
        state["tools"] = [tools.get_tool(number) for number in range(6)]
    return named | methods | state


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    before, threads = surroundings(), every_thread()
    yield
    assert surroundings() == before
    assert every_thread() == threads


def every_thread() -> set[int]:
    """All threads of the process, also those that `threading` does not know."""
    return set(sys._current_frames())


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_is_as_it_was_after_a_return_an_exception_and_an_interrupt() -> None:
    def interrupted() -> Any:
        raise KeyboardInterrupt

    def interrupted_later() -> Any:
        return [interrupted], None

    for granularity in ("free", "gil", "sync"):
        with nothing_left():
            explore(counting(2, 1, locked=True), schedules=20, granularity=granularity)
            explore(transfer(ordered=False), granularity=granularity)
        with nothing_left(), pytest.raises(KeyboardInterrupt):
            explore(interrupted, granularity=granularity)
        with nothing_left():  # in a body it ends that thread, as an exception would
            assert explore(interrupted_later, granularity=granularity).failure.kind is Kind.EXCEPTION  # type: ignore[union-attr]
    with nothing_left(), controlled(), contextlib.suppress(LookupError):
        raise LookupError


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread")
def test_an_interrupt_of_the_main_thread_while_another_one_runs_ends_the_exploration() -> None:
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # it is ignored in jobs that run in the background

    def program() -> Any:
        box = Box()

        def run_on() -> None:
            while True:
                box.value += 1
                if box.value == 50:
                    os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C

        return [run_on], None

    try:
        with nothing_left(), pytest.raises(KeyboardInterrupt):
            explore(program, max_steps=10**6)
    finally:
        signal.signal(signal.SIGINT, before)
    explore(counting(2, 1, locked=True), schedules=5).assert_ok()


def test_importing_patches_nothing() -> None:
    code = """
import threading, time, queue, sys, gc
def all_of_it():
    states = [sys.gettrace(), gc.isenabled(), threading.active_count()]
    return [dict(vars(module)) for module in (threading, time, queue)] + states
before = all_of_it()
import lldkit.interleave, lldkit.interleave.hypothesis, lldkit.interleave.pytest
changed = [n for a, b in zip(before[:3], all_of_it()[:3]) for n in a if a[n] is not b[n]]
assert (changed, before[3:]) == ([], all_of_it()[3:]), changed
"""
    environment = {**os.environ, "PYTHONPATH": str(COMPONENTS)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_thousand_runs_that_end_in_the_middle_leave_no_thread() -> None:
    with nothing_left():
        for seed in range(250):
            for name in ("lock order", "counter 2x1", "if for while", "missed signal"):
                bug = next(one.bug for one in PLANTED if one.name == name)
                explore(bug, schedules=2, seed=seed, shrink=False)
        assert len(every_thread()) < 20
    explore(counting(2, 1, locked=True), schedules=5).assert_ok()


# ── unwinding ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_clean_up_code_that_locks_waits_or_raises_does_not_hang_the_end_of_a_run() -> None:
    ended: list[str] = []

    def program() -> Any:
        lock, other, condition = threading.Lock(), threading.Lock(), threading.Condition()

        def releases() -> None:
            other.acquire()
            try:
                lock.acquire()
                lock.acquire()
            finally:
                lock.release()
                other.release()
                ended.append("released")

        def waits() -> None:
            try:
                other.acquire()
                lock.acquire()
            finally:
                with condition:
                    condition.wait()
                ended.append("never")

        def raises() -> None:
            try:
                with condition:
                    condition.wait()
            finally:
                raise ValueError("while unwinding")

        def swallows() -> None:
            try:
                other.acquire()
            except BaseException:  # noqa: BLE001 - the worst a program can do
                ended.append("swallowed")
            lock.acquire()

        def starts_another() -> None:
            try:
                other.acquire()
            finally:
                threading.Thread(target=lambda: None).start()

        return [releases, waits, raises, swallows, starts_another], None

    with nothing_left():
        for seed in range(30):
            failure = explore(program, schedules=1, seed=seed, shrink=False).failure
            assert failure is not None
            assert failure.kind is Kind.DEADLOCK
    assert "released" in ended
    assert "swallowed" in ended
    explore(counting(2, 1, locked=True), schedules=5).assert_ok()


def test_a_stale_entry_in_a_waiter_list_wakes_nobody() -> None:
    """A waiter that timed out is still on the list for a while, and a notify that finds it there is spent."""

    def program() -> Any:
        condition, told = threading.Condition(), list[bool]()

        def wait() -> None:
            with condition:
                told.append(condition.wait(timeout=1))

        def late() -> None:
            with condition:
                time.sleep(2)
                condition.notify()

        return [wait, late], lambda: told == [False]

    explore(program, schedules=300, race_timeouts=False).assert_ok()
    line = BoundedQueue(1, loop=True)  # of real locks, made outside: what one run leaves in its lists

    def on_one_queue() -> Any:
        with controlled():
            line.__init__(1, loop=True)  # type: ignore[misc]
        return [line.get], None

    for _ in range(3):
        assert explore(on_one_queue, schedules=3).failure.kind is Kind.DEADLOCK  # type: ignore[union-attr]


# ── meanwhile ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_real_threads_of_the_process_keep_real_locks_and_real_time() -> None:
    stop, seen, lock = threading.Event(), list[str](), threading.Lock()
    real: Any = type(lock)

    def outside() -> None:
        while not stop.is_set():
            before = time.monotonic()
            made, reentrant, local = threading.Lock(), threading.RLock(), threading.local()
            with lock, made, reentrant:
                local.value = threading.get_ident()
            line = queue.SimpleQueue[int]()
            line.put(1)
            started = threading.Thread(target=line.put, args=(2,))
            started.start()
            started.join()
            if type(made) is not real or line.get() + line.get() != 3 or not time.monotonic() >= before > 1:
                seen.append("something virtual")
            seen.append("round")

    thread = threading.Thread(target=outside)
    thread.start()
    for granularity in ("free", "sync"):
        explore(counting(2, 3, locked=True), schedules=300, granularity=granularity).assert_ok()
    stop.set()
    thread.join()
    assert set(seen) == {"round"}


def test_a_second_exploration_waits_for_the_first() -> None:
    verdicts: list[Verdict] = []

    def one() -> None:
        verdicts.append(explore(counting(2, 1, locked=True), schedules=50).verdict)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [Verdict.NOT_FOUND] * 4


def test_no_finalizer_runs_at_a_random_step() -> None:
    """Garbage in circles is collected between runs only; what is let go at once is finalized there and then."""
    collected: list[bool] = []
    inside = [False]

    class Node:
        def __init__(self) -> None:
            self.me = self
            weakref.finalize(self, lambda: collected.append(inside[0])).atexit = False

    def program() -> Any:
        inside[0] = True

        def litter() -> None:
            for _ in range(300):
                Node()

        def check() -> None:
            inside[0] = False

        return [litter, litter], check

    gc.collect()
    thresholds = gc.get_threshold()
    gc.set_threshold(50)
    try:
        report = explore(program, schedules=60, strategy=Sticky(0.02))
    finally:
        gc.set_threshold(*thresholds)
    assert report.verdict is Verdict.NOT_FOUND
    assert gc.isenabled()
    gc.collect()
    assert len(collected) == 60 * 600
    assert not any(collected)


# ── under other tools ─────────────────────────────────────────────────────────────────────────────────────────────────

SUITE = """
import sys
from lldkit.interleave import Verdict, explore

class Box:
    value = 0

def add(box):
    box.value += 1

def test_race():
    before = sys.gettrace()
    def program():
        box = Box()
        return [lambda: add(box)] * 2, lambda: box.value == 2
    assert explore(program).verdict is Verdict.FAILED
    assert sys.gettrace() is before

def test_lines_after_it():
    assert add(Box()) is None
"""


@pytest.mark.parametrize("options", [("-p", "xdist", "-n2"), ()], ids=["xdist", "coverage"])
def test_it_works_under_other_tools(options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COVERAGE_FILE": str(tmp_path / ".coverage")}
    environment["PYTHONPATH"] = str(COMPONENTS)
    covering = [] if options else ["coverage", "run", "--include", "*/test_suite.py", "-m"]
    command = [sys.executable, "-m", *covering, "pytest", "-q", "-p", "no:cacheprovider", *options]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    if not options:
        told = subprocess.run(
            [sys.executable, "-m", "coverage", "report"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "100%" in told.stdout


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="only up to 3.11 a thread is traced")
def test_the_functions_of_the_explorer_are_not_traced_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    call, traced = SetTrace._call, set[str]()

    def noting(tracer: SetTrace, frame: FrameType, event: str, arg: object) -> Any:
        traced.add(frame.f_code.co_qualname)
        return call(tracer, frame, event, arg)

    monkeypatch.setattr(SetTrace, "_call", noting)
    explore(counting(2, 3, locked=True), schedules=5)
    assert "counting.<locals>.program.<locals>.guarded" in traced
    assert traced.isdisjoint({"Run._go_on", "Scheduler.next", "Scheduler._look", "Task.runnable"})
