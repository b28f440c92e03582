"""Partial-order reduction reaches exactly the outcomes of brute force, in a fraction of the runs."""

import itertools
import math
import threading
import time
from collections.abc import Iterator
from random import Random
from types import ModuleType
from typing import Any

import pytest

from interleave.planted import PLANTED, Planted, counting, reorder
from lldkit.interleave import (
    Dpor,
    Exhaustive,
    Granularity,
    NotProved,
    Portfolio,
    Preempt,
    RandomWalk,
    Strategy,
    Verdict,
    explore,
    uncontrolled,
)
from lldkit.interleave.session import Session

PROVED = [one for one in PLANTED if one.proof is not None]


def named(one: Planted) -> str:
    return one.name


@pytest.mark.parametrize("planted", PROVED, ids=named)
def test_a_repaired_twin_is_proved(planted: Planted) -> None:
    assert planted.twin is not None
    assert planted.proof is not None
    report = explore(planted.twin, strategy=Dpor(), granularity=planted.proof, schedules=planted.proof_runs)
    report.assert_proved()


def test_every_order_of_the_locks_is_run_once_and_no_more() -> None:
    """Six passages of a lock, three by each thread: 6!/(3! 3!) = 20 orders; five passages by five threads: 5! = 120."""
    assert explore(counting(2, 3, locked=True), strategy=Dpor()).schedules == 20
    assert explore(reorder(locked=True), strategy=Dpor()).schedules == 120


# ── against brute force ───────────────────────────────────────────────────────────────────────────────────────────────

Outcome = tuple[object, ...]


def outcomes(
    make: Any, strategy: Strategy, granularity: str, *, include: Any = (), **options: Any
) -> tuple[set[Outcome], int]:
    """Every outcome of the program, deadlocks included, and the number of runs that it took to see them."""
    seen: set[Outcome] = set()
    read: list[Any] = []

    def program() -> Any:
        bodies, state = make()
        read[:] = [state]
        return bodies, None

    noting = hasattr(strategy, "touch")
    session = Session(
        program,
        granularity=Granularity(granularity),
        include=[make, *include],
        max_steps=2_000,
        noting=noting,
        **options,
    )
    runs, again = 0, True
    with session.installed():
        while again and runs < 30_000:
            strategy.begin(runs, Random(runs))
            outcome = session.run(strategy)
            runs += 1
            assert outcome.whole
            if not outcome.pruned:
                seen.add((read[0](), outcome.kind, type(outcome.error)))
            again = strategy.advance()
    assert not again, "too many schedules for brute force"
    return seen, runs


DATA = [
    "seen += (box.{name},)",
    "box.{name} = {number}",
    "box.{name} += {number}",
    "seen += (table['{name}'],)",
    "table['{name}'] = {number}",
    "with {lock}: box.{name} = {number}",
    "with {lock}: seen += (box.{name},)",
    "with {lock}: box.{name} += {number}",
    "seen += ({lock}.acquire(blocking=False),)",
    "{lock}.acquire()",
]
WAITS = [
    "with condition: condition.notify()",
    "with condition: condition.notify_all()",
    "with condition: condition.wait()",
    "with condition: seen += (condition.wait(timeout=1),)",
    "event.set()",
    "event.clear()",
    "event.wait()",
    "seen += (event.wait(timeout=1),)",
    "time.sleep(1)",
    "seen += (time.monotonic(),)",
    "seen += (one.acquire(timeout=1),)",
    "one.release()",
    "seen += (box.x,)",
    "box.x += {number}",
]


class Box:
    x = 0
    y = 0


def random_program(seed: int, statements: list[str], *, lengths: dict[int, int]) -> Any:
    """Two or three threads of a few statements each, as a module of their own."""
    rng = Random(seed)
    threads = rng.choice((2, 2, 3))
    lines = ["import time"]
    for thread in range(threads):
        lines += [f"def thread_{thread}(box, table, one, two, condition, event):", "    seen = ()"]
        for _ in range(lengths[threads]):
            parts = {"name": rng.choice("xy"), "number": rng.randrange(1, 9), "lock": rng.choice(("one", "two"))}
            lines.append("    " + rng.choice(statements).format(**parts))
        lines.append("    return seen")
    module = ModuleType(f"random_program_{seed}")
    exec(compile("\n".join(lines), f"random_program_{seed}.py", "exec"), vars(module))

    def make() -> Any:
        box, table = Box(), {"x": 0, "y": 0}
        primitives = threading.Lock(), threading.RLock(), threading.Condition(), threading.Event()
        told: dict[int, object] = {}

        def body(number: int) -> Any:
            act = getattr(module, f"thread_{number}")

            def run() -> None:
                try:
                    seen = act(box, table, *primitives)
                except RuntimeError:  # released, not held: a result like any other; it must not end the run
                    seen = "error"
                with uncontrolled():
                    told[number] = seen

            return run

        def state() -> Outcome:
            return (box.x, box.y, *table.values(), *sorted(told.items()))

        return [body(number) for number in range(threads)], state

    return make, module


def schedules_of(make: Any, granularity: str, module: ModuleType) -> int:
    """At most how many schedules the program has: the orders of as many steps as its threads take when undisturbed."""

    class Count(Preempt):
        def pick(self, choice: Any, /) -> int:
            picked = super().pick(choice)
            taken[picked] = taken.get(picked, 0) + 1
            return picked

    taken: dict[int, int] = {}
    outcomes(make, Count(()), granularity, include=[module])
    return math.factorial(sum(taken.values())) // math.prod(map(math.factorial, taken.values()))


def small_programs(statements: list[str], granularity: str, most: int) -> Iterator[Any]:
    """Random programs whose schedules can all be tried."""
    for seed in itertools.count():
        make, module = random_program(seed, statements, lengths={2: 2, 3: 1})
        if schedules_of(make, granularity, module) <= most:
            yield make, module


def compare(make: Any, module: ModuleType, granularity: str, **options: Any) -> tuple[int, int]:
    brute, runs = outcomes(make, Exhaustive(None), granularity, include=[module], **options)
    reduced, fewer = outcomes(make, Dpor(), granularity, include=[module], **options)
    assert reduced == brute, module.__name__
    return runs, fewer


def test_the_reduction_sees_every_outcome_of_300_random_programs() -> None:
    for make, module in itertools.islice(small_programs(DATA, "free", 700), 300):
        compare(make, module, "free")


def test_the_reduction_needs_a_fiftieth_of_the_runs() -> None:
    """Without locks nothing ever blocks, and the schedules need not be run to be counted.

    The sum is that of the largest; of these programs, in which every second step is about the same thing as another
    thread's, the median needs a tenth of the runs, and none more than a fifth.
    """
    runs, schedules = list[int](), list[int]()
    for seed in range(12):
        make, module = random_program(seed, DATA[:5], lengths={2: 5, 3: 3})
        runs.append(outcomes(make, Dpor(), "free", include=[module])[1])
        schedules.append(schedules_of(make, "free", module))
    assert sum(runs) * 50 <= sum(schedules)
    ratios = sorted(all_of_them / few for few, all_of_them in zip(runs, schedules, strict=True))
    assert ratios[0] >= 5
    assert ratios[6] >= 10


@pytest.mark.parametrize("options", [{}, {"race_timeouts": False}, {"spurious_wakeups": True}], ids=str)
def test_the_reduction_sees_every_outcome_of_programs_that_wait(options: Any) -> None:
    for make, module in itertools.islice(small_programs(WAITS, "sync", 200), 40):
        compare(make, module, "sync", **options)


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_gil_proves_an_increment_and_refutes_a_call_in_between() -> None:
    def with_call() -> Any:
        box = Box()

        def add() -> None:
            box.x = plus_one(box.x)

        return [add, add], lambda: box.x == 2

    for strategy in (Exhaustive(None), Exhaustive(3), Dpor()):
        increment = counting(2, 1, locked=False)
        assert explore(increment, granularity="gil", strategy=strategy).verdict is Verdict.PROVED
        assert explore(with_call, granularity="gil", strategy=strategy).verdict is Verdict.FAILED
        assert explore(increment, strategy=strategy).verdict is Verdict.FAILED


def plus_one(number: int) -> int:
    return number + 1


def test_exploring_coarsely_first_disables_nothing_for_the_finer_search() -> None:
    increment = counting(2, 1, locked=False)
    for granularity, verdict in (("gil", Verdict.PROVED), ("free", Verdict.FAILED)) * 2:
        assert explore(increment, granularity=granularity, strategy=Exhaustive(3)).verdict is verdict


def test_a_search_that_was_cut_proves_nothing() -> None:
    right = counting(2, 3, locked=True)
    cut = [
        explore(right, strategy=Dpor(), schedules=19),
        explore(right, strategy=Exhaustive(2), schedules=5),
        explore(right, strategy=Dpor(), seconds=0),
        explore(right, strategy=Dpor(), max_steps=40),  # 26 steps each: in the second half the scheduler takes over
        explore(right, strategy=Dpor(preemptions=1), schedules=1_000),
        explore(right, strategy=RandomWalk(), schedules=1_000),
        explore(right, schedules=100),
    ]
    assert {report.verdict for report in cut} == {Verdict.NOT_FOUND}
    assert "proved" not in str(cut[0])
    with pytest.raises(NotProved, match="not_found"):
        cut[0].assert_proved()
    assert cut[0].assert_ok() is cut[0]


def test_a_bound_is_part_of_the_verdict() -> None:
    report = explore(counting(2, 1, locked=True), strategy=Exhaustive(2), schedules=10_000)
    assert report.verdict is Verdict.PROVED
    assert "<= 2 preemptions" in str(report)
    assert "granularity free" in str(report)


def test_polling_is_never_proved() -> None:
    def program() -> Any:
        done = threading.Event()

        def poll() -> None:
            while not done.is_set():
                time.sleep(0)

        return [poll, done.set], None

    assert explore(program, strategy=Exhaustive(1), schedules=5_000).verdict is Verdict.NOT_FOUND


def test_two_preemptions_find_what_needs_two() -> None:
    def twice() -> Any:
        box, seen = Box(), list[int]()

        def flash() -> None:
            box.x = 1
            box.x = 0

        def look() -> None:
            seen.append(box.x)
            seen.append(box.x)

        return [flash, look], lambda: seen != [1, 0]

    assert explore(twice, strategy=Exhaustive(0)).verdict is Verdict.PROVED
    assert explore(twice, strategy=Exhaustive(2)).verdict is Verdict.FAILED


def test_the_strategies_refuse_bounds_that_make_no_sense() -> None:
    for strategy in (Exhaustive, Dpor):
        with pytest.raises(ValueError, match="preemptions is a number"):
            strategy(preemptions=-1)
    assert "10" in repr(Portfolio())
