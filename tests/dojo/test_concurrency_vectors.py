"""Exercism's bank account drives the right solutions of the account kata: 10 cases are theirs, 7 are the adapter's."""

import functools
import sys
import threading
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from conftest import Vectors
from lldkit.dojo import load_kata
from lldkit.dojo.preflight import load
from lldkit.interleave import controlled, explore

FOLDER = load_kata("account").folder
RIGHT = ["solutions/level1", "solutions/level2", "alternatives/condition", "alternatives/semaphore_and_owner"]
SMALLER = 2  # clients at once in one schedule
ERRORS = {"account not open": "not open", "account already open": "already open"}
ERRORS |= {"amount must be greater than 0": "ValueError", "amount must be less than balance": "InsufficientFunds"}


class Adapter:
    """Opens and closes, which the kata does not have: an open account is one that was made."""

    def __init__(self, entry: Any) -> None:
        self._entry = entry
        self._account: Any = None

    def open(self) -> None:
        if self._account is not None:
            raise RuntimeError("already open")
        self._account = self._entry()

    def close(self) -> None:
        self._opened()
        self._account = None

    def _opened(self) -> Any:
        if self._account is None:
            raise RuntimeError("not open")
        return self._account

    def play(self, steps: list[dict[str, Any]]) -> Any:
        """What the last of `steps` answers."""
        answer = None
        for step in steps:
            name, amount = step["operation"], step.get("amount")
            if name in {"open", "close"}:
                answer = getattr(self, name)()
            elif name == "concurrent":
                inner = step["operations"]
                self._at_once([functools.partial(self.play, inner)] * step["number"])
            else:
                answer = getattr(self._opened(), name)(*([] if amount is None else [amount]))
        return answer

    @staticmethod
    def _at_once(bodies: list[Any]) -> None:
        threads = [threading.Thread(target=body) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.fixture(params=RIGHT)
def module(request: pytest.FixtureRequest) -> ModuleType:
    with patch.dict(sys.modules), controlled():
        load("interface", str(FOLDER / "interface.py"))
        return load("solution", str(FOLDER / f"{request.param}.py"))


def outcome(adapter: Adapter, steps: list[dict[str, Any]]) -> Any:
    try:
        return adapter.play(steps)
    except RuntimeError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - which one it is, is the outcome
        return type(error).__name__


def wanted(expected: Any) -> Any:
    return ERRORS[expected["error"]] if isinstance(expected, dict) else expected


def test_the_cases_end_as_expected(vectors: Vectors, module: ModuleType) -> None:
    cases = vectors.json("exercism-bank-account", "bank-account.json")["cases"]
    assert len(cases) == 17
    found = [outcome(Adapter(module.Account), case["input"]["operations"]) for case in cases]
    assert found == [wanted(case["expected"]) for case in cases]


def test_the_concurrent_case_ends_at_zero_in_every_schedule_tried(vectors: Vectors, module: ModuleType) -> None:
    case = vectors.json("exercism-bank-account", "bank-account.json")["cases"][16]
    assert (case["expected"], case["input"]["operations"][1]["number"]) == (0, 1000)
    deposit, withdraw = ({"operation": name, "amount": 1} for name in ("deposit", "withdraw"))

    def program() -> Any:
        adapter = Adapter(module.Account)
        adapter.open()
        body = lambda: adapter.play([deposit, withdraw])  # noqa: E731 - a body
        return [body] * SMALLER, lambda: adapter.play([{"operation": "balance"}]) == case["expected"]

    explore(program, schedules=200, include=(module,)).assert_ok()
