"""Hypothesis draws programs and preemptions for the explorer, and shrinks both."""

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from lldkit.interleave import History, Kind, Model, Preempt, check_linearizable, explore
from lldkit.interleave.hypothesis import Script, preemptions, programs

OPERATIONS: dict[str, st.SearchStrategy[Any]] = {"put": st.integers(0, 2), "get": st.just(())}


class Queue:
    """A queue that copies its list on every call, under a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.items: list[int] = []

    def put(self, item: int) -> None:
        with self.lock:
            self.items = [*self.items, item]

    def get(self) -> int | None:
        with self.lock:
            items = self.items
            self.items = items[1:]
            return items[0] if items else None


def reference(items: tuple[int, ...], name: str, args: tuple[int, ...]) -> tuple[tuple[int, ...], object]:
    if name == "put":
        return (*items, *args), None
    return (items[1:], items[0]) if items else ((), None)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(programs(OPERATIONS), preemptions())
def test_a_right_queue_survives_what_is_drawn(script: Script, points: tuple[tuple[int, int], ...]) -> None:
    def program() -> Any:
        history = History()
        bodies = script.bodies(history.wrap(Queue()))
        return bodies, lambda: check_linearizable(history, Model(tuple, reference)).assert_ok()

    explore(program, strategy=Preempt(points)).assert_ok()


class RacyCounter:
    def __init__(self) -> None:
        self.total = 0

    def add(self, amount: int) -> int:
        self.total += amount
        return self.total


def test_a_race_shrinks_to_two_calls_and_one_preemption() -> None:
    counter = Model(int, lambda total, _, args: (total + args[0],) * 2)

    def is_found(drawn: tuple[Script, tuple[tuple[int, int], ...]]) -> bool:
        script, points = drawn

        def program() -> Any:
            history = History()
            bodies = script.bodies(history.wrap(RacyCounter()))
            return bodies, lambda: check_linearizable(history, counter).assert_ok()

        failure = explore(program, strategy=Preempt(points), shrink=False).failure
        return failure is not None and failure.kind is Kind.NOT_LINEARIZABLE

    script, points = find(
        st.tuples(programs({"add": st.integers(1, 5)}, calls=(1, 2)), preemptions(max_steps=30)),
        is_found,
        settings=settings(max_examples=500, database=None, derandomize=True, deadline=None),
    )
    assert script == Script(((("add", (1,)),), (("add", (1,)),)))
    assert len(points) == 1


@given(programs(OPERATIONS, threads=(2, 4), calls=(1, 2)))
def test_scripts_have_the_threads_and_calls_asked_for(script: Script) -> None:
    assert 2 <= len(script.threads) <= 4
    for calls in script.threads:
        assert 1 <= len(calls) <= 2
        for name, args in calls:
            assert (name, len(args)) in {("put", 1), ("get", 0)}


@given(preemptions(max_steps=10, at_most=4))
def test_points_are_few_early_and_of_different_steps(points: tuple[tuple[int, int], ...]) -> None:
    steps = [step for step, _ in points]
    assert len(steps) <= 4
    assert steps == sorted(set(steps))
    assert all(0 <= step < 10 for step in steps)


def test_a_body_goes_on_after_an_exception_which_the_history_keeps() -> None:
    history = History()
    script = Script(((("pop", ("nut",)), ("get", ("nut",))),))
    (body,) = script.bodies(history.wrap({}))
    body()
    assert [str(call) for call in history.operations] == ["pop('nut') raised KeyError", "get('nut')"]
    assert repr(script) == "Script(pop('nut'); get('nut'))"


@pytest.mark.parametrize("wrong", [{"threads": (0, 1)}, {"calls": (3, 2)}])
def test_ranges_that_hold_nothing_are_refused(wrong: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="1 <= least <= most, got"):
        programs(OPERATIONS, **wrong)
    with pytest.raises(ValueError, match="got none"):
        programs({}, **wrong)
    with pytest.raises(ValueError, match="got 0 and 1"):
        preemptions(0, 1)
