"""Followers: one thread, or one task, that keeps something at the newest version, whatever the store goes through.

The order is what makes it miss nothing: listen first, then read, then read again on every hint, after every loss of
the connection, and now and then for no reason at all, because hints may be lost.
"""

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeAlias, TypeVar

from lldkit.arguments import check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.snapshot.cell import Cell
from lldkit.snapshot.fork import restart_after_fork
from lldkit.snapshot.interface import FollowerStatus, StoreUnavailable
from lldkit.twins import in_thread

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncFollower", "Follower", "Pace"]

T = TypeVar("T")
Hints: TypeAlias = Callable[[threading.Event], Iterator[bool]]

JITTER = 0.2  # of the poll interval, either way, so that a fleet does not ask in step
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds before the store is asked again
JOIN_SECONDS = 1.0


class Pace:
    """When to read and how long to stay away: pure, but for the dice. Times are monotonic seconds."""

    def __init__(self, poll_seconds: float, rng: Random) -> None:
        self._poll = check_number("poll_seconds", poll_seconds, above=0)
        self._rng = rng
        self._due = 0.0
        self._losses = 0

    def wants_to_read(self, moved: bool, now: float) -> bool:
        """Whether to read now: after a hint, or because it is time to look."""
        return moved or now >= self._due

    def has_read(self, now: float) -> None:
        """Note that the newest version was asked for."""
        self._due = now + self._poll * (1 + JITTER * (2 * self._rng.random() - 1))

    def has_answered(self) -> None:
        """Note that the store is there."""
        self._losses = 0

    def pause(self) -> float:
        """Seconds to stay away after a loss: full jitter over a doubling span, which the poll interval bounds."""
        span = min(FIRST_PAUSE * 2.0 ** min(self._losses, 20), LONGEST_PAUSE, max(self._poll, FIRST_PAUSE))
        self._losses += 1
        return span * self._rng.random()


class _Status:
    """What a follower tells of itself; written by its thread or task only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fresh_at: float | None = None
        self._status = FollowerStatus()

    def fresh(self, version: int) -> None:
        """The newest version was seen."""
        self._fresh_at = self._clock.monotonic()
        self._status = FollowerStatus(version, self._clock.now(), connected=True)

    def failed(self, error: Exception, *, lost: bool) -> None:
        """Something went wrong."""
        status = self._status
        self._status = replace(
            status,
            failures=status.failures + 1,
            last_error=type(error).__name__,
            connected=status.connected and not lost,
        )

    def now(self) -> FollowerStatus:
        """The status as of now."""
        status, fresh_at = self._status, self._fresh_at
        return status if fresh_at is None else replace(status, stale_seconds=self._clock.monotonic() - fresh_at)


class _Following(Generic[T]):
    """What both followers keep."""

    def __init__(self, cell: Cell[T], hints: Hints, poll_seconds: float, clock: Clock, rng: Random | None) -> None:
        self.cell = cell
        self._hints = hints
        self._clock = clock
        self._pace = Pace(poll_seconds, SystemRandom() if rng is None else rng)
        self._status = _Status(clock)
        self._stop = threading.Event()

    @property
    def status(self) -> FollowerStatus:
        """How the following stands, as of now."""
        return self._status.now()


class Follower(_Following[T]):
    """A daemon thread that calls `refresh` whenever the newest version may be another one, and every `poll_seconds`.

    `refresh` reads, builds and swaps, and returns the version; `hints` is that of a `DocumentStore`. What `refresh`
    raises is counted in `status`, and `cell` stays as it is: `StoreUnavailable` is followed by listening anew after a
    pause (full jitter, 0.1 s to 30 s, never longer than `poll_seconds`), anything else by the next tick.

    Safe for threads. `close()` ends the thread within a second, `with` too; in a forked child it starts anew.
    """

    def __init__(
        self,
        cell: Cell[T],
        refresh: Callable[[], int],
        hints: Hints,
        *,
        poll_seconds: float = 2.0,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
    ) -> None:
        super().__init__(cell, hints, poll_seconds, clock, rng)
        self._refresh = refresh
        self._closed = False
        self._start()
        restart_after_fork(self, Follower._start)

    def _start(self) -> None:
        """Start the thread; in a forked child, where there is none, again."""
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lldkit-follower", daemon=True)
        if not self._closed:
            self._thread.start()

    def close(self) -> None:
        """End the thread. Idempotent; a listener may call it."""
        self._closed = True
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                for moved in self._hints(self._stop):
                    self._pace.has_answered()
                    if not self._stop.is_set() and self._pace.wants_to_read(moved, self._clock.monotonic()):
                        self._read()
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever a store or a build raises
                self._status.failed(error, lost=True)
                with self._changed:
                    self._clock.wait_for(self._changed, self._stop.is_set, self._pace.pause())

    def _read(self) -> None:
        self._pace.has_read(self._clock.monotonic())
        try:
            self._status.fresh(self._refresh())
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a version that cannot be built leaves the last good one
            self._status.failed(error, lost=False)


class AsyncFollower(_Following[T]):
    """`Follower` as a task of the running loop; hints are waited for in a thread of the loop's executor.

        async with AsyncFollower(cell, arefresh, store.hints): ...

    Cancelling the task around the block ends it as leaving the block does.
    """

    def __init__(
        self,
        cell: Cell[T],
        refresh: Callable[[], Awaitable[int]],
        hints: Hints,
        *,
        poll_seconds: float = 2.0,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
    ) -> None:
        super().__init__(cell, hints, poll_seconds, clock, rng)
        self._refresh = refresh
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        import asyncio  # here and below, so that it is loaded for tasks only

        self._task = asyncio.create_task(self._run(), name="lldkit-follower")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the task and wait for it. Idempotent; a listener may call it."""
        import asyncio

        self._stop.set()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                hints = self._hints(self._stop)
                while (moved := await in_thread(next, hints, None)) is not None:
                    self._pace.has_answered()
                    if self._pace.wants_to_read(moved, self._clock.monotonic()):
                        await self._read()
            except Exception as error:  # noqa: BLE001 - the task outlives whatever a store or a build raises
                self._status.failed(error, lost=True)
                await self._clock.asleep(self._pace.pause())

    async def _read(self) -> None:
        self._pace.has_read(self._clock.monotonic())
        try:
            self._status.fresh(await self._refresh())
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a version that cannot be built leaves the last good one
            self._status.failed(error, lost=False)
