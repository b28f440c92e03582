"""`VirtualClock`, one time line for threads, tasks and plain calls, and `SkewedClock`, another node's opinion of it."""

import asyncio
import contextvars
import heapq
import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from lldkit.clock import EPOCH, ManualClock
from lldkit.simulation.interface import Crash
from lldkit.simulation.threads import Threads

__all__ = ["SkewedClock", "VirtualClock"]

Wake = Callable[[], None]


class VirtualClock(ManualClock):
    """A clock whose time jumps: one time line for tasks, threads and plain calls.

    One thread drives it: the one that runs `run_virtual(..., clock=clock)`, else the one that made it. Where the driver
    sleeps, time moves on at once, waking everybody whose deadline it passes. Every other thread waits for that, one at
    a time: a woken thread runs until it sleeps again, ends or blocks, before anything else happens. Tasks and timers of
    the loop lie in the same queue as threads, so that all wake in order of deadline, then of arrival.

    Safe for threads. A sleep or wake-up costs O(log n) of n sleepers.

    >>> clock = VirtualClock()
    >>> clock.sleep(86_400)
    >>> clock.monotonic()
    86400.0
    """

    def __init__(self, *, start: datetime = EPOCH, monotonic: float = 0.0) -> None:
        super().__init__(start=start, monotonic=monotonic)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # entering the bare lock is six times as fast
        self._driver = threading.get_ident()
        self._call_soon: Callable[..., object] | None = None  # of the loop that drives
        self._asleep: dict[threading.Thread, tuple[int, Wake]] = {}
        self._abandoned: set[threading.Thread] = set()
        self.threads = Threads(self._changed)

    def sleep(self, seconds: float, /) -> None:
        """Let `seconds` pass. Raises `Crash` in a thread of an executor whose run is over."""
        if threading.get_ident() == self._driver:
            self.advance(seconds)
            return
        super().sleep(seconds)
        if threading.current_thread() in self._abandoned:
            raise Crash("the run that this thread belongs to is over")

    async def asleep(self, seconds: float, /) -> None:
        """Suspend this task for `seconds` (>= 0); 0 only yields."""
        line = getattr(asyncio.get_running_loop(), "clock", self)
        if line is not self:
            raise RuntimeError("this is not the clock of this run; say run_virtual(main, clock=clock)")
        await super().asleep(seconds)

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool], seconds: float | None, /) -> bool:
        """Wait until `predicate()` or for `seconds`; in the driver time moves on until one of them is true."""
        if threading.get_ident() != self._driver:
            return super().wait_for(condition, predicate, seconds)
        deadline = math.inf if seconds is None else self.monotonic() + seconds
        while not predicate():
            condition.release()
            try:
                reached = self.jump(deadline)
            finally:
                condition.acquire()
            if reached is None or reached > deadline:
                break
        if seconds is None or predicate():
            return predicate()
        self.advance(deadline - self.monotonic())
        return predicate()

    def skewed(self, *, offset: float = 0.0, drift: float = 0.0) -> "SkewedClock":
        """Another node's opinion of the time: `offset` seconds ahead, gaining `drift` seconds per second from now."""
        return SkewedClock(self, offset=offset, drift=drift)

    # What the loop drives it by.

    def drive(self, call_soon: Callable[..., object]) -> None:
        """Make the calling thread the driver, whose loop queues what wakes up with `call_soon`."""
        if self._call_soon is not None:
            raise RuntimeError("this clock drives another run already; one clock, one run at a time")
        self._driver = threading.get_ident()
        self._call_soon = call_soon
        self.threads.leave_out_present()

    def release(self) -> None:
        """End the run: its timers are forgotten, sleeping threads of other origin stay."""
        with self._lock:
            kept = {arrival for arrival, _ in self._asleep.values()}
            self._sleepers = sorted(sleeper for sleeper in self._sleepers if sleeper[1] in kept)
            self._left &= kept
        self._call_soon = None

    def wake_at(self, deadline: float, wake: Wake) -> int:
        """Call `wake` when the clock reads `deadline`; returns the arrival number that `forget` takes."""
        with self._lock:
            arrival = next(self._arrivals)
            heapq.heappush(self._sleepers, (deadline, arrival, wake))
        return arrival

    def forget(self, arrival: int) -> None:
        """Cancel a `wake_at` that has not been called yet. Amortised O(log n)."""
        with self._lock:
            self._left.add(arrival)
            if len(self._left) > 100 and len(self._left) > len(self._sleepers) // 2:
                self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[1] not in self._left]
                heapq.heapify(self._sleepers)
                self._left.clear()

    def jump(self, latest: float) -> float | None:
        """Move time to the next deadline, if it is not after `latest`, and wake all who are due then; returns it."""
        with self._lock:
            while self._left and self._sleepers and self._sleepers[0][1] in self._left:
                self._left.remove(heapq.heappop(self._sleepers)[1])
            if not self._sleepers:
                return None
            deadline, _, wake = self._sleepers[0]
            if deadline > latest:
                return deadline
            heapq.heappop(self._sleepers)
            self._monotonic = deadline
        wake()
        while self._sleepers and self._sleepers[0][0] <= deadline:
            if (wake_next := self._next_due(deadline)) is not None:
                wake_next()
        return deadline

    def abandon(self, thread: threading.Thread) -> None:
        """Wake `thread` with `Crash`, if it is asleep here."""
        self._abandoned.add(thread)
        if (asleep := self._asleep.get(thread)) is not None:
            self._get_up_early(asleep[0])
            self._rouse(thread, asleep[1])

    def _lie_down(self, seconds: float, wake: Wake) -> int:
        if threading.get_ident() == self._driver:  # a task
            return super()._lie_down(seconds, wake)
        thread, context = threading.current_thread(), contextvars.copy_context()

        def rouse() -> None:
            if self._call_soon is None:
                self._rouse(thread, wake)
            else:
                # A task takes two callbacks to wake, its future's and its own. So does a thread, to keep in line.
                self._call_soon(self._call_soon, self._rouse, thread, wake, context=context)

        with self._lock:  # so that nobody sees the thread at rest before its deadline is known
            arrival = super()._lie_down(seconds, rouse)
            self._asleep[thread] = (arrival, wake)
            self.threads.lie_down(thread)
        return arrival

    def _rouse(self, thread: threading.Thread, wake: Wake) -> None:
        """Let `thread` run until it sleeps again, ends or blocks."""
        del self._asleep[thread]
        self.threads.get_up(thread)
        wake()
        self.threads.settle()


class SkewedClock:
    """The clock of a node that does not agree with `base`: `offset` ahead, and fast by `drift` (1e-4: 8.64 s a day).

    Only the calendar has an offset; the origin of monotonic time means nothing. A sleep of s seconds on this clock
    takes s / (1 + drift) seconds. Safe for threads and tasks.
    """

    def __init__(self, base: VirtualClock, *, offset: float, drift: float) -> None:
        if not math.isfinite(offset):
            raise ValueError(f"offset must be a finite number of seconds, got {offset!r}")
        if not -1 < drift < math.inf:
            raise ValueError(f"drift must be more than -1 second per second, got {drift!r}")
        self._base, self._offset, self._drift = base, offset, drift
        self._since = base.monotonic()

    def monotonic(self) -> float:
        """Seconds, as this node counts them."""
        return self._at(self._base.monotonic())

    def now(self) -> datetime:
        """The calendar, as this node believes."""
        gained = (self._base.monotonic() - self._since) * self._drift
        return self._base.now() + timedelta(seconds=self._offset + gained)

    def sleep(self, seconds: float, /) -> None:
        """Block this thread for `seconds` as this node counts them."""
        self._base.sleep(self._on_base(seconds))

    async def asleep(self, seconds: float, /) -> None:
        """Suspend this task for `seconds` as this node counts them."""
        await self._base.asleep(self._on_base(seconds))

    def wait_for(self, condition: threading.Condition, predicate: Callable[[], bool], seconds: float | None, /) -> bool:
        """Wait until `predicate()` or for `seconds` as this node counts them."""
        return self._base.wait_for(condition, predicate, None if seconds is None else self._on_base(seconds))

    def _at(self, base: float) -> float:
        return base + (base - self._since) * self._drift

    def _on_base(self, seconds: float) -> float:
        """Return what `seconds` are on the base clock, rounded so that no sleeper wakes before its deadline."""
        start, wait = self._base.monotonic(), seconds / (1 + self._drift)
        while self._at(start + wait) < self._at(start) + seconds:
            wait += math.ulp(start + wait)
        return wait

    def __repr__(self) -> str:
        return f"SkewedClock(monotonic={self.monotonic()!r}, now={self.now().isoformat()})"
