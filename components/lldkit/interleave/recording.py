"""The stand-in that `History.wrap` returns: it hands every call through and notes it before and after."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from lldkit.interleave.operation import Keyword, Raised

if TYPE_CHECKING:
    from lldkit.interleave.history import History, Token

__all__ = ["Recorder", "running_process", "stand_in"]

RECORDED_OPERATORS = ("__call__", "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__")
PLAIN_OPERATORS = ("__enter__", "__exit__", "__iter__")


def running_process() -> str:
    """Return the name of the task that runs, or else of the thread."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        task = None
    return task.get_name() if task is not None else threading.current_thread().name


class Recorder:
    """Notes the calls of one wrapped object in one history."""

    def __init__(
        self, history: "History", *, only: Collection[str] | None, lost: tuple[type[BaseException], ...]
    ) -> None:
        self._history = history
        self._only = only
        self._lost = lost

    def wants(self, name: str) -> bool:
        """Whether calls of `name` are recorded."""
        if self._only is not None:
            return name in self._only
        return not name.startswith("_") or name in RECORDED_OPERATORS

    def recorded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return `method` so that it notes each of its calls as one of `name`."""

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            token = self._invoke(name, method, args, kwargs)
            try:
                result = method(*args, **kwargs)
            except BaseException as error:
                self._raised(token, error)
                raise
            if inspect.isawaitable(result):
                return self._awaited(token, result)
            self._history.ok(token, result)
            return result

        @functools.wraps(method)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            return await call(*args, **kwargs)

        return acall if inspect.iscoroutinefunction(method) else call

    def _invoke(self, name: str, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Token":
        if kwargs:
            args = _in_place(method, args, kwargs)
        return self._history.invoke(self._history.label(running_process()), name, *args)

    async def _awaited(self, token: "Token", result: Awaitable[Any]) -> Any:
        try:
            value = await result
        except BaseException as error:
            self._raised(token, error)
            raise
        self._history.ok(token, value)
        return value

    def _raised(self, token: "Token", error: BaseException) -> None:
        if isinstance(error, self._lost) or not isinstance(error, Exception):
            self._history.unknown(token)
        else:
            self._history.ok(token, Raised.of(error))


def _in_place(method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return all arguments in one row: by position where the signature tells the place, else as `Keyword`s."""
    try:
        bound = inspect.signature(method).bind(*args, **kwargs)
        args, kwargs = bound.args, bound.kwargs
    except (TypeError, ValueError):  # a built-in without a signature, or a call that the method itself will refuse
        pass
    return (*args, *(Keyword(name, kwargs[name]) for name in sorted(kwargs)))


def stand_in(target: Any, recorder: Recorder) -> Any:
    """Return an object that looks like `target` and hands everything to it, through `recorder` where that wants it."""

    def attribute(_: object, name: str) -> Any:
        value = getattr(target, name)
        wanted = callable(value) and not isinstance(value, type) and recorder.wants(name)
        return recorder.recorded(name, value) if wanted else value

    def operator(name: str) -> Callable[..., Any]:
        def call(self: object, *args: Any, **kwargs: Any) -> Any:
            result = attribute(self, name)(*args, **kwargs)
            return self if result is target else result  # `with` must not hand out the bare target

        return call

    members: dict[str, Any] = {
        "__class__": property(lambda _: type(target)),
        "__getattr__": attribute,
        "__setattr__": lambda _, name, value: setattr(target, name, value),
        "__repr__": lambda _: f"<recorded {target!r}>",
        "__slots__": (),
    }
    names = [name for name in (*RECORDED_OPERATORS, *PLAIN_OPERATORS) if hasattr(type(target), name)]
    return type("Recorded", (), members | {name: operator(name) for name in names})()
