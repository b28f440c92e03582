"""Around a block or a function: what starts when it is entered ends when it is left, however it is left."""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from lldkit.callables import kind_of

__all__ = ["Around"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Around(Generic[T]):
    """A context manager and a decorator. `leave` gets what `enter` gave, and the exception that leaves, if any.

    A decorated coroutine function stays one, and is entered when it is awaited. Generators are a TypeError, as they
    outlive the call. As a decorator it is safe for threads and tasks; a `with` block needs an object of its own.
    """

    __slots__ = ("_enter", "_entered", "_leave")

    def __init__(self, enter: Callable[[], T], leave: Callable[[T, BaseException | None], None]) -> None:
        self._enter = enter
        self._leave = leave
        self._entered: list[T] = []

    def __enter__(self) -> None:
        self._entered.append(self._enter())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave(self._entered.pop(), error)

    def __call__(self, function: F) -> F:
        """Return `function`, measured on each call."""
        kind, enter, leave = kind_of(function), self._enter, self._leave
        if kind not in {"function", "coroutine"}:
            raise TypeError(f"a {kind} function runs after its call has returned; measure inside it, got {function!r}")

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            with Around(enter, leave):
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def measured_while_awaited(*args: Any, **kwargs: Any) -> Any:
            with Around(enter, leave):
                return await function(*args, **kwargs)

        return cast("F", measured if kind == "function" else measured_while_awaited)
