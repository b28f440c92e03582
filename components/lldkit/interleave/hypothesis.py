"""Hypothesis draws the program and the preemptions; `explore` runs them, and both shrink. Needs `hypothesis`.

A test draws a `Script`, the calls of each thread, and the points at which to switch:

    @given(programs({"put": st.tuples(st.integers(0, 2)), "get": st.just(())}), preemptions())
    def test_queue(script, points):
        def program():
            history = History()
            bodies = script.bodies(history.wrap(BoundedQueue(2)))
            return bodies, lambda: check_linearizable(history, Model.of(ReferenceQueue)).assert_ok()

        explore(program, strategy=Preempt(points)).assert_ok()

What is left of a failure is usually two threads of one call each and one preemption. Nothing else here imports this
module.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = ["Script", "preemptions", "programs"]

Call = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Script:
    """What each thread does: its calls, as names and arguments."""

    threads: tuple[tuple[Call, ...], ...]

    def bodies(self, target: object) -> list[Callable[[], None]]:
        """Return one body per thread, which makes its calls on `target`.

        What a call raises is left to the history that `target` records, and the thread goes on with its next call.
        """
        return [partial(_play, target, calls) for calls in self.threads]

    def __repr__(self) -> str:
        lines = ("; ".join(f"{name}({', '.join(map(repr, args))})" for name, args in calls) for calls in self.threads)
        return f"Script({' | '.join(lines)})"


def _play(target: object, calls: tuple[Call, ...]) -> None:
    for name, args in calls:
        with contextlib.suppress(Exception):
            getattr(target, name)(*args)


def programs(
    operations: Mapping[str, SearchStrategy[Any]],
    *,
    threads: tuple[int, int] = (2, 3),
    calls: tuple[int, int] = (1, 4),
) -> SearchStrategy[Script]:
    """Draw scripts of a number of `threads` with a number of `calls` each, both (least, most).

    `operations` maps the name of a method to a strategy for its arguments: a tuple, or the one argument itself.
    """
    if not operations:
        raise ValueError("operations must name a method at least, got none")
    for name, (least, most) in (("threads", threads), ("calls", calls)):
        if not 1 <= least <= most:
            raise ValueError(f"{name} is (least, most) with 1 <= least <= most, got {(least, most)!r}")
    call = st.one_of([st.tuples(st.just(name), args.map(_as_tuple)) for name, args in operations.items()])
    of_thread = st.lists(call, min_size=calls[0], max_size=calls[1]).map(tuple)
    return st.lists(of_thread, min_size=threads[0], max_size=threads[1]).map(lambda drawn: Script(tuple(drawn)))


def preemptions(max_steps: int = 120, at_most: int = 3) -> SearchStrategy[tuple[tuple[int, int], ...]]:
    """Draw up to `at_most` points `(step, thread)` for `Preempt`, each before step `max_steps` and no step twice.

    Where that thread cannot run, `Preempt` takes another by counting on, so that any number stands for somebody.
    """
    if max_steps < 1 or at_most < 0:
        raise ValueError(f"max_steps is at least 1 and at_most 0, got {max_steps!r} and {at_most!r}")
    point = st.tuples(st.integers(0, max_steps - 1), st.integers(0, 7))
    points = st.lists(point, max_size=at_most, unique_by=lambda each: each[0])
    return points.map(lambda drawn: tuple(sorted(drawn)))


def _as_tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)
