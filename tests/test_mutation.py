"""The mutation run: what it deletes, what it complains of, and that its reasons speak of statements that stand."""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from importlib.util import module_from_spec
from pathlib import Path

import pytest

import mutation
from mutation import PACKAGE, PURE, REASONS, Deletion, Planted, deletions, fast_tests, scope, try_core

SOURCE = """
__all__ = ["Ring"]
LEAST = 1

class Ring:
    def roll(self): ...
    def add(self, kind):
        with self.lock:
            self.calls += 1
        if kind:
            return self.calls
"""


def test_each_statement_is_deleted_once_and_named_by_where_it_stands() -> None:
    found = list(deletions("room/ring", SOURCE))
    assert [(each.line, each.name) for each in found] == [
        (3, "module: LEAST = 1"),
        (8, "Ring.add: with self.lock:"),
        (9, "Ring.add: self.calls += 1"),
        (10, "Ring.add: if kind:"),
        (11, "Ring.add: return self.calls"),
    ]
    assert all("__all__" in each.source for each in found)
    assert "self.calls += 1" not in found[2].source


def test_a_planted_core_is_imported_in_the_place_of_the_file() -> None:
    planted = Planted("retry/checks", "ANSWER = 42")
    assert planted.find_spec("lldkit.retry.plan") is None
    spec = planted.find_spec("lldkit.retry.checks")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.ANSWER == 42
    assert spec.origin == str(PACKAGE / "retry" / "checks.py")


def test_a_survivor_without_a_reason_is_complained_of_and_so_is_a_reason_without_a_survivor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ifs_and_adds(found: Iterable[Deletion]) -> Iterator[Deletion]:
        return (each for each in found if each.name in {"Ring.add: if kind:", "Ring.add: self.calls += 1"})

    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "ring.py").write_text(SOURCE)
    monkeypatch.setattr(mutation, "PACKAGE", tmp_path)
    monkeypatch.setattr(mutation, "survivors", ifs_and_adds)
    reasons = {"Ring.add: if kind:": "it spares a copy", "Ring.add: return self.calls": "nobody asks"}
    assert try_core("room/ring", reasons) == (
        5,
        2,
        [
            "room/ring.py:9: Ring.add: self.calls += 1",
            "room/ring.py: a reason, but no survivor: Ring.add: return self.calls",
        ],
    )


def test_every_reason_speaks_of_a_statement_that_stands() -> None:
    for core, reasons in tomllib.loads(REASONS.read_text()).items():
        tree = ast.parse((PACKAGE / f"{core}.py").read_text())
        statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        names = {f"{scope(tree, node.lineno)}: {ast.unparse(node).splitlines()[0]}" for node in statements}
        assert reasons.keys() <= names, core


def test_every_core_exists_and_its_own_tests_come_first() -> None:
    assert all((PACKAGE / room / f"{name}.py").exists() for room, names in PURE.items() for name in names)
    assert [path.name for path in fast_tests("retry/hints")] == [
        *("test_hints.py", "test_plan.py", "test_backoff.py", "test_budget.py"),
        *("test_policy.py", "test_threads.py", "test_vectors.py", "test_properties.py"),
    ]
