"""Windows as plain tuples: pure functions from an old window and a call to a new one; a generation is replaced whole."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from interface import Clock, Refused, Store

SUCCESS, FAILURE, IGNORED = "success", "failure", "ignored"


def row_added(size: float, window: tuple, call: tuple[bool, bool], now: float) -> tuple:
    """A row is as many entries as there were failures since the last success."""
    return (*window, call)[-int(size) :] if call[0] else ()


def row_totals(size: float, window: tuple, now: float) -> tuple[int, int, int]:
    """A row is bad when it is full of failures."""
    return int(size), len(window), 0


def ring_added(size: float, window: tuple, call: tuple[bool, bool], now: float) -> tuple:
    """The last `size` calls."""
    return (*window, call)[-int(size) :]


def ring_totals(size: float, window: tuple, now: float) -> tuple[int, int, int]:
    """Calls, failures, slow calls."""
    return len(window), sum(call[0] for call in window), sum(call[1] for call in window)


def slices_added(size: float, window: tuple, call: tuple[bool, bool], now: float) -> tuple:
    """(number, calls, failures, slow) per slice, newest last."""
    number = now * 8 // size
    kept = tuple(each for each in window if each[0] > number - 8)
    if kept and kept[-1][0] == number:
        _, calls, failures, slow = kept[-1]
        return (*kept[:-1], (number, calls + 1, failures + call[0], slow + call[1]))
    return (*kept, (number, 1, int(call[0]), int(call[1])))


def slices_totals(size: float, window: tuple, now: float) -> tuple[int, int, int]:
    """Calls, failures, slow calls of the slices that still count."""
    kept = [each for each in window if each[0] > now * 8 // size - 8]
    return sum(each[1] for each in kept), sum(each[2] for each in kept), sum(each[3] for each in kept)


class Breaker:
    """Refuses calls while the dependency is down, and lets one probe at a time find out whether it is up again."""

    def __init__(
        self,
        *,
        failures: int | None = None,
        rate: float | None = None,
        last: int | None = None,
        within: float | None = None,
        min_calls: int | None = None,
        open_for: float,
        clock: Clock,
        on_change: Callable[[str], object] | None = None,
        ignore: tuple[type[Exception], ...] = (),
        slow_call: float = float("inf"),
        slow_rate: float = 2.0,
        store: Store | None = None,
        probe_timeout: float = 60.0,
    ) -> None:
        for number in (failures, rate, last, within, min_calls, open_for, slow_call, slow_rate, probe_timeout):
            if number is not None and not number > 0:
                raise ValueError(f"every number must be above 0, got {number}")
        if (failures is None) == (rate is None) or (rate is not None) != ((last is None) != (within is None)):
            raise ValueError("give failures=, or rate= and one of last= and within=")
        if rate is not None and rate > 1:
            raise ValueError(f"rate must be at most 1, got {rate}")
        self._added, self._totals, self._size = slices_added, slices_totals, within or 1.0
        if failures is not None:
            self._added, self._totals, self._size = row_added, row_totals, failures
        elif last is not None:
            self._added, self._totals, self._size = ring_added, ring_totals, last
        self._rate = 1.0 if rate is None else rate
        self._min_calls = (last or 1) if min_calls is None else min_calls
        self._open_for, self._clock, self._on_change = open_for, clock, on_change
        self._ignore, self._slow_call, self._slow_rate = ignore, slow_call, slow_rate
        self._store = store or Store(clock)
        self._probe_timeout = probe_timeout
        self._lock = threading.Lock()  # guards the window of the generation
        self._kept: tuple[int, tuple] = (0, ())  # generation and window

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        version, token = self._admit()
        started = self._clock.monotonic()
        try:
            result = function()
        except BaseException as error:
            self._report(version, token, self._judge(error), started)
            raise
        self._report(version, token, SUCCESS, started)
        return result

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way."""
        version, token = self._admit()
        started = self._clock.monotonic()
        try:
            result = await function()
        except BaseException as error:
            self._report(version, token, self._judge(error), started)
            raise
        self._report(version, token, SUCCESS, started)
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        record = self._store.read()
        if not record.opened:
            return "closed"
        return "open" if self._clock.monotonic() < record.until else "half_open"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        version = self._store.read().version
        with self._lock:
            calls, failures, _ = self._totals(self._size, self._of(version), self._clock.monotonic())
        return failures / calls if calls else 0.0

    def _admit(self) -> tuple[int, int | None]:
        """The version that the call is admitted under, and the lease of a probe."""
        record, now = self._store.read(), self._clock.monotonic()
        if not record.opened:
            return record.version, None
        if now < record.until:
            raise Refused(record.until - now)
        token = self._store.lease(self._probe_timeout)
        if token is None:
            raise Refused(0.0)
        if self._store.read().version != record.version:  # another probe has decided in the meantime
            self._store.release(token)
            return self._admit()
        return record.version, token

    def _judge(self, error: BaseException) -> str:
        return FAILURE if isinstance(error, Exception) and not isinstance(error, self._ignore) else IGNORED

    def _report(self, version: int, token: int | None, outcome: str, started: float) -> None:
        now = self._clock.monotonic()
        slow = now - started >= self._slow_call
        if token is not None:
            bad = outcome == FAILURE or (slow and self._slow_rate <= 1)
            if outcome != IGNORED:
                self._move(version, bad, now)
            self._store.release(token)
        elif outcome != IGNORED and self._count(version, outcome == FAILURE, slow, now):
            self._move(version, True, now)

    def _count(self, version: int, failed: bool, slow: bool, now: float) -> bool:
        """Count a call in its own generation; whether that makes the window bad."""
        with self._lock:
            if version < self._kept[0]:
                return False
            window = self._added(self._size, self._of(version), (failed, slow), now)
            self._kept = (version, window)
            calls, failures, slows = self._totals(self._size, window, now)
        return calls >= self._min_calls and (failures / calls >= self._rate or slows / calls >= self._slow_rate)

    def _of(self, version: int) -> tuple:
        """The window of `version`, empty when that is new."""
        return self._kept[1] if version == self._kept[0] else ()

    def _move(self, version: int, opened: bool, now: float) -> None:
        """Open or close, unless somebody has moved since `version`."""
        if self._store.write(seen=version, opened=opened, until=now + self._open_for) and self._on_change:
            self._on_change("open" if opened else "closed")
