"""Mutants: all programs that differ from a source by one change, made from the syntax tree; nothing is executed.

A grader that lets a mutant of a right solution pass either misses something or the change means nothing; both are
worth knowing. Statement deletion is among the changes: without it a suite that misses a deleted call looks complete.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from lldkit.dojo.interface import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mutants"]

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Delete, ast.Assert, ast.Continue, ast.Break)
_NO_BEHAVIOUR = {"annotation", "returns", "decorator_list", "type_params", "bases", "keywords"}


class _Place(NamedTuple):
    """Where a node stands: a field of its parent or an item of a list, and the innermost statement around it."""

    holder: Any
    key: Any
    statement: ast.stmt

    @property
    def node(self) -> Any:
        return self.holder[self.key] if isinstance(self.holder, list) else getattr(self.holder, self.key)

    def put(self, node: Any) -> None:
        if isinstance(self.holder, list):
            self.holder[self.key] = node
        else:
            setattr(self.holder, self.key, node)


class _Whole:
    """The text of a module of which one statement at a time changes: the others are unparsed once."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._parts = [(node.lineno, node.end_lineno or node.lineno, _statement(node)) for node in tree.body]

    def text(self, line: int = 0) -> str:
        """The text, where what stands at `line` may have changed."""
        parts = zip(self._tree.body, self._parts, strict=True)
        return "\n".join(_statement(node) if first <= line <= last else part for node, (first, last, part) in parts)


def mutants(source: str) -> Iterator[Mutant]:
    r"""Every one-change variation of `source`, in order of lines; annotations, imports and docstrings stay.

    >>> [(m.line, m.kind, m.after) for m in mutants("def f(a):\n    return a < 1\n")][:3]
    [(2, 'comparison', 'return a <= 1'), (2, 'comparison', 'return a >= 1'), (2, 'integer', 'return a < 2')]
    """
    tree = ast.parse(source)
    whole = _Whole(tree)
    seen = {whole.text()}
    found: list[Mutant] = []
    for place in list(_places(tree)):
        old, before = place.node, _head(place.statement)
        line = getattr(old, "lineno", place.statement.lineno)
        for kind, new in _changes(place):
            place.put(new)
            text = whole.text(place.statement.lineno)
            after = _head(new if old is place.statement else place.statement)
            place.put(old)
            if text not in seen:
                seen.add(text)
                found.append(Mutant(kind, line, text + "\n", before, after))
    found += [mutant for mutant in _swapped(tree, whole) if mutant.source.rstrip("\n") not in seen]
    yield from sorted(found, key=lambda mutant: (mutant.line, mutant.kind))


def _unparsed(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node))


def _statement(node: ast.stmt) -> str:
    return _unparsed(ast.Module([node], []))  # in a module, so that its docstring stays one


def _head(node: ast.AST) -> str:
    return _unparsed(node).splitlines()[0]


def _places(node: ast.AST, statement: ast.stmt | None = None) -> Iterator[_Place]:
    """Every place of the tree where behaviour stands."""
    for field, value in ast.iter_fields(node):
        if field in _NO_BEHAVIOUR and not isinstance(node, ast.Call):
            continue
        for key, item in enumerate(value) if isinstance(value, list) else [(field, value)]:
            if not isinstance(item, ast.AST) or isinstance(item, ast.Import | ast.ImportFrom) or _is_docstring(item):
                continue
            around = item if isinstance(item, ast.stmt) else statement
            if around is not None:
                yield _Place(value if isinstance(value, list) else node, key, around)
            yield from _places(item, around)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _changes(place: _Place) -> Iterator[tuple[str, ast.AST]]:
    """What may stand here instead, with the kind of change."""
    node = place.node
    if isinstance(node, ast.expr):
        yield from _other_expressions(node)
        if place.key == "test" and isinstance(place.holder, ast.If | ast.IfExp):
            yield from (("if always", ast.Constant(value)) for value in (True, False))
        if isinstance(place.holder, list | ast.arguments) and _is_default(place):
            yield "default", ast.Constant(None)
    elif isinstance(node, ast.stmt):
        yield from _other_statements(node)


def _is_default(place: _Place) -> bool:
    function = place.statement
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return any(place.node is default for default in (*function.args.defaults, *function.args.kw_defaults))


def _other_expressions(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in _COMPARE[type(node.ops[0])]:
            yield "comparison", ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield "and or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", node.operand
    elif isinstance(node, ast.Attribute) and node.attr == "notify_all":
        yield "notify_all", ast.Attribute(node.value, "notify", node.ctx)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "boolean", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (("integer", ast.Constant(node.value + step)) for step in (1, -1))


def _other_statements(node: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    if isinstance(node, _SIMPLE) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        yield "statement deleted", ast.Pass()
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "return None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.While):
        yield "while to if", ast.If(node.test, node.body, [])
    elif isinstance(node, ast.With):
        yield "with dropped", ast.If(ast.Constant(True), node.body, [])


def _swapped(tree: ast.Module, whole: _Whole) -> Iterator[Mutant]:
    """Adjacent statements of a function in the other order; a pair is told by its first line."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, [])
            if isinstance(node, ast.Module | ast.ClassDef) or not isinstance(block, list):
                continue
            for at in range(len(block) - 1):
                first, second = block[at : at + 2]
                if _is_docstring(first) or isinstance(first, ast.Return | ast.Raise) or _commute(first, second):
                    continue
                block[at : at + 2] = second, first
                text = whole.text(first.lineno)
                block[at : at + 2] = first, second
                yield Mutant("swapped", first.lineno, text + "\n", _head(first), _head(second))


def _commute(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether the order is of no account: neither writes what the other names, and at most one calls something."""
    one, other = _Effects(first), _Effects(second)
    if one.leaves or other.leaves or (one.calls and (other.calls or other.raises)) or (other.calls and one.raises):
        return False
    return not (one.writes & other.names or other.writes & one.names)


class _Effects:
    """What a statement writes and names, and whether it calls (not to make an error), raises, or goes elsewhere."""

    def __init__(self, statement: ast.stmt) -> None:
        self.writes: set[str] = set()
        self.names: set[str] = set()
        self.calls = self.raises = self.leaves = False
        self._visit(statement)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Raise):
            self.raises = True
            return
        if isinstance(node, ast.Call):
            self.calls = True
            self.leaves = self.leaves or _mentions_self(node)
        if isinstance(node, ast.Return | ast.While | ast.For | ast.With | ast.Await | ast.Yield | ast.YieldFrom):
            self.leaves = True
        if isinstance(node, ast.Name | ast.Attribute):
            self.names.add(ast.unparse(node))
            self.writes |= {ast.unparse(node)} if isinstance(node.ctx, ast.Store | ast.Del) else set()
        for inner in ast.iter_child_nodes(node):
            self._visit(inner)


def _mentions_self(call: ast.Call) -> bool:
    """Whether the callee may see what other statements of the method have written: it is given the object itself."""
    asked = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return any(isinstance(node, ast.Name) and node.id == "self" for node in (*asked, *call.args))
