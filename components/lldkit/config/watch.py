"""Listeners of a subtree: called with typed values before and after, and only when they differ."""

import inspect
import weakref
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lldkit.config.interface import Change
from lldkit.config.merge import same
from lldkit.config.paths import path_of, value_at
from lldkit.snapshot import Changes, Missed, Subscription

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Move", "Watch", "selected"]


class Move(NamedTuple):
    """Another version is served."""

    version: int
    value: Any


Failed = Callable[[int, str, BaseException], None]


class Watch:
    """Compares each new version with the last one that was told, so that moves may be dropped or come late.

    Called by one thread at a time. The method of an object does not keep the object alive.
    """

    def __init__(self, path: str, now: Move, listener: Callable[[Change], object] | None, failed: Failed) -> None:
        self._path = path
        self._keys = path_of(path) if path else ()
        self._last = now.version
        self._value = _value(now.value, self._keys)
        self._held = weakref.WeakMethod(listener) if inspect.ismethod(listener) else lambda: listener
        self._failed = failed
        self._start = _starter() if inspect.iscoroutinefunction(listener) else None
        self.subscription: Subscription | None = None

    def change(self, move: Move) -> Change | None:
        """What the move changed here, if anything."""
        if move.version <= self._last:
            return None
        old, self._value = self._value, _value(move.value, self._keys)
        self._last = move.version
        if old is self._value or (old == self._value and same(old, self._value)):
            return None
        return Change(self._path, old, self._value, move.version)

    def __call__(self, move: Move) -> None:
        """Tell the listener of a move; one that is gone is told no more."""
        listener = self._held()
        if listener is None:
            if self.subscription is not None:
                self.subscription.close()
            return
        change = self.change(move)
        if change is None:
            return
        try:
            if self._start is None:
                listener(change)
            else:
                future = self._start(listener(change))
                future.add_done_callback(lambda done: self._ended(change, done.exception()))
        except Exception as error:
            self._failed(change.version, self._path, error)
            raise  # so that the bus counts it

    def _ended(self, change: Change, error: BaseException | None) -> None:
        if error is not None:
            self._failed(change.version, self._path, error)


def _starter() -> Callable[[Any], "Future[object]"]:
    """What starts a coroutine as a task of the running loop, from any thread."""
    import asyncio  # here, so that it is loaded for tasks only

    return partial(asyncio.run_coroutine_threadsafe, loop=asyncio.get_running_loop())


async def selected(moves: Changes[Move], watch: Watch) -> AsyncIterator[Change]:
    """The moves that change what is watched. Moves that were missed are made up for by the next one."""
    try:
        async for move in moves:
            if not isinstance(move, Missed) and (change := watch.change(move)) is not None:
                yield change
    finally:
        moves.close()


def _value(value: Any, keys: tuple[str, ...]) -> Any:
    try:
        return value_at(value, keys)
    except (LookupError, TypeError):  # the section around it is None, or the dict has no such key
        return None
