"""Schedules per second beside other tools that control threads, and what one hand-over between two threads costs.

The four programs are right, so that every tool runs as many schedules as it is asked to; each draws uniformly at random
and may switch before every access (interleave-test and frontrun: before every instruction of bytecode).
"""

import importlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from benchmarks.beside import Carrier, beside
from lldkit.interleave import Choice, RandomWalk, Verdict, explore
from lldkit.interleave.one_core import one_core

SCHEDULES = 50
HAND_OVERS = 2_000

Made = tuple[Sequence[Callable[[], object]], Callable[[], bool]]


class Box:
    def __init__(self) -> None:
        self.value = 0


def counter() -> Made:
    box, lock = Box(), threading.Lock()

    def add() -> None:
        for _ in range(3):
            with lock:
                box.value += 1

    return [add, add], lambda: box.value == 6


def cache() -> Made:
    values: dict[str, int] = {}
    lock, loads = threading.Lock(), list[str]()

    def get() -> None:
        for key in ("a", "b"):
            with lock:
                if key not in values:
                    loads.append(key)
                    values[key] = len(loads)

    return [get, get, get], lambda: sorted(loads) == ["a", "b"]


def two_locks() -> Made:
    one, two, box = threading.Lock(), threading.Lock(), Box()

    def move() -> None:
        for _ in range(2):
            with one, two:
                box.value += 1

    return [move, move], lambda: box.value == 4


def bounded_queue() -> Made:
    changed, items, got = threading.Condition(), list[int](), list[int]()

    def put() -> None:
        for item in range(2):
            with changed:
                while len(items) >= 1:
                    changed.wait()
                items.append(item)
                changed.notify_all()

    def take() -> None:
        for _ in range(2):
            with changed:
                while not items:
                    changed.wait()
                got.append(items.pop())
                changed.notify_all()

    return [put, take], lambda: got == [0, 1]


PROGRAMS = {"counter": counter, "cache": cache, "two locks": two_locks, "bounded queue": bounded_queue}


def of_lldkit(program: Callable[[], Made]) -> None:
    report = explore(program, schedules=SCHEDULES, strategy=RandomWalk())
    assert (report.verdict, report.schedules) == (Verdict.NOT_FOUND, SCHEDULES)


def of_interleave_test(program: Callable[[], Made]) -> None:
    module: Any = importlib.import_module("interleave_test")

    def model() -> None:
        bodies, invariant = program()
        tasks = [module.spawn(body) for body in bodies]
        for task in tasks:
            task.join()
        assert invariant()

    result = module.explore(model, iterations=SCHEDULES, seed=1)
    assert result.ok


def of_frontrun(program: Callable[[], Made]) -> None:
    module: Any = importlib.import_module("frontrun")
    workers = [lambda made, number=number: made[0][number]() for number in range(len(program()[0]))]
    result = module.explore(
        program, workers, lambda made: made[1](), strategy="random", max_attempts=SCHEDULES, seed=1, detect_io=False
    )
    assert result.property_holds
    assert result.num_explored == SCHEDULES


PEERS = {"interleave-test": of_interleave_test, "frontrun": of_frontrun}  # the first one needs Python 3.12


@pytest.mark.parametrize("name", PROGRAMS)
def test_schedules(benchmark: Carrier, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTRUN_ACTIVE", "1")  # it patches locks while it explores, which is enough here
    program = PROGRAMS[name]
    subjects: dict[str, Callable[[], object]] = {"lldkit": lambda: of_lldkit(program)}
    for peer, run in PEERS.items():
        if importlib.util.find_spec(peer.replace("-", "_")) is not None:
            subjects[peer] = lambda run=run: run(program)  # type: ignore[misc]
    beside(
        benchmark,
        subjects,
        row=f"one schedule, {name}",
        target="at least 5 x as fast as interleave-test, and ahead of frontrun",
        number=1,
        rounds=5,
        per=SCHEDULES,
    )


class InTurn(RandomWalk):
    """Another thread at every step."""

    def pick(self, choice: Choice, /) -> int:
        others = [one for one in choice.runnable if one != choice.current]
        return (others or choice.runnable)[0]


def raw_hand_over() -> None:
    """Two threads that wake each other by turns, with two locks and nothing else."""
    gates = threading.Lock(), threading.Lock()
    for gate in gates:
        gate.acquire()

    def play(mine: threading.Lock, other: threading.Lock) -> None:
        for _ in range(HAND_OVERS // 2):
            mine.acquire()
            other.release()

    threads = [threading.Thread(target=play, args=pair) for pair in (gates, gates[::-1])]
    for thread in threads:
        thread.start()
    gates[0].release()
    for thread in threads:
        thread.join()


def raw_hand_over_on_one_core() -> None:
    """The same, without the way from core to core."""
    with one_core():
        raw_hand_over()


def controlled_hand_over() -> None:
    def program() -> Made:
        box = Box()

        def touch() -> None:
            for number in range(HAND_OVERS // 2):
                box.value = number

        return [touch, touch], lambda: True

    report = explore(program, schedules=1, strategy=InTurn())
    assert report.steps >= HAND_OVERS


def test_a_hand_over(benchmark: Carrier) -> None:
    beside(
        benchmark,
        {
            "lldkit": controlled_hand_over,
            "floor, two locks": raw_hand_over,
            "two locks, on one core": raw_hand_over_on_one_core,
        },
        row="one hand-over between two threads",
        floor="floor, two locks",
        target="<= 2 x floor",
        number=1,
        rounds=10,
        per=HAND_OVERS,
    )
