"""What a type checker must make of every public name: a line for each, in tests/typing/names_<room>.py.

A line reads the fields and properties of a class, calls a function with values of the types it asks for, or names a
constant. The types are those of the source, so that three checkers agree with it and with each other; and a change of a
public type is a change of these files, which somebody sees.
"""

import ast
import builtins
import enum
import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ParamSpec, TypeVar

__all__ = ["generated"]

PACKAGE = Path(__file__).parents[2] / "components" / "lldkit"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/interface.py") if path.parent.name != "dojo")
HEAD = '"""What a type checker must make of every public name of lldkit.{room}; generated, checked, never run."""\n'


class Untold(Exception):
    """An annotation that has a type variable, or no name."""


class Names:
    """What a generated file imports, gathered while its lines are written."""

    def __init__(self, room: ModuleType) -> None:
        self.room = room
        self.wanted: dict[str, str] = {"assert_type": "typing"}

    def told(self, annotation: str, module: ModuleType) -> str:
        """An annotation of `module` as it can be written elsewhere; its names will be imported."""
        tree = ast.parse(annotation.strip("\"'"), mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                self._want(node.id, module)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "Literal" not in annotation:
                self.told(node.value, module)
        return ast.unparse(tree)

    def _want(self, name: str, module: ModuleType) -> None:
        if name in self.room.__all__ or hasattr(builtins, name):
            return
        home = _home(name, module)
        if home is None or name.startswith("_") or self.wanted.setdefault(name, home) != home:
            raise Untold(name)


def _home(name: str, module: ModuleType) -> str | None:
    """The module that defines a name which `module` uses; None for a type variable and for a module."""
    if isinstance(getattr(module, name, None), TypeVar | ParamSpec | ModuleType):
        return None
    for node in ast.walk(_tree(module)):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and name in {each.asname or each.name for each in node.names}
        ):
            ours = node.module.startswith("lldkit.")
            return _home(name, importlib.import_module(node.module)) if ours else node.module
    return module.__name__


def generated() -> dict[str, str]:
    """The files of all rooms."""
    return {f"tests/typing/names_{room}.py": _file(room) for room in ROOMS}


def _file(component: str) -> str:
    room = importlib.import_module(f"lldkit.{component}")
    names = Names(room)
    public = {name: getattr(room, name) for name in room.__all__}
    lines = [f"def n{number}{_line(name, value, names)}" for number, (name, value) in enumerate(public.items())]
    homes: dict[str, list[str]] = {}
    for wanted, home in {**dict.fromkeys(room.__all__, room.__name__), **names.wanted}.items():
        homes.setdefault(home, []).append(wanted)
    imports = [f"from {home} import {', '.join(sorted(found))}" for home, found in sorted(homes.items())]
    return "\n".join([HEAD.format(room=component), *imports, "", *lines, ""])


def _line(name: str, value: Any, names: Names) -> str:
    """One public name."""
    if isinstance(value, enum.EnumType):
        return f"() -> {name}: return {name}.{next(iter(value)).name}"
    if isinstance(value, FunctionType):
        return _call(name, value, names)
    if isinstance(value, type) and not getattr(value, "__parameters__", ()):
        reads = [f"assert_type(x.{field}, {kind})" for field, kind in _fields(value, names).items()]
        return f"(x: {name}) -> None: {'; '.join(reads) or 'del x'}"
    return f"() -> object: return {name}"


def _fields(value: type, names: Names) -> dict[str, str]:
    """The public fields, properties and, of an error, attributes of a class, with their types."""
    found: dict[str, str] = {}
    for each in reversed(value.__mro__):
        if not each.__module__.startswith("lldkit."):
            continue
        module = sys.modules[each.__module__]
        for field, annotation in _written(_classes(module)[each.__name__]):
            found.pop(field, None)
            try:
                found[field] = names.told(annotation, module)
            except Untold:
                continue
    return found


def _written(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """(name, annotation) of what instances of a class have."""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if not node.target.id.startswith("_") and "ClassVar" not in ast.unparse(node.annotation):
                yield node.target.id, ast.unparse(node.annotation)
        elif isinstance(node, ast.FunctionDef) and node.returns is not None and not node.name.startswith("_"):
            if any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list):
                yield node.name, ast.unparse(node.returns)
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from _kept(node)


def _kept(init: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """The arguments that a constructor keeps as they are under their own names."""
    arguments = [*init.args.args, *init.args.kwonlyargs]
    told = {each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation is not None}
    for node in init.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for kept, given in pairs:
                if isinstance(kept, ast.Attribute) and isinstance(given, ast.Name) and kept.attr == given.id in told:
                    yield given.id, told[given.id]


def _call(name: str, function: FunctionType, names: Names) -> str:
    """A call with values of the types that a function asks for."""
    module = sys.modules[function.__module__]
    nodes = [node for node in _tree(module).body if getattr(node, "name", None) == name]
    node = nodes[0] if len(nodes) == 1 else None  # none for another name of a function, several for overloads
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.returns or node.decorator_list:
        return f"() -> object: return {name}"
    positional = node.args.args[: len(node.args.args) - len(node.args.defaults)]
    required = [
        arg for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if default is None
    ]
    try:
        told = {
            arg.arg: names.told(ast.unparse(arg.annotation), module)
            for arg in [*positional, *required]
            if arg.annotation
        }
        returns = names.told(ast.unparse(node.returns), module)
    except Untold:
        return f"() -> object: return {name}"
    given = ", ".join([*(arg.arg for arg in positional), *(f"{arg.arg}={arg.arg}" for arg in required)])
    parameters = ", ".join(f"{arg}: {kind}" for arg, kind in told.items())
    if isinstance(node, ast.AsyncFunctionDef):
        return f"({parameters}) -> object: return {name}({given})"
    call = f"{name}({given})"
    return f"({parameters}) -> None: " + (call if returns == "None" else f"assert_type({call}, {returns})")


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _classes(module: ModuleType) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.walk(_tree(module)) if isinstance(node, ast.ClassDef)}
