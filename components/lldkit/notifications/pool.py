"""A bounded pool of connections: kept open while they are idle, given up whole when something fails."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from lldkit.clock import Clock
from lldkit.notifications.wires import ProtocolError, TaskCarrier, ThreadCarrier, Wire, Work
from lldkit.steps import Await, arun, run
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["ConnectionFailed", "Pool", "Visit"]

R = TypeVar("R")

MOST_IDLE: Final = 60.0
"""Seconds after which an idle connection is not used again: firewalls forget without a word."""


class ConnectionFailed(Exception):
    """No answer: `reason` names the kind of error and no address; `committed` if the other side may have acted."""

    def __init__(self, reason: str, *, committed: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.committed = committed


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes to the pool: how it waits, and until when (seconds of the pool's clock)."""

    make_turn: Callable[[], Turn]
    deadline: float


class Pool:
    """At most `most` connections, the idle ones among them; who finds none free waits in turn, threads and tasks alike.

    Safe for threads and for tasks of several loops. It does not survive `fork`: make it in the process that uses it.
    """

    def __init__(self, *, most: int, timeout_seconds: float, clock: Clock) -> None:
        self._most = most
        self._timeout = timeout_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._in_use = 0
        self._closed = False
        self._waiting: deque[Turn] = deque()
        self._idle: list[tuple[Hashable, Wire, float]] = []  # with the time since when; the longest idle first

    def run(self, procedure: Callable[[Visit], Work[R]]) -> R:
        """Run a procedure in this thread."""
        visit = Visit(ThreadTurn, self._clock.monotonic() + self._timeout)
        carrier = ThreadCarrier(visit.deadline, self._clock)
        return run(procedure(visit), lambda ask: ask(carrier), self._clock)

    async def arun(self, procedure: Callable[[Visit], Work[R]]) -> R:
        """Run a procedure in this task."""
        visit = Visit(TaskTurn, self._clock.monotonic() + self._timeout)
        carrier = TaskCarrier(visit.deadline, self._clock)
        return await arun(procedure(visit), lambda ask: ask(carrier), self._clock)

    def converse(
        self, visit: Visit, key: Hashable, dial: Callable[[], Work[Wire]], talk: Callable[[Wire], Work[R]]
    ) -> Work[R]:
        """Talk over an idle connection to `key`, else over a new one; ConnectionFailed when that did not work.

        An idle connection that turns out to be dead before it answered is replaced once, and nobody hears of it.
        """
        yield from self._enter(visit)
        wire: Wire | None = None
        try:
            wire = self._take(key)
            while True:
                try:
                    if wire is None:
                        wire = yield from dial()
                    return (yield from talk(wire))
                except OSError as error:
                    dead = wire is not None and wire.reused and not wire.answered
                    if not dead or isinstance(error, TimeoutError):
                        committed = wire is not None and wire.committed
                        reason = str(error) if isinstance(error, ProtocolError) else type(error).__name__
                        raise ConnectionFailed(reason, committed=committed) from None
                if wire is not None:
                    wire.close()
                wire = None
        finally:
            self._leave(key, wire)

    def _enter(self, visit: Visit) -> Generator[Await, Any, None]:
        with self._lock:
            if self._closed:
                raise RuntimeError("this channel is closed; make another")
            if self._in_use < self._most:
                self._in_use += 1
                return
            turn = visit.make_turn()
            self._waiting.append(turn)
        try:
            came = yield Await(turn, visit.deadline)
        except BaseException:
            if not self._withdraw(turn):
                self._leave(None, None)
            raise
        if not came and self._withdraw(turn):
            raise ConnectionFailed("AllConnectionsBusy", committed=False)

    def _withdraw(self, turn: Turn) -> bool:
        """Stop waiting; False if the place was given just now."""
        with self._lock:
            waits = turn in self._waiting
            if waits:
                self._waiting.remove(turn)
            return waits

    def _take(self, key: Hashable) -> Wire | None:
        """The connection to `key` that was idle for the shortest time, or room for a new one."""
        while True:
            with self._lock:
                mine = [index for index, (owner, _, _) in enumerate(self._idle) if owner == key]
                crowded = self._in_use + len(self._idle) > self._most
                if not mine and not crowded:
                    return None
                _, wire, since = self._idle.pop(mine[-1] if mine else 0)
            if mine and self._clock.monotonic() - since <= MOST_IDLE and wire.silent:
                wire.begin(reused=True)
                return wire
            wire.close()

    def _leave(self, key: Hashable, wire: Wire | None) -> None:
        """Give the place to who waits longest, and the connection to whoever comes, if another may follow on it."""
        turn: Turn | None = None
        with self._lock:
            kept = wire is not None and wire.keep and not self._closed
            if wire is not None and kept:
                self._idle.append((key, wire, self._clock.monotonic()))
            if self._waiting:
                turn = self._waiting.popleft()
            else:
                self._in_use -= 1
        if wire is not None and not kept:
            wire.close()
        if turn is not None:
            turn.give()

    def close(self) -> None:
        """Hang up all idle connections; those in use are closed when their conversation ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, wire, _ in idle:
            wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
