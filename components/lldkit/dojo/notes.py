"""Design notes from the syntax tree: what a reviewer would say. They never block; nothing is executed."""

from __future__ import annotations

import ast
import threading

from lldkit.dojo.interface import Note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["notes"]

_REAL_TIME = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"},
    "datetime": {"now", "utcnow", "today"},
    "datetime.datetime": {"now", "utcnow", "today"},
}
_STEADY = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"}
_PARSING = threading.Lock()  # Python 3.11 miscounts its recursion when two threads make trees (gh-106905)
_LONGEST_LADDER = 3  # isinstance tests in a row


def notes(source: str, *, green: bool = False, clock: bool = True) -> tuple[Note, ...]:
    """What is worth saying about the text, in order of lines; nothing for a text that does not compile.

    Praise, and what only a right solution has time for, is said of a `green` one. Where the kata gives no `clock`, the
    machine's monotonic one is the right one to ask.
    """
    try:
        with _PARSING:
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found = [
        *_real_clocks(tree, given=clock),
        *_bare_excepts(tree),
        *_locks(tree),
        *_ladders(tree),
        *_module_state(tree),
    ]
    found += [*_waits(tree)]
    found += [*_work_under_locks(tree), *_praise(tree, found)] if green else []
    return tuple(sorted(found, key=lambda note: note.line or 0))


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _local_names(tree: ast.AST) -> dict[str, str]:
    """Local name -> what it was imported as."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _real_clocks(tree: ast.AST, *, given: bool) -> Iterator[Note]:
    known = _local_names(tree)
    instead = (
        "ask the one that was given, or nobody can test this" if given else "it can be set back; ask time.monotonic"
    )
    seen = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name) or not (name := _dotted(node)):
            continue
        first, _, rest = name.partition(".")
        owner, _, verb = (known.get(first, first) + (f".{rest}" if rest else "")).rpartition(".")
        wanted = _REAL_TIME.get(owner, set()) - (set() if given else _STEADY)
        if verb in wanted and (node.lineno, verb) not in seen:
            seen.add((node.lineno, verb))
            says = f"{owner}.{verb} is the machine's clock; {instead}"
            yield Note("real_clock", "essential", node.lineno, says)


def _bare_excepts(tree: ast.AST) -> Iterator[Note]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or (node.type and _dotted(node.type) != "BaseException"):
            continue
        inside = [*ast.walk(node)]
        passed_on = node.name and any(isinstance(inner, ast.Name) and inner.id == node.name for inner in inside)
        if not passed_on and not any(isinstance(inner, ast.Raise) for inner in inside):
            yield Note("bare_except", "essential", node.lineno, "this also swallows KeyboardInterrupt; name the error")


def _locks(tree: ast.AST) -> Iterator[Note]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = _dotted(node.value.func).lower()
            if name.endswith(".acquire") and ("lock" in name or "mutex" in name):
                says = "`with` releases this lock on every way out; acquire and release do not"
                yield Note("lock_without_with", "actionable", node.lineno, says)


def _ladders(tree: ast.AST) -> Iterator[Note]:
    inner = {id(node.orelse[0]) for node in ast.walk(tree) if isinstance(node, ast.If) and len(node.orelse) == 1}
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or id(node) in inner:
            continue
        rungs, step = 0, node
        while isinstance(step.test, ast.Call) and _dotted(step.test.func) == "isinstance":
            rungs += 1
            if len(step.orelse) != 1 or not isinstance(step.orelse[0], ast.If):
                break
            step = step.orelse[0]
        if rungs >= _LONGEST_LADDER:
            says = "a ladder of isinstance grows with every type; let the types answer, or use a table"
            yield Note("isinstance_ladder", "informative", node.lineno, says)


def _module_state(tree: ast.Module) -> Iterator[Note]:
    empty = (ast.List, ast.Dict, ast.Set)
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        made = isinstance(value, ast.Call) and _dotted(value.func).split(".")[-1] in {
            "defaultdict",
            "dict",
            "list",
            "set",
        }
        bare = isinstance(value, empty) and not ast.unparse(value).strip("[]{}()")
        if made or bare:
            says = "module-level state is shared by all objects and tests; keep it in the object"
            yield Note("module_state", "actionable", node.lineno, says)


def _waits(tree: ast.AST) -> Iterator[Note]:
    in_loops = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.While) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wait":
            name = _dotted(node.func.value).lower()
            if id(node) not in in_loops and ("cond" in name or name.endswith(("empty", "full", "changed", "ready"))):
                says = "wait can return without cause: test the condition again in a loop, or use wait_for"
                yield Note("wait_without_loop", "essential", node.lineno, says)


def _held(node: ast.AST) -> bool:
    """Whether a `with` statement takes a lock."""
    if not isinstance(node, ast.With):
        return False
    names = [_dotted(item.context_expr).lower() for item in node.items]
    return any(word in name for name in names for word in ("lock", "mutex", "cond"))


def _without_inner_functions(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it; the functions that it defines run later, and with parameters of their own."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _without_inner_functions(inner)


def _work_under_locks(tree: ast.AST) -> Iterator[Note]:
    """Where a parameter is called, or somebody sleeps, with a lock in hand."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)} - {"self", "cls"}
        own = _without_inner_functions(function)
        held = [inner for node in own if _held(node) for inner in _without_inner_functions(node)]
        for node in held:
            name = _dotted(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and (name in given or name.endswith(".sleep")):
                says = f"{name} runs with the lock in hand: everybody waits for it, and it must not come back"
                yield Note("work_under_lock", "informative", node.lineno, says)


def _praise(tree: ast.AST, found: list[Note]) -> Iterator[Note]:
    if any(map(_held, ast.walk(tree))) and all(note.kind == "informative" for note in found):
        says = "every lock is taken by `with`: no way out leaves it held"
        yield Note("locks_in_with", "celebratory", None, says)
