"""Time as a dependency: every component asks a `Clock`, so that a test can turn the hands.

`SYSTEM` is the real clock and the default of every `clock=`. `ManualClock` stands still until somebody calls `advance`;
tests, katas and pictures use it. Durations and deadlines are `monotonic()` seconds, calendars are `now()` in UTC.
"""

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["EPOCH", "MICRO", "SYSTEM", "Clock", "ManualClock", "SystemClock"]

MICRO = 1_000_000
"""Microseconds per second: pure cores count time in whole microseconds."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Where a `ManualClock` starts unless told otherwise."""


class Clock(Protocol):
    """What a component may know about time. Safe for threads and tasks."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin that never run backwards; for durations and deadlines."""
        ...

    def now(self) -> datetime:
        """The calendar: aware, UTC. It may jump when somebody sets the wall clock."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Block this thread for `seconds` (>= 0); 0 only yields."""
        ...

    async def asleep(self, seconds: float, /) -> None:
        """Suspend this task for `seconds` (>= 0); 0 only yields."""
        ...

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool], seconds: float | None, /) -> bool:
        """Wait, with `condition` held, until `predicate()` or for `seconds` (None: for ever); return `predicate()`.

        As `threading.Condition.wait_for`, in this clock's time: how a thread waits for an event and a deadline at once.
        """
        ...


class SystemClock:
    """The real clock of this machine."""

    # Not wrapped in methods: reading the clock is on the hot path of every component.
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return datetime.now(UTC)

    async def asleep(self, seconds: float, /) -> None:
        """Suspend this task for `seconds`."""
        import asyncio  # costs more than all else together, and most users of a clock never await it

        await asyncio.sleep(_duration(seconds))

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool], seconds: float | None, /) -> bool:
        """Wait until `predicate()` or for `seconds` of real time."""
        left = None if seconds is None else _duration(seconds)
        while left is not None and left > threading.TIMEOUT_MAX:  # no single wait may be longer
            if condition.wait_for(predicate, threading.TIMEOUT_MAX):
                return True
            left -= threading.TIMEOUT_MAX
        return condition.wait_for(predicate, left)

    def __repr__(self) -> str:
        return "SYSTEM"


SYSTEM: Clock = SystemClock()
"""The default of every `clock=`."""


class ManualClock:
    """A clock that stands still until it is advanced; its sleepers, threads and tasks, wake in deterministic order.

    `advance` walks from deadline to deadline: at each one the clock reads exactly that deadline when the sleeper is
    woken, and a woken thread has left its sleep before the next sleeper is woken. Sleepers with one deadline wake in
    the order of their arrival. Tasks are made ready in that order and run when their loop does.

    With `auto_advance=True` a sleep advances the clock itself and returns: for a single thread of control, where nobody
    else is there to advance it.

    Safe for threads and tasks. A sleep or wake-up costs O(log n) of n sleepers.

    >>> clock = ManualClock(auto_advance=True)
    >>> clock.sleep(1.5)
    >>> clock.monotonic()
    1.5
    """

    def __init__(self, *, start: datetime = EPOCH, monotonic: float = 0.0, auto_advance: bool = False) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start must be an aware datetime such as datetime(2026, 1, 1, tzinfo=UTC), got {start!r}")
        if not math.isfinite(monotonic):
            raise ValueError(f"monotonic must be a finite number of seconds, got {monotonic!r}")
        self._wall_at_zero = start.astimezone(UTC) - timedelta(seconds=monotonic)
        self._monotonic = monotonic
        self._auto_advance = auto_advance
        self._changed = threading.Condition()  # guards all below; never held while a sleeper is woken
        self._arrivals = itertools.count()
        self._sleepers: list[tuple[float, int, Callable[[], None]]] = []
        self._left: set[int] = set()  # arrivals that were cancelled before their deadline

    def monotonic(self) -> float:
        """Seconds since the clock's origin."""
        return self._monotonic

    def now(self) -> datetime:
        """Return the wall clock: `start` plus the time advanced plus every step."""
        return self._wall_at_zero + timedelta(seconds=self._monotonic)

    @property
    def sleepers(self) -> int:
        """How many threads and tasks are asleep on this clock."""
        with self._changed:
            return len(self._sleepers) - len(self._left)

    def sleep(self, seconds: float, /) -> None:
        """Block this thread until the clock has been advanced by `seconds`; 0 only yields."""
        if _duration(seconds) == 0:
            time.sleep(0)
            return
        if self._auto_advance:
            self.advance(seconds)
            return
        awake, left = threading.Event(), threading.Event()

        def wake() -> None:
            awake.set()
            left.wait()  # so that the sleepers of one instant leave one after the other

        arrival = self._lie_down(seconds, wake)
        try:
            awake.wait()
        except BaseException:  # KeyboardInterrupt: this sleeper is gone
            self._get_up_early(arrival)
            raise
        finally:
            left.set()

    async def asleep(self, seconds: float, /) -> None:
        """Suspend this task until the clock has been advanced by `seconds`; 0 only yields."""
        import asyncio

        if _duration(seconds) == 0 or self._auto_advance:
            self.advance(seconds)
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        awake: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not awake.done():
                awake.set_result(None)

        def wake() -> None:
            loop.call_soon_threadsafe(settle)

        arrival = self._lie_down(seconds, wake)
        try:
            await awake
        except asyncio.CancelledError:
            self._get_up_early(arrival)
            raise

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool], seconds: float | None, /) -> bool:
        """Wait until `predicate()` or until the clock has been advanced by `seconds`."""
        if seconds is None or predicate():
            return condition.wait_for(predicate)
        if _duration(seconds) == 0 or self._auto_advance:
            self.advance(seconds)
            return predicate()
        time_is_up = False

        def wake() -> None:
            nonlocal time_is_up
            with condition:
                time_is_up = True
                condition.notify_all()

        arrival = self._lie_down(seconds, wake)
        try:
            condition.wait_for(lambda: time_is_up or predicate())
        finally:
            self._get_up_early(arrival)
        return predicate()

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds` (>= 0) and wake everybody whose deadline is reached, earliest first."""
        target = self._monotonic + _duration(seconds)
        while (wake := self._next_due(target)) is not None:
            wake()
        with self._changed:
            self._monotonic = max(self._monotonic, target)

    def step_wall(self, seconds: float) -> None:
        """Let the wall clock jump by `seconds` (either way), as a correction by NTP does; monotonic time stays."""
        self._wall_at_zero += timedelta(seconds=seconds)

    def wait_for_sleepers(self, count: int, *, timeout: float = 10.0) -> None:
        """Block, in real time, until at least `count` threads and tasks are asleep here.

        A test calls it between starting its threads and `advance`. `timeout` is in real seconds; then `TimeoutError`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._sleepers) - len(self._left) >= count, timeout):
                asleep = len(self._sleepers) - len(self._left)
                raise TimeoutError(f"{asleep} asleep after {timeout} real seconds, expected at least {count}")

    def _lie_down(self, seconds: float, wake: Callable[[], None]) -> int:
        with self._changed:
            arrival = next(self._arrivals)
            heapq.heappush(self._sleepers, (self._monotonic + seconds, arrival, wake))
            self._changed.notify_all()
        return arrival

    def _get_up_early(self, arrival: int) -> None:
        with self._changed:
            if any(arrival == waiting for _, waiting, _ in self._sleepers):
                self._left.add(arrival)

    def _next_due(self, target: float) -> Callable[[], None] | None:
        with self._changed:
            while self._sleepers and self._sleepers[0][0] <= target:
                deadline, arrival, wake = heapq.heappop(self._sleepers)
                if arrival in self._left:
                    self._left.remove(arrival)
                    continue
                self._monotonic = max(self._monotonic, deadline)
                return wake
        return None

    def __repr__(self) -> str:
        return f"ManualClock(monotonic={self._monotonic!r}, now={self.now().isoformat()})"


def _duration(seconds: float) -> float:
    if not seconds >= 0:  # also refuses nan
        raise ValueError(f"a duration is a number of seconds >= 0, got {seconds!r}")
    return seconds
