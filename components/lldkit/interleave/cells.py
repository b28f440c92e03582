"""Which variables of a closure can change: reading one that never does is no switch point.

A closure's bytecode does not say whether somebody rebinds its variables; its siblings' does. They all lie in the
constants of the outermost function, which is found by the qualified name.
"""

from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

from lldkit.interleave.bytecode import instructions, once_per_code

__all__ = ["INLINED", "constant", "local"]

INLINED = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})
"""Comprehensions are functions of their own up to Python 3.11, and part of the function around them afterwards."""


def constant(code: CodeType, globals_: Mapping[str, Any]) -> frozenset[str]:
    """Return the variables that `code` shares with functions in or around it, and that are set once for all."""
    outermost = _outermost(code, globals_)
    return frozenset() if outermost is None else frozenset((*code.co_cellvars, *code.co_freevars)) - _rebound(outermost)


def local(code: CodeType) -> frozenset[str]:
    """Return the variables of `code` that are cells only because a comprehension is a function before 3.12."""
    return frozenset(code.co_cellvars) - _captured(code)


def _outermost(code: CodeType, globals_: Mapping[str, Any]) -> CodeType | None:
    """Return the code of the module-level function or method that `code` is nested in."""
    path = code.co_qualname.split(".<locals>", 1)[0].split(".")
    found: Any = globals_.get(path[0])
    for name in path[1:]:
        found = vars(found).get(name) if isinstance(found, type) else None
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    found = getattr(found, "__func__", getattr(found, "fget", found))
    outermost = getattr(found, "__code__", None)
    return outermost if outermost is not None and any(code is member for member in _family(outermost)) else None


def _family(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _family(constant)


@once_per_code
def _rebound(outermost: CodeType) -> frozenset[str]:
    """Return the names that some function of a family binds again, or more than once."""
    return frozenset(name for code in _family(outermost) for name in _rebound_by(code))


def _rebound_by(code: CodeType) -> Iterator[str]:
    if not code.co_cellvars and not code.co_freevars:
        return
    loops = [(one.argval, one.offset) for one in instructions(code) if "BACKWARD" in one.opname]
    bound = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    for one in instructions(code):
        if one.opname not in {"STORE_DEREF", "DELETE_DEREF"}:
            continue
        in_loop = any(start <= one.offset <= end for start, end in loops)
        if one.argval in code.co_freevars or one.argval in bound or in_loop:
            yield one.argval
        bound.add(one.argval)


def _captured(code: CodeType) -> set[str]:
    """Return the names that functions inside `code` capture, comprehensions not counting as functions."""
    captured: set[str] = set()
    for nested in code.co_consts:
        if isinstance(nested, CodeType):
            captured |= _captured(nested) if nested.co_name in INLINED else set(nested.co_freevars)
    return captured
