"""`VirtualClock`, one time line for threads, tasks and plain calls, and `SkewedClock`, another node's opinion of it."""

import asyncio
import contextvars
import heapq
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from lldkit.clock import EPOCH, ManualClock
from lldkit.simulation.interface import Crash, Stuck
from lldkit.simulation.threads import LAST_PATIENCE, Threads

__all__ = ["SkewedClock", "VirtualClock"]

Wake = Callable[[], None]


class Driver(Protocol):
    """What the clock needs of the loop that drives it: to queue a callback, or to run it now, if the gate lets it."""

    def call_soon(self, callback: Any, /, *args: Any, context: contextvars.Context) -> object: ...

    def run_now(self, callback: Any, /, *args: Any, context: contextvars.Context) -> None: ...


@dataclass(frozen=True, slots=True)
class _Sleeper:
    """A thread asleep on the clock: `rouse` has it woken in its turn, `wake` lets it leave its sleep."""

    arrival: int
    rouse: Wake
    wake: Wake


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
        self._loop: Driver | None = None  # of the driver
        self._is_blocked = False  # the driver is in a plain call that waits, so the loop cannot run what it queues
        self._asleep: dict[threading.Thread, _Sleeper] = {}
        self.watched: dict[threading.Thread, tuple[threading.Condition, Callable[[], bool]]] = {}  # in wait_for
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
        """Wait until `predicate()` or for `seconds` (None: for ever), and return `predicate()`.

        The predicates of waiting threads are looked at in order of arrival whenever nobody is at work, so that who is
        woken, and when, does not depend on the moment of a `notify`. Raises `Stuck` in a driver that waits for ever.
        """
        if seconds is not None and not seconds > 0:
            self.sleep(seconds)  # refuses what is no duration
        deadline = math.inf if seconds is None else self._monotonic + seconds
        while not predicate() and self._monotonic < deadline:
            condition.release()
            try:
                self._wait(condition, predicate, deadline)
            finally:
                condition.acquire()
        return predicate()

    def _wait(self, condition: threading.Condition, predicate: Callable[[], bool], deadline: float) -> None:
        if threading.get_ident() == self._driver:
            if not self._step(deadline):
                self.threads.settle(patience=LAST_PATIENCE, until=lambda: _holds(condition, predicate))
                if not self._sleepers and not _holds(condition, predicate):
                    raise Stuck((f"{threading.current_thread().name}: in wait_for, and nobody is left to end it",))
            return
        thread = threading.current_thread()
        self.watched[thread] = (condition, predicate)
        try:
            self.sleep(deadline - self._monotonic)
        finally:
            self.watched.pop(thread, None)

    def _step(self, latest: float) -> bool:
        """Let the next thing happen, and time pass until then, in a driver that waits; False if nothing is to come."""
        before, self._is_blocked = self._is_blocked, True
        try:
            if not self.threads.calm():
                self.threads.settle()
            if self.wake_watchers():
                return True
            wake = super()._next_due(latest)
            if wake is not None:
                wake()
            elif latest < math.inf:
                self._monotonic = latest
            return wake is not None or latest < math.inf
        finally:
            self._is_blocked = before

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds` (>= 0) and wake everybody whose deadline is reached, earliest first."""
        before, self._is_blocked = self._is_blocked, True
        try:
            super().advance(seconds)
        finally:
            self._is_blocked = before

    def _next_due(self, target: float) -> Wake | None:
        """Before time moves, everybody who can do something at this instant has done it."""
        if not self.threads.calm():
            self.threads.settle()
        self.wake_watchers()
        return super()._next_due(target)

    def skewed(self, *, offset: float = 0.0, drift: float = 0.0) -> "SkewedClock":
        """Another node's opinion of the time: `offset` seconds ahead, gaining `drift` seconds per second from now."""
        return SkewedClock(self, offset=offset, drift=drift)

    # What the loop drives it by.

    def drive(self, loop: Driver) -> None:
        """Make the calling thread the driver, whose `loop` runs what wakes up."""
        if self._loop is not None:
            raise RuntimeError("this clock drives another run already; one clock, one run at a time")
        self._driver = threading.get_ident()
        self._loop = loop
        self.threads.leave_out_present()

    def release(self) -> None:
        """End the run: its timers are forgotten, sleeping threads of other origin stay."""
        with self._lock:
            kept = {sleeper.arrival for sleeper in self._asleep.values()}
            self._sleepers = sorted(sleeper for sleeper in self._sleepers if sleeper[1] in kept)
            self._left &= kept
        self._loop = None

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
            if (wake_next := super()._next_due(deadline)) is not None:
                wake_next()
        return deadline

    def wake_watchers(self) -> bool:
        """Wake the threads in `wait_for` whose predicates hold, in order of arrival; False if there are none."""
        woken = False
        for thread, (condition, predicate) in list(self.watched.items()):
            if thread in self._asleep and _holds(condition, predicate):
                self._get_up_early(self._asleep[thread].arrival)
                self._asleep[thread].rouse()
                woken = True
        return woken

    def abandon(self, thread: threading.Thread) -> None:
        """Wake `thread` with `Crash`, if it is asleep here."""
        self._abandoned.add(thread)
        if (sleeper := self._asleep.get(thread)) is not None:
            self._get_up_early(sleeper.arrival)
            self._rouse(thread, sleeper.wake)

    def _lie_down(self, seconds: float, wake: Wake) -> int:
        if threading.get_ident() == self._driver:  # a task
            return super()._lie_down(seconds, wake)
        thread, context = threading.current_thread(), contextvars.copy_context()

        def rouse() -> None:
            self.watched.pop(thread, None)
            if self._loop is None:
                self._rouse(thread, wake)
            elif self._is_blocked:
                self._loop.run_now(self._rouse, thread, wake, context=context)
            else:
                # A task takes two callbacks to wake, its future's and its own. So does a thread, to keep in line.
                self._loop.call_soon(self._loop.call_soon, self._rouse, thread, wake, context=context)

        with self._lock:  # so that nobody sees the thread at rest before its deadline is known
            arrival = next(self._arrivals) if seconds == math.inf else super()._lie_down(seconds, rouse)
            self._asleep[thread] = _Sleeper(arrival, rouse, wake)
            self.threads.lie_down(thread)
        return arrival

    def _rouse(self, thread: threading.Thread, wake: Wake) -> None:
        """Let `thread` run until it sleeps again, ends or blocks."""
        del self._asleep[thread]
        self.threads.get_up(thread)
        wake()
        self.threads.settle()


def _holds(condition: threading.Condition, predicate: Callable[[], bool]) -> bool:
    """Whether a predicate holds; not while somebody else is at what it looks at."""
    if not condition.acquire(blocking=False):
        return False
    try:
        return predicate()
    except Exception:  # noqa: BLE001 - raised again where the thread looks for itself
        return True
    finally:
        condition.release()


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
