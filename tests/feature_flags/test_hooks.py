"""Hooks: OpenFeature's order, contexts that hooks add to, and hooks that raise."""

from typing import Any

from feature_flags.helpers import document, flag, when
from lldkit.feature_flags import Context, Evaluation, FlagClient, HookCall


class Recording:
    """Writes down what it is told."""

    def __init__(self, name: str, log: list[str], more: Context | None = None, raises: str = "") -> None:
        self.name, self.log, self.more, self.raises = name, log, more, raises

    def _note(self, stage: str) -> None:
        self.log.append(f"{stage} {self.name}")
        if stage == self.raises:
            raise RuntimeError(stage)

    def before(self, call: HookCall) -> Context | None:
        self._note("before")
        return self.more

    def after(self, call: HookCall, evaluation: Evaluation[Any]) -> None:
        self._note("after")

    def error(self, call: HookCall, exception: Exception) -> None:
        self._note("error")

    def finally_(self, call: HookCall) -> None:
        self._note("finally")


def run(key: str = "f", **raising: str) -> tuple[list[str], bool, int]:
    log: list[str] = []
    client = FlagClient(
        document({"f": flag(serve="on")}), hooks=[Recording(name, log, raises=raising.get(name, "")) for name in "ab"]
    )
    return log, client.boolean(key, False), client.failures


def test_before_runs_forwards_and_the_rest_backwards() -> None:
    log, value, failures = run()
    assert log == ["before a", "before b", "after b", "after a", "finally b", "finally a"]
    assert (value, failures) == (True, 0)


def test_an_error_runs_the_error_hooks_instead() -> None:
    log, value, failures = run(key="gone")
    assert log == ["before a", "before b", "error b", "error a", "finally b", "finally a"]
    assert (value, failures) == (False, 0)


def test_a_before_that_raises_ends_the_evaluation_with_the_default() -> None:
    log, value, failures = run(a="before")
    assert log == ["before a", "error b", "error a", "finally b", "finally a"]
    assert (value, failures) == (False, 1)


def test_an_after_that_raises_leaves_the_value() -> None:
    log, value, failures = run(b="after")
    assert log == ["before a", "before b", "after b", "error b", "error a", "finally b", "finally a"]
    assert (value, failures) == (True, 1)


def test_a_finally_that_raises_stops_no_other() -> None:
    log, value, failures = run(b="finally")
    assert log[-2:] == ["finally b", "finally a"]
    assert (value, failures) == (True, 1)


def test_what_before_returns_wins_over_the_call_and_the_call_over_the_client() -> None:
    seen: list[Context] = []

    class Looking(Recording):
        def after(self, call: HookCall, evaluation: Evaluation[Any]) -> None:
            seen.append(call.context)
            assert (call.key, call.kind, call.default) == ("f", "boolean", False)

    client = FlagClient(
        document({"f": when({"attr": "plan", "op": "eq", "value": "pro"})}),
        defaults=Context("client", plan="free", region="eu"),
        hooks=[Looking("a", [], Context(plan="pro"))],
    )
    assert client.boolean("f", False, Context("call", plan="basic")) is True
    assert seen == [Context("call", plan="pro", region="eu")]
