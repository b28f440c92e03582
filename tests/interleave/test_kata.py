"""The kata beside the component: what its naive model says of a history, the component's checker says too."""

import sys
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from lldkit.dojo import grade, load_kata
from lldkit.dojo.author import Op
from lldkit.dojo.model import Driver
from lldkit.dojo.preflight import load
from lldkit.interleave import PENDING, History, Model, Operation, check_linearizable

HISTORIES = 400


def model_of_the_kata() -> ModuleType:
    folder = load_kata("interleave").folder
    with patch.dict(sys.modules):
        load("interface", str(folder / "interface.py"))
        return load("model", str(folder / "model.py"))


def operation(call: Any) -> Operation:
    arguments = () if call.argument is None else (call.argument,)
    if call.returned is None:
        return Operation(call.process, call.name, arguments, PENDING, 2 * call.called)
    stamps = (2 * call.called, 2 * call.returned + 1)  # at one stamp of the kata calls are concurrent
    return Operation(call.process, call.name, arguments, call.result, *stamps)


def test_the_checker_agrees_with_the_model_of_the_kata() -> None:
    kata = model_of_the_kata()
    driver, found = Driver(kata=kata), {True: 0, False: 0}
    for number in range(HISTORIES):
        asked = driver.program(6, number).steps[0]
        assert isinstance(asked, Op)
        calls, given = asked.args
        model: Model[Any] = Model(
            lambda given=given: given.initial,  # type: ignore[misc]
            lambda state, name, args, given=given: given.apply(state, name, *(args or (None,))),  # type: ignore[misc]
        )
        expected = kata.Model().order(calls, given) is not None
        check = check_linearizable(History(map(operation, calls)), model)
        assert (check.verdict == "linearizable") is expected, calls
        found[expected] += 1
    assert min(found.values()) > HISTORIES // 20, found


@pytest.mark.parametrize(
    ("bug", "level", "failure"),
    [
        ("w07_abba", 2, "opposite_transfers_both_end"),
        ("w22_demote_to_same", 5, "each_change_has_a_priority_of_its_own"),
        ("w29_memo_without_state", 6, "the_same_calls_may_lead_to_another_state"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, failure: str) -> None:
    kata = load_kata("interleave")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", failure)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]


def test_whoever_polls_is_told_that_nothing_can_be_proved() -> None:
    kata = load_kata("interleave")
    report = grade(kata, kata.folder / "wrong" / "w08_trylock_spin.py", level=2)
    assert report.failing is not None
    assert report.failing.expected == "a proof: every schedule is tried, and none fails"
    assert report.failing.actual.startswith("no proof: a thread waits by asking again and again")
