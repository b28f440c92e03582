"""Before anything is graded: compile, import, look for what is forbidden or missing, run the statement's examples.

Conformance is judged by what can be called: a parameter may accept more than the kata asks. A solution that cannot be
graded is `error` (amber); one that breaks a rule or ends the process is `fail` (red).
"""

from __future__ import annotations

import os
import sys

from lldkit.dojo.author import KataClock
from lldkit.dojo.frames import error_line, named
from lldkit.dojo.plain import same, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

__all__ = ["Solution", "examples", "load", "play", "right_solutions"]


def load(name: str, file: str) -> ModuleType:
    """Import a file of the kata as module `name`."""
    from importlib.machinery import SourceFileLoader

    module = sys.modules[name] = type(sys)(name)
    module.__file__ = file
    SourceFileLoader(name, file).exec_module(module)
    return module


class Solution:
    """The learner's text, and the modules that are made of it."""

    def __init__(self, source: str, label: str, entry: str, interface: ModuleType) -> None:
        self.source, self.label, self.entry, self.interface = source, label, entry, interface
        self.module: ModuleType | None = None
        self._code: Any = None

    def load(self, forbid: list[str]) -> tuple[Any, dict[str, Any] | None]:
        """The entry of a fresh import, or what speaks against it."""
        try:
            self._compiled()
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            return None, _amber("the file compiles", f"{type(error).__name__}: {error.args[0]}", line)
        for name, line in _uses(self.source, forbid):
            return None, _red(f"built without {name}", f"{name} is what this kata asks to build", line)
        try:
            self.module = self.fresh()
        except BaseException as error:  # noqa: BLE001  # a solution may raise anything
            return None, self._import_failed(error)
        if not callable(entry := getattr(self.module, self.entry, None)):
            return None, _amber(f"a class {self.entry}", self._nearest(self.entry, vars(self.module)))
        return entry, None

    def _compiled(self) -> Any:
        """The code of the text; it is made once, and so is all that is known of its bytecode."""
        if self._code is None:
            self._code = compile(self.source, self.label, "exec", dont_inherit=True)
        return self._code

    def fresh(self) -> ModuleType:
        """Execute the text as a new module."""
        module = type(sys)("solution")
        module.__file__ = self.label
        sys.modules["solution"] = module
        exec(self._compiled(), vars(module))  # noqa: S102
        return module

    def _import_failed(self, error: BaseException) -> dict[str, Any]:
        told = _amber if isinstance(error, Exception) else _red
        return told("the file can be imported", named(error), error_line(error, self.label))

    def conforms(self, later: set[str]) -> dict[str, Any] | None:
        """What is missing, or cannot be called as the Protocol asks; names in `later` are not asked for yet."""
        import inspect

        given = getattr(self.module, self.entry)
        protocol = getattr(self.interface, self.entry)
        for name, method in vars(protocol).items():
            if name in later or not inspect.isfunction(method) or not _asked(name, method):
                continue
            found = given if name == "__init__" else getattr(given, name, None)
            if found is None:
                if _set_elsewhere(given, name):
                    continue
                return _amber(f"a method {name}", self._nearest(name, dir(given)))
            if (problem := _unbindable(found, name, method, self.entry, later)) is not None:
                return problem
        return None

    def _nearest(self, name: str, known: Any) -> str:
        import difflib

        close = difflib.get_close_matches(name, [word for word in known if not word.startswith("__")], 1)
        return f"{name} is missing" + (f"; did you mean {close[0]}?" if close else "")

    def namespace(self) -> dict[str, Any]:
        """What the examples of a statement may name."""
        given = {name: item for name, item in vars(self.interface).items() if not name.startswith("_")}
        built = {name: getattr(self.module, name, item) for name, item in given.items()}
        return {**built, "ManualClock": KataClock, self.entry: getattr(self.module, self.entry)}


def _amber(expected: str, actual: str, line: int | None = None) -> dict[str, Any]:
    return {"status": "error", "expected": expected, "actual": actual, "line": line}


def _red(expected: str, actual: str, line: int | None = None) -> dict[str, Any]:
    return {"status": "fail", "expected": expected, "actual": actual, "line": line}


def _asked(name: str, method: Any) -> bool:
    """Whether the Protocol's author wrote this method (Protocol itself adds some)."""
    return method.__module__ == "interface" and (not name.startswith("_") or name.startswith("__"))


def _set_elsewhere(given: Any, name: str) -> bool:
    """Whether some method assigns an attribute of this name, or attributes are made on demand."""
    codes = [code for item in vars(given).values() if (code := getattr(item, "__code__", None)) is not None]
    return hasattr(given, "__getattr__") or any(name in code.co_names for code in codes)


def _unbindable(found: Any, name: str, method: Any, entry: str, later: set[str]) -> dict[str, Any] | None:
    import inspect

    owner = entry if name == "__init__" else name
    wanted = list(inspect.signature(method).parameters.values())[1:]
    wanted = [item for item in wanted if f"{owner}.{item.name}" not in later]
    positional = [item for item in wanted if item.kind is not item.KEYWORD_ONLY]
    keywords = {item.name: None for item in wanted if item.kind is item.KEYWORD_ONLY}
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # callable, but it does not tell how
        return None
    first = [] if name == "__init__" or isinstance(found, type) else [None]
    try:
        signature.bind(*first, *[None] * len(positional), **keywords)
    except TypeError as error:
        shape = ", ".join([*(item.name for item in positional), *(f"{key}=..." for key in keywords)])
        return _amber(f"{owner}({shape}) can be called", str(error))
    return None


def _uses(source: str, forbid: list[str]) -> Iterator[tuple[str, int]]:
    """Where a forbidden dotted name is imported or used."""
    if not forbid:
        return
    import ast

    known: dict[str, str] = {}  # local name -> dotted name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            known |= {(alias.asname or alias.name.split(".")[0]): alias.name for alias in node.names}
            yield from ((name, node.lineno) for alias in node.names for name in forbid if alias.name == name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                known[alias.asname or alias.name] = dotted
                yield from ((name, node.lineno) for name in forbid if name in {dotted, node.module})
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{known.get(node.value.id, node.value.id)}.{node.attr}"
            yield from ((name, node.lineno) for name in forbid if dotted == name)


def right_solutions(folder: str, level: int, label: str, entry: str, interface: ModuleType) -> list[Any]:
    """The entries of the kata's own solutions, that of `level` first; the module `solution` remains who it was.

    None as long as the author has not written them.
    """
    names = [
        f"solutions/level{level}.py",
        *(f"alternatives/{name}" for name in _python_files(f"{folder}/alternatives")),
    ]
    graded = sys.modules.get("solution")
    try:
        return [_entry(f"{folder}/{name}", label, entry, interface) for name in names]
    except OSError:
        return []
    finally:
        if graded is not None:
            sys.modules["solution"] = graded


def _python_files(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(".py")) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208  # pathlib is slow to import


def _entry(path: str, label: str, entry: str, interface: ModuleType) -> Any:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # pathlib is slow to import
        return getattr(Solution(file.read(), label, entry, interface).fresh(), entry)


def examples(statement: str) -> list[tuple[str, str]]:
    """The (source, expected) pairs of the `>>>` lines of a statement; no expectation is an empty string."""
    found: list[tuple[list[str], list[str]]] = []
    talking = False
    for line in statement.splitlines():
        if line.startswith(">>> "):
            found.append(([line[4:]], []))
            talking = True
        elif talking and (line.startswith("... ") or line == "..."):
            found[-1][0].append(line[4:])
        elif talking and line.strip() and not line.startswith("```"):
            found[-1][1].append(line)
        else:
            talking = False
    return [("\n".join(source), "\n".join(expected)) for source, expected in found]


def play(pairs: list[tuple[str, str]], names: dict[str, Any], story: list[str], label: str) -> dict[str, Any]:
    """Run the examples; `story` receives the lines up to the first that differs."""
    for source, expected in pairs:
        story += source.splitlines()
        raises = expected.splitlines()[-1].split(":")[0] if expected.startswith("Traceback") else ""
        try:
            if not expected or raises:
                exec(source, names)  # noqa: S102
                value = None
            else:
                value = eval(source, names)  # noqa: S307
        except BaseException as error:  # noqa: BLE001  # a solution may raise anything
            if type(error).__name__ != raises:
                told = {
                    "expected": expected or "no exception",
                    "actual": named(error),
                    "line": error_line(error, label),
                }
                return {"status": "error", "story": story, **told}
            continue
        if raises:
            return {"status": "fail", "story": story, "expected": f"{raises} is raised", "actual": "no exception"}
        if expected and not same(value, eval(expected, names)):  # noqa: S307
            return {"status": "fail", "story": story, "expected": expected, "actual": show(value)}
    return {"status": "pass"}
