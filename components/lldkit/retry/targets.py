"""What can be retried: functions and coroutine functions, told apart behind partials, methods and callable objects."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, NoReturn, cast

__all__ = ["Misused", "awaits", "kind_of", "refuse_awaitable", "refuse_value"]


class Misused(TypeError):
    """The caller's mistake, not a failure of the call: no policy retries it."""


def _awaits(kind: type[Any]) -> bool:
    return hasattr(kind, "__await__")


awaits = cast("Callable[[type[Any]], bool]", functools.lru_cache(maxsize=256)(_awaits))
"""Whether instances of a type can be awaited; remembered, because to ask a type for what it lacks is slow."""


def kind_of(function: object) -> Literal["sync", "async"]:
    """How `function` is called; refuses with a TypeError what would never be retried, such as a generator function."""
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    if isinstance(inner, staticmethod | classmethod):
        raise TypeError("put the policy below @staticmethod or @classmethod, next to the function")
    if not callable(inner):
        raise TypeError(f"a policy decorates functions, got {function!r}")
    candidates = (inner, getattr(type(inner), "__call__", None))  # noqa: B004 - the method itself is asked
    if any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in candidates):
        raise TypeError(
            f"{function!r} is a generator function, whose body runs after the call; use the loop form in it"
        )
    return "async" if any(inspect.iscoroutinefunction(each) for each in candidates) else "sync"


def refuse_awaitable(function: object, result: object) -> NoReturn:
    """Say that a result which was to be awaited came from what was called as a plain function."""
    close = getattr(result, "close", None)
    if close is not None:
        close()  # else Python would warn that it was never awaited
    raise Misused(f"{function!r} returned an awaitable, whose failures come later; use acall, or decorate an async def")


def refuse_value(function: object, result: object) -> NoReturn:
    """Say that a plain result came from what was to be awaited."""
    raise Misused(f"{function!r} returned {type(result).__name__}, which cannot be awaited; use call")
