"""Mutants: each kind of change is made, one at a time, and what means nothing is left out."""

import ast

import pytest

from lldkit.dojo import mutants

SOURCE = '''
"""A module."""
import threading

LIMIT: int = 3

class Box:
    """A box."""

    def __init__(self, size: int = 4, name: str = "x") -> None:
        """Make it."""
        self.size = size
        self.lock = threading.Condition()
        self.things: list[int] = []

    def put(self, thing, quick=True):
        with self.lock:
            while len(self.things) >= self.size and not quick:
                self.lock.wait()
            self.things.append(thing)
            self._purge()
            self.lock.notify_all()
        if thing is None or thing == 7:
            raise ValueError(thing)
        return thing + 1

    def _purge(self):
        self.size -= 0
'''


def of(kind: str) -> list[tuple[str, str]]:
    return [(mutant.before, mutant.after) for mutant in mutants(SOURCE) if mutant.kind == kind]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (
            "comparison",
            "while len(self.things) >= self.size and (not quick):",
            "while len(self.things) > self.size and (not quick):",
        ),
        ("comparison", "if thing is None or thing == 7:", "if thing is not None or thing == 7:"),
        ("comparison", "if thing is None or thing == 7:", "if thing is None or thing != 7:"),
        ("arithmetic", "return thing + 1", "return thing - 1"),
        ("arithmetic", "self.size -= 0", "self.size += 0"),
        ("and or", "if thing is None or thing == 7:", "if thing is None and thing == 7:"),
        (
            "not dropped",
            "while len(self.things) >= self.size and (not quick):",
            "while len(self.things) >= self.size and quick:",
        ),
        ("integer", "return thing + 1", "return thing + 2"),
        ("integer", "return thing + 1", "return thing + 0"),
        ("boolean", "def put(self, thing, quick=True):", "def put(self, thing, quick=False):"),
        ("default", "def put(self, thing, quick=True):", "def put(self, thing, quick=None):"),
        ("if always", "if thing is None or thing == 7:", "if True:"),
        ("if always", "if thing is None or thing == 7:", "if False:"),
        ("statement deleted", "self._purge()", "pass"),
        ("statement deleted", "self.things: list[int] = []", "pass"),
        ("statement deleted", "raise ValueError(thing)", "pass"),
        ("with dropped", "with self.lock:", "if True:"),
        ("swapped", "self.things.append(thing)", "self._purge()"),
        (
            "while to if",
            "while len(self.things) >= self.size and (not quick):",
            "if len(self.things) >= self.size and (not quick):",
        ),
        ("notify_all", "self.lock.notify_all()", "self.lock.notify()"),
        ("return None", "return thing + 1", "return None"),
    ],
)
def test_every_kind_of_change_is_made(kind: str, before: str, after: str) -> None:
    assert (before, after) in of(kind)


def test_each_mutant_compiles_and_differs_from_the_source_and_from_all_others() -> None:
    sources = [mutant.source for mutant in mutants(SOURCE)]
    for text in sources:
        compile(text, "mutant", "exec")
    assert len(set(sources)) == len(sources)
    assert ast.unparse(ast.parse(SOURCE)) + "\n" not in sources


def test_imports_docstrings_and_annotations_are_left_alone() -> None:
    for mutant in mutants(SOURCE):
        assert "import threading" in mutant.source
        assert mutant.source.count('"""') == 6
        assert "size: int" in mutant.source


def test_the_line_is_that_of_the_source() -> None:
    lines = SOURCE.splitlines()
    for mutant in mutants(SOURCE):
        if mutant.kind == "statement deleted":
            assert lines[mutant.line - 1].strip().split("(")[0] == mutant.before.split("(")[0]


def test_statements_whose_order_is_of_no_account_are_not_swapped() -> None:
    assert ("self.size = size", "self.lock = threading.Condition()") not in of("swapped")
    assert ("self.lock = threading.Condition()", "self.things: list[int] = []") not in of("swapped")


def test_the_source_is_not_executed() -> None:
    assert next(mutants("raise SystemExit\n")).after == "pass"
