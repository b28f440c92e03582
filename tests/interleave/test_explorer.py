"""The shell: what a seed and a schedule promise, what is refused, and how a failing schedule is made simple."""

import functools
import os
import queue
import statistics
import threading
import time
import types
from random import Random
from typing import Any

import pytest

from interleave.planted import PLANTED, Box, counting, depth_three, transfer
from lldkit.interleave import (
    Choice,
    Diverged,
    Dpor,
    Granularity,
    Kind,
    Livelock,
    Portfolio,
    Preempt,
    RandomWalk,
    Schedule,
    Sticky,
    Strategy,
    Uncontrolled,
    Verdict,
    explore,
    guarantee,
    replay,
    uncontrolled,
)
from lldkit.interleave.run import PATIENCE_SECONDS

BUG = {one.name: one.bug for one in PLANTED}


def failing(program: Any, **options: Any) -> Any:
    failure = explore(program, **options).failure
    assert failure is not None
    return failure


# ── seeds and schedules ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seed_decides_everything_and_another_one_differs() -> None:
    def found(seed: int) -> Any:
        failure = failing(BUG["depth 3"], schedules=2_000, seed=seed, shrink=False)
        return failure.run, str(failure.schedule), str(failure)

    assert found(5) == found(5)
    assert len({found(seed)[1] for seed in range(6)}) > 1


def test_run_n_of_a_seed_does_not_depend_on_the_runs_before_it() -> None:
    def picks(run: int, *, alone: bool) -> list[int]:
        walk, taken = RandomWalk(), list[int]()

        class Watched(RandomWalk):
            def begin(self, number: int, rng: Random, /) -> None:
                walk.begin(number, rng)
                if number == run or alone:
                    taken.clear()

            def pick(self, choice: Choice, /) -> int:
                taken.append(walk.pick(choice))
                return taken[-1]

        explore(counting(2, 3, locked=True), strategy=Watched(), schedules=run + 1, seed=9)
        return taken

    assert picks(7, alone=False) == picks(7, alone=True)


def test_a_schedule_that_does_not_fit_diverges_and_never_runs_another_one() -> None:
    bug = counting(2, 1, locked=False)
    whole = failing(bug).schedule
    assert replay(bug, whole).verdict is Verdict.FAILED
    for text in ("free:0*2", f"{whole},0*1", "free:7*1", str(whole).replace("free", "sync")):
        with pytest.raises(Diverged, match="the program is not the one it was recorded on"):
            replay(bug, text)
    with pytest.raises(Diverged) as caught:
        replay(bug, "free:0*2,5*1")
    assert (caught.value.step, caught.value.wanted, caught.value.runnable) == (2, 5, (0, 1))


def test_a_schedule_is_read_back_as_it_was_written() -> None:
    schedule = Schedule.parse(" free:0*17,-1*1,1*5 ")
    assert str(schedule) == "free:0*17,-1*1,1*5"
    assert (schedule.granularity, schedule.switches, schedule.steps) == (Granularity.FREE, 2, 23)
    for wrong in ("0*17", "fast:0*1", "free:0", "free:0*0", "free:-2*1", "free:a*1"):
        with pytest.raises(ValueError, match="got"):
            Schedule.parse(wrong)


def test_the_first_run_is_like_the_second() -> None:
    """The program's code was never run before, so that whatever an interpreter does at first sight would show."""
    source = "def add(box):\n    box.value += 1\n    box.value = box.value + 1\n"
    for granularity, steps in (("free", 5), ("gil", 2), ("sync", 1)):
        module = types.ModuleType("fresh")
        exec(compile(source, "fresh.py", "exec"), vars(module))
        taken: list[int] = []

        class Count(Sticky):
            def begin(self, run: int, rng: Random, /) -> None:
                super().begin(run, rng)
                taken.append(0)  # noqa: B023 - used before the next turn

            def pick(self, choice: Choice, /) -> int:
                taken[-1] += 1  # noqa: B023
                return super().pick(choice)

        def program(act: Any = module.add) -> Any:
            return [functools.partial(act, Box())], None

        explore(program, schedules=3, strategy=Count(0.1), granularity=granularity, include=[module])
        assert taken == [steps] * 3, granularity


def test_two_functions_with_equal_code_are_both_watched() -> None:
    source = "def add(box):\n    box.value += 1\n"
    one, other = {"__name__": "twice"}, {"__name__": "twice"}
    exec(compile(source, "twice.py", "exec"), one)
    exec(compile(source, "twice.py", "exec"), other)
    assert one["add"].__code__ == other["add"].__code__  # type: ignore[attr-defined]

    def program() -> Any:
        box = Box()
        acts: tuple[Any, Any] = one["add"], other["add"]
        return [functools.partial(act, box) for act in acts], lambda: box.value == 2

    for first in (0, 1):  # the second thread's update is lost only if the first one stops in between, and vice versa
        report = explore(program, strategy=Preempt({first + 1: 1 - first, 0: first, 2: 1 - first}), include=["twice"])
        assert report.steps == 6, "three steps each"
    assert explore(program, include=["twice"]).verdict is Verdict.FAILED


# ── shrinking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_shrinking_leaves_the_switches_that_it_takes() -> None:
    for name, switches in (("counter 2x1", 2), ("lock order", 1), ("philosophers", 4), ("missed signal", 2)):
        failure = failing(BUG[name], schedules=1_000, strategy=RandomWalk())
        assert failure.schedule.switches <= switches, name
        assert replay(BUG[name], failure.schedule).failure.kind is failure.kind  # type: ignore[union-attr]


def test_many_switches_shrink_to_few_and_both_schedules_are_kept() -> None:
    failure = failing(BUG["depth 3"], schedules=2_000, strategy=RandomWalk())
    assert failure.original.switches >= 8
    assert failure.schedule.switches <= 5
    assert f"shrunk from {failure.original.switches} switches" in str(failure)
    unshrunk = failing(BUG["depth 3"], schedules=2_000, strategy=RandomWalk(), shrink=False)
    assert unshrunk.schedule == unshrunk.original == failure.original


def test_eighteen_switches_shrink_to_four() -> None:
    """Five philosophers are stuck when four have been stopped after their first fork: fewer switches will not do."""
    stuck = BUG["philosophers"]
    failures = [failing(stuck, schedules=400, strategy=RandomWalk(), seed=seed) for seed in range(10)]
    assert statistics.median(failure.original.switches for failure in failures) >= 18
    assert {failure.schedule.switches for failure in failures} == {4}


def test_shrinking_keeps_the_kind_of_the_failure() -> None:
    """Two bugs: a thread that raises when it is interrupted once, and a lost update that needs more."""

    def program() -> Any:
        box, seen = Box(), []

        def add() -> None:
            before = box.value
            box.value = before + 1
            seen.append(box.value)
            if box.value != before + 1:
                raise ValueError("interrupted")

        return [add, add], lambda: box.value == 2

    kinds = set()
    for seed in range(40):
        failure = explore(program, schedules=1, seed=seed, strategy=RandomWalk()).failure
        if failure is not None:
            kinds.add(failure.kind)
            assert replay(program, failure.schedule).failure.kind is failure.kind  # type: ignore[union-attr]
    assert kinds == {Kind.CHECK, Kind.EXCEPTION}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that come to no switch point are given up after twice this time, else within ten seconds."""
    assert 2 * PATIENCE_SECONDS <= 10
    monkeypatch.setattr("lldkit.interleave.run.PATIENCE_SECONDS", 0.2)


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_arguments_that_make_no_sense_are_refused_before_anything_runs() -> None:
    def never() -> Any:
        raise AssertionError("the program was run")

    for wrong, told in (
        ({"schedules": 0}, "schedules must be at least 1, got 0"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"granularity": "fast"}, "'fast'"),
    ):
        with pytest.raises(ValueError, match=told):
            explore(never, **wrong)
    with pytest.raises(TypeError, match="a program is a callable"):
        explore(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="include takes modules"):
        explore(never, include=[types.SimpleNamespace(__module__=3)])
    for made, told in (([print], "a program returns"), (([3], None), "thread T0 is not callable")):
        with pytest.raises(TypeError, match=told):
            explore(lambda made=made: made)  # type: ignore[misc]


def test_an_error_of_the_program_itself_is_raised_as_it_is() -> None:
    def program() -> Any:
        raise LookupError("no state today")

    with pytest.raises(LookupError, match="no state today"):
        explore(program)
    guarantee(counting(2, 1, locked=True), schedules=5)


def test_explore_within_explore_is_refused_wherever_it_is_called() -> None:
    def inner() -> None:
        explore(counting(2, 1, locked=True))

    def in_program() -> Any:
        inner()
        return [], None

    with pytest.raises(Uncontrolled, match="explore within explore"):
        explore(in_program)
    for program in (lambda: ([inner], None), lambda: ([int], inner)):
        failure = failing(program)
        assert isinstance(failure.error, Uncontrolled)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_in_a_body_is_refused() -> None:
    failure = failing(lambda: ([os.fork], None))
    assert isinstance(failure.error, Uncontrolled)
    assert "start a new process instead" in failure.message


def test_a_thread_out_of_sight_ends_in_a_message_and_not_in_a_hang(impatient: None) -> None:
    lock = threading.Lock()  # genuine: made outside, and not given to patch=
    lock.acquire()
    with pytest.raises(Uncontrolled) as caught:
        explore(lambda: ({"waiter": lock.acquire}, None))
    assert "thread 'waiter' came to no switch point" in caught.value.what
    assert "give the module to patch=" in caught.value.help
    lock.release()
    explore(counting(2, 1, locked=True), schedules=3).assert_ok()


def test_a_lock_imported_by_name_is_caught_by_patch_and_named_without_it(impatient: None) -> None:
    module = types.ModuleType("shop")
    source = """
from threading import RLock
guard = RLock()
def sell(stock):
    with guard:
        if stock:
            stock.pop()
def sell_slowly(stock, ready):
    with guard:
        ready.set()
        ready.clear()
        sell(stock)
"""
    exec(compile(source, "shop.py", "exec"), vars(module))

    def program() -> Any:
        stock, ready = [1], threading.Event()
        slowly = functools.partial(module.sell_slowly, stock, ready)
        return {"one": slowly, "other": slowly}, lambda: not stock

    explore(program, patch=[module], include=[module], schedules=200).assert_ok()
    explore(program, patch=[module], include=[module], strategy=Dpor(), granularity="sync").assert_proved()
    with pytest.raises(Uncontrolled, match=r"module shop, shop.py:\d+"):
        explore(program, include=[module], strategy=Preempt({1: 0, 2: 1}))


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_livelock_says_which_lines_are_run_over_and_over() -> None:
    with pytest.raises(Livelock) as caught:
        explore(BUG["try-locks"], schedules=400, max_steps=2_000).assert_ok()
    assert caught.value.steps == 2_000
    assert any("second.acquire(blocking=False)" in line for line in caught.value.repeated)


def test_the_real_time_is_bounded_and_progress_is_told() -> None:
    started = time.monotonic()
    told: list[tuple[int, int]] = []
    report = explore(
        counting(2, 3, locked=True), schedules=10**9, seconds=2.3, progress=lambda *done: told.append(done)
    )
    assert report.verdict is Verdict.NOT_FOUND
    assert time.monotonic() - started < 10
    assert told
    assert 0 < told[0][0] <= report.schedules
    assert told[0][1] == 10**9


# ── what is no switch point ───────────────────────────────────────────────────────────────────────────────────────────


def test_uncontrolled_code_is_one_step() -> None:
    def program(*, hidden: bool) -> Any:
        box = Box()

        def add() -> None:
            if hidden:
                with uncontrolled():
                    box.value += 1
            else:
                box.value += 1

        return [add, add], lambda: box.value == 2

    explore(lambda: program(hidden=True), strategy=Dpor()).assert_proved()
    assert explore(lambda: program(hidden=False)).verdict is Verdict.FAILED
    with uncontrolled():  # and outside of a run it is nothing
        pass


def test_only_the_modules_of_program_and_bodies_are_watched_and_what_is_included() -> None:
    module = types.ModuleType("library.counting")
    exec(compile("def add(box):\n    box.value += 1\n", "library.py", "exec"), vars(module))

    def program() -> Any:
        box = Box()
        return [lambda: module.add(box)] * 2, lambda: box.value == 2

    explore(program, strategy=Dpor()).assert_proved()
    for include in (module, "library", "library.counting", module.add):
        assert explore(program, include=[include]).verdict is Verdict.FAILED
    assert explore(program, include=["libra"]).verdict is Verdict.NOT_FOUND


def test_yields_and_small_sleeps() -> None:
    """`sleep(0)` yields, `sleep(0.001)` waits: all others have a turn before it returns, and no real time passes."""

    def program(seconds: float) -> Any:
        told: list[object] = []

        def sleeper() -> None:
            time.sleep(seconds)
            told.append(time.monotonic())

        return [sleeper, lambda: told.append("other")], lambda: told in ([seconds, "other"], ["other", seconds])

    explore(lambda: program(0.001), strategy=Dpor()).assert_proved()
    explore(lambda: program(0), strategy=Dpor()).assert_proved()
    explore(lambda: program(3_600), schedules=50).assert_ok()

    def first_sleeper_wakes_last() -> Any:
        told: list[object] = []

        def sleeper() -> None:
            time.sleep(0.001)
            told.append("slept")

        return [sleeper, lambda: told.append("other")], lambda: told == ["other", "slept"]

    explore(first_sleeper_wakes_last, strategy=Dpor(), race_timeouts=False).assert_proved()


def test_lru_cache_and_queues_are_library_code_and_work() -> None:
    def program() -> Any:
        box, line = Box(), queue.Queue[int]()

        @functools.lru_cache
        def load(key: int) -> int:
            box.value += 1
            return key * 2

        def get() -> None:
            line.put(load(4))

        return [get, get], lambda: (line.get(), line.get()) == (8, 8) and 1 <= box.value <= 2

    explore(program, schedules=200).assert_ok()


def test_every_strategy_finds_a_deadlock_and_accuses_nobody_who_is_right() -> None:
    strategies: list[Strategy] = [RandomWalk(), Sticky(0.3), Portfolio([Sticky(0.1), RandomWalk()]), Portfolio()]
    for strategy in strategies:
        assert explore(transfer(ordered=False), strategy=strategy).verdict is Verdict.FAILED
        assert explore(depth_three(locked=True), strategy=strategy, schedules=100).verdict is Verdict.NOT_FOUND
