"""Inside the graded process: a solution that the learner's own tests, or calls that he typed, are tried on."""

from __future__ import annotations

import sys

from lldkit.dojo.author import KataClock
from lldkit.dojo.frames import error_line, named
from lldkit.dojo.plain import show
from lldkit.dojo.preflight import Solution, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Trial"]

TESTS = "tests.py"


class Trial:
    """One solution on trial. `told` is what came of it so far: failed tests by name, or an answer per line typed."""

    def __init__(self, order: dict[str, Any], source: str) -> None:
        self.order = order
        self.label: str = TESTS if "tests" in order else order["label"]
        self.told: dict[str, Any] = {"tests": 0, "failed": {}, "answers": []}
        self._at, self._pulse = "", 0
        interface = sys.modules.get("interface") or load("interface", f"{order['folder']}/interface.py")
        self._solution = Solution(source, order["label"], order["entry"], interface)

    def progress(self) -> tuple[object, ...]:
        """Changes whenever a test or a call has ended."""
        return (self._pulse,)

    def stuck(self, _: str, why: str, line: int | None) -> None:
        """Note that what is under way does not end."""
        self._failed(f"{why} ({self.label}:{line})" if line else why)
        self.told["answers"].append(why)

    def summary(self) -> dict[str, Any]:
        """What the parent is told when the process ends: of a trial that goes on, what came of it so far."""
        return {"done": 0, "tried": self.told} if self._at else {"done": 0}

    def run(self) -> dict[str, Any]:
        """Try the solution."""
        self._begin("import")
        try:
            self._solution.module = self._solution.fresh()
            self._tests() if "tests" in self.order else self._calls()
        except BaseException as error:  # noqa: BLE001  # code of the learner, or a planted bug, may raise anything
            self._failed(named(error), error_line(error, self.label))
        self._at = ""
        return self.told

    def _begin(self, name: str) -> None:
        self._at = name
        self._pulse += 1

    def _failed(self, why: str, line: int | None = None) -> None:
        self.told["failed"][self._at] = f"{why} ({self.label}:{line})" if line else why

    def _tests(self) -> None:
        module = type(sys)("tests")
        module.__file__ = TESTS
        sys.modules["tests"] = module
        exec(compile(self.order["tests"], TESTS, "exec", dont_inherit=True), vars(module))  # noqa: S102
        found = [item for name, item in vars(module).items() if name.startswith("test_") and callable(item)]
        self.told["tests"] = len(found)
        for test in found:
            self._begin(test.__name__)
            try:
                test()
            except BaseException as error:  # noqa: BLE001  # a planted bug may raise anything
                self._failed(named(error), error_line(error, TESTS))

    def _calls(self) -> None:
        names = {**self._solution.namespace(), "clock": KataClock()}
        for number, line in enumerate(self.order["lines"], 1):
            self._begin(f"line {number}")
            try:
                self.told["answers"].append(_answer(line, names))
            except BaseException as error:  # noqa: BLE001  # a planted bug may raise anything
                self.told["answers"].append(f"{type(error).__name__} is raised")


def _answer(line: str, names: dict[str, Any]) -> str:
    """The value of an expression, shown; nothing for a statement."""
    try:
        code = compile(line, "calls", "eval")
    except SyntaxError:
        exec(compile(line, "calls", "exec"), names)  # noqa: S102
        return ""
    return show(eval(code, names))  # noqa: S307
