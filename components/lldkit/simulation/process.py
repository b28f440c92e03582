"""Processes that can die: their tasks vanish where they stand, and what they remembered is gone."""

import asyncio
import contextvars
import ctypes
from collections.abc import Awaitable, Callable
from typing import cast

from lldkit.clock import Clock
from lldkit.simulation.interface import Crash
from lldkit.simulation.loop import VirtualLoop
from lldkit.simulation.trace import Trace

__all__ = ["LIFE", "Life", "Process", "bury", "gate", "outside"]


class Life:
    """One incarnation of a process: everything it schedules carries it in its context."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.alive = True
        self.pauses = 0
        self.held: list[asyncio.Handle] = []  # what became ready during a pause


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)
"""Whose code runs; None in the world outside all processes."""


def gate(handle: asyncio.Handle) -> bool:
    """May this callback run now? One of a dead process never, one of a paused process later."""
    life = handle._context.get(LIFE)  # type: ignore[attr-defined]  # noqa: SLF001 - it tells whose callback it is
    if life is None or (life.alive and not life.pauses):
        return True
    if life.alive:
        life.held.append(handle)
    return False


def outside() -> contextvars.Context:
    """A copy of the current context that belongs to no process: for what a crash must not take along."""
    context = contextvars.copy_context()
    context.run(LIFE.set, None)
    return context


def bury(loop: VirtualLoop, tasks: list[asyncio.Task[object]]) -> None:
    """Take `tasks` out of the world as they stand: no `finally`, `except` or `__aexit__` of theirs will ever run.

    A suspended coroutine is closed when it is collected, and closing runs all of those. So it is kept for ever: what a
    dead task holds is the price of its silence.
    """
    for task in tasks:
        asyncio._unregister_task(task)  # noqa: SLF001 - documented for who extends asyncio
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio's own gather does
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
    loop.forget_generators()


class Process:
    """A program on a node of its own, made by `Simulation.process`. For tasks of one simulation.

    `main(process)` is called for every incarnation anew, so that nothing is remembered but what is stored elsewhere.
    """

    def __init__(
        self,
        name: str,
        main: Callable[["Process"], Awaitable[object]],
        *,
        clock: Clock,
        trace: Trace,
        loop: VirtualLoop,
        restart_after: float | None,
        failed: Callable[["Process", BaseException], object],
    ) -> None:
        self.name = name
        self.clock = clock
        self.incarnation = 0
        self._main = main
        self._trace = trace
        self._loop = loop
        self._restart_after = restart_after
        self._failed = failed
        self._life: Life | None = None
        self.restart()

    @property
    def alive(self) -> bool:
        """Whether it has begun, and neither died nor come to its end."""
        return self._life is not None and self._life.alive

    @property
    def context(self) -> contextvars.Context:
        """A context in which code belongs to this incarnation."""
        context = outside()
        context.run(LIFE.set, self._life)
        return context

    def crash(self) -> None:
        """Die now: no clean-up runs, nothing of it acts any more, and `restart_after` begins to count.

        A caller that belongs to this process goes on to its next `await`, and never beyond; its boundary calls raise.
        """
        life = self._life
        if life is None or not life.alive:
            return
        life.alive = False
        bury(self._loop, self._loop.tasks(lambda context: context.get(LIFE) is life))
        self._trace.record(self.name, "crashed")
        self._restart_later()

    def restart(self) -> None:
        """Begin a new incarnation; one that is alive crashes first."""
        self.crash()
        self.incarnation += 1
        life = self._life = Life(self)
        self._trace.record(self.name, f"started, incarnation {self.incarnation}")
        self._loop.create_task(self._live(life), name=f"{self.name} {self.incarnation}", context=self.context)

    def pause(self, seconds: float) -> None:
        """Stand still for `seconds` while time goes on: nothing is lost, everything is late."""
        if not seconds > 0:
            raise ValueError(f"a pause takes a number of seconds > 0, got {seconds!r}")
        life = self._life
        if life is not None and life.alive:
            life.pauses += 1
            self._trace.record(self.name, f"paused for {seconds:g} s")
            self._loop.call_later(seconds, self._resume, life, context=outside())

    def _resume(self, life: Life) -> None:
        life.pauses -= 1
        if life.alive and not life.pauses:
            self._trace.record(self.name, "resumed")
            held, life.held = life.held, []
            self._loop.make_ready(held)

    async def _live(self, life: Life) -> None:
        try:
            await self._main(self)
        except (asyncio.CancelledError, GeneratorExit, Crash):  # the simulation is over, or this process is
            raise
        except BaseException as error:  # noqa: BLE001 - an unhandled error ends a process
            self._trace.record(self.name, f"died of {type(error).__name__}: {error}")
            self._failed(self, error)
            self._restart_later()
        else:
            self._trace.record(self.name, "ended")
        await self._clean_up(life)
        life.alive = False

    async def _clean_up(self, life: Life) -> None:
        """Cancel what main has left over, as `asyncio.run` does."""
        rest = self._loop.tasks(lambda context: context.get(LIFE) is life)
        rest.remove(cast("asyncio.Task[object]", asyncio.current_task()))
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _restart_later(self) -> None:
        if self._restart_after is not None:
            ended = self.incarnation
            self._loop.call_later(self._restart_after, self._restart_unless_newer, ended, context=outside())

    def _restart_unless_newer(self, ended: int) -> None:
        if self.incarnation == ended:
            self.restart()

    def __repr__(self) -> str:
        return f"<Process {self.name!r} {'alive' if self.alive else 'dead'}, incarnation {self.incarnation}>"
