"""How a callable is called: told apart behind partials, methods and callable objects, for decorators that take all."""

import functools
import inspect
from typing import Literal, TypeAlias

__all__ = ["Kind", "kind_of"]

Kind: TypeAlias = Literal["function", "coroutine", "generator", "async generator"]


def kind_of(function: object) -> Kind:
    """What a call of `function` gives: a result, or something that runs later. A TypeError if it cannot be called.

    >>> async def fetch(url): ...
    >>> kind_of(functools.partial(fetch, "/")), kind_of(len)
    ('coroutine', 'function')
    """
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    if isinstance(inner, staticmethod | classmethod):
        raise TypeError("decorate the function itself: put the decorator below @staticmethod or @classmethod")
    if not callable(inner):
        raise TypeError(f"only what can be called can be decorated, got {function!r}")
    candidates = (inner, getattr(type(inner), "__call__", None))  # noqa: B004 - the method itself is asked
    if any(map(inspect.iscoroutinefunction, candidates)):
        return "coroutine"
    if any(map(inspect.isasyncgenfunction, candidates)):
        return "async generator"
    return "generator" if any(map(inspect.isgeneratorfunction, candidates)) else "function"
