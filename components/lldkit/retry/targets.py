"""What can be retried: functions and coroutine functions, but no generator functions."""

import functools
from collections.abc import Callable
from typing import Any, NoReturn, cast

from lldkit.callables import kind_of

__all__ = ["Misused", "awaits", "is_async", "refuse_awaitable", "refuse_value"]


class Misused(TypeError):
    """The caller's mistake, not a failure of the call: no policy retries it."""


def _awaits(kind: type[Any]) -> bool:
    return hasattr(kind, "__await__")


awaits = cast("Callable[[type[Any]], bool]", functools.lru_cache(maxsize=256)(_awaits))
"""Whether instances of a type can be awaited; remembered, because to ask a type for what it lacks is slow."""


def is_async(function: object) -> bool:
    """Whether calls of `function` are awaited; refuses with a TypeError what would never be retried, a generator."""
    kind = kind_of(function)
    if "generator" in kind:
        raise TypeError(
            f"{function!r} is a generator function, whose body runs after the call; use the loop form in it"
        )
    return kind == "coroutine"


def refuse_awaitable(function: object, result: object) -> NoReturn:
    """Say that a result which was to be awaited came from what was called as a plain function."""
    close = getattr(result, "close", None)
    if close is not None:
        close()  # else Python would warn that it was never awaited
    raise Misused(f"{function!r} returned an awaitable, whose failures come later; use acall, or decorate an async def")


def refuse_value(function: object, result: object) -> NoReturn:
    """Say that a plain result came from what was to be awaited."""
    raise Misused(f"{function!r} returned {type(result).__name__}, which cannot be awaited; use call")
