"""Turns: how one caller, a thread or a task, waits for a sign from others and for a time at once; and bells.

A bell is how those signs are given where nobody knows who waits: a store rings it, and whoever works on the store has
subscribed its turn.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from lldkit.clock import Clock

__all__ = ["Bell", "TaskTurn", "ThreadTurn", "Turn"]


class Turn(Protocol):
    """How a waiter is woken. Both verbs may be called from any thread and any number of times."""

    def give(self) -> None:
        """Wake the waiter, now or when it next waits."""
        ...

    def take(self) -> None:
        """Use the turn up, so that the waiter can wait for another."""
        ...


class ThreadTurn:
    """A turn for which a thread waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._given = False

    def give(self) -> None:
        """Wake the thread."""
        with self._changed:
            self._given = True
            self._changed.notify()

    def take(self) -> None:
        """Use the turn up."""
        with self._changed:
            self._given = False

    def wait(self, clock: Clock, seconds: float | None) -> bool:
        """Block until the turn is given, or for `seconds`; say whether it was."""
        with self._changed:
            return clock.wait_for(self._changed, lambda: self._given, seconds)


class TaskTurn:
    """A turn for which a task of the running loop waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._given = asyncio.Event()

    def give(self) -> None:
        """Wake the task; harmless when its loop is gone."""
        if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - the one that does not raise
            self._given.set()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the waiter with it
            self._loop.call_soon_threadsafe(self._given.set)

    def take(self) -> None:
        """Use the turn up."""
        self._given.clear()

    async def wait(self, clock: Clock, seconds: float | None) -> bool:
        """Suspend until the turn is given, or for `seconds`; say whether it was."""
        if seconds is None or self._given.is_set():
            return await self._given.wait()
        given = asyncio.ensure_future(self._given.wait())
        time_is_up = asyncio.ensure_future(clock.asleep(seconds))
        try:
            await asyncio.wait({given, time_is_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            given.cancel()
            time_is_up.cancel()
        return self._given.is_set()


class Bell:
    """Calls all who have subscribed, whenever it is rung. Safe for threads; ringing takes no lock.

    >>> bell, heard = Bell(), []
    >>> unsubscribe = bell.subscribe(lambda: heard.append("ding"))
    >>> bell.ring()
    >>> unsubscribe()
    >>> bell.ring()
    >>> heard
    ['ding']
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()  # guards the change of the tuple, which is read without it
        self._listeners: tuple[Callable[[], object], ...] = ()

    def ring(self) -> None:
        """Call them, in this thread."""
        for give in self._listeners:
            give()

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` at each ring, until the function is called that is returned."""
        with self._changing:
            self._listeners = (*self._listeners, give)

        def unsubscribe() -> None:
            with self._changing:
                rest = list(self._listeners)
                rest.remove(give)
                self._listeners = tuple(rest)

        return unsubscribe
