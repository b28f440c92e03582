"""One generator per call, which is started to be admitted and is sent the end; windows are tuples, replaced whole."""

import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from interface import Clock, Refused, Store

Window = tuple[tuple[float, int, int, int], ...]  # number of a slice or of a call, calls, failures, slow calls
Steps = Generator[None, BaseException | None, None]


def added(window: Window, number: float, failed: bool, slow: bool) -> Window:
    """The window with one call more."""
    calls, failures, slows = (0, 0, 0) if not window or window[-1][0] != number else window[-1][1:]
    rest = window[:-1] if calls else window
    return (*rest, (number, calls + 1, failures + failed, slows + slow))


def totals(window: Window) -> tuple[int, int, int]:
    """Calls, failures, slow calls."""
    return sum(each[1] for each in window), sum(each[2] for each in window), sum(each[3] for each in window)


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
        slow_rate: float = float("inf"),
        store: Store | None = None,
        probe_timeout: float = 60.0,
    ) -> None:
        if failures is not None and rate is None and last is None and within is None:
            self._size, self._width, least = failures, None, failures
        elif failures is None and rate is not None and last is not None and within is None:
            self._size, self._width, least = last, None, last
        elif failures is None and rate is not None and last is None and within is not None:
            self._size, self._width, least = 8, within / 8, 1
        else:
            raise ValueError("give failures=, or rate= and one of last= and within=")
        self._in_a_row, self._rate = rate is None, 1.0 if rate is None else rate
        self._least = least if min_calls is None else min_calls
        numbers = (self._size, self._width or 1, self._rate, self._least, open_for, slow_call, slow_rate, probe_timeout)
        if min(numbers) <= 0 or self._rate > 1:
            raise ValueError(f"numbers must be above 0, and a rate at most 1, got {numbers}")
        self._open_for, self._clock, self._on_change = open_for, clock, on_change
        self._ignore, self._slow_call, self._slow_rate = ignore, slow_call, slow_rate
        self._store, self._probe_timeout = store or Store(clock), probe_timeout
        self._lock = threading.Lock()
        self._kept: tuple[int, int, Window] = (0, 0, ())  # version, calls since then, window

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        steps = self._begun()
        try:
            result = function()
        except BaseException as error:
            self._finish(steps, error)
            raise
        self._finish(steps, None)
        return result

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way."""
        steps = self._begun()
        try:
            result = await function()
        except BaseException as error:
            self._finish(steps, error)
            raise
        self._finish(steps, None)
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        record = self._store.read()
        if record.opened and self._clock.monotonic() < record.until:
            return "open"
        return "half_open" if record.opened else "closed"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        version, now = self._store.read().version, self._clock.monotonic()
        calls, failures, _ = totals(self._current(version, now))
        return failures / calls if calls else 0.0

    # -- a call ----------------------------------------------------------------------------------------------------

    def _begun(self) -> Steps:
        steps = self._steps()
        next(steps)
        return steps

    def _finish(self, steps: Steps, error: BaseException | None) -> None:
        try:
            steps.send(error)
        except StopIteration:
            pass

    def _steps(self) -> Steps:
        record = self._store.read()
        if not record.opened:
            failed, slow = yield from self._timed()
            if failed is not None and self._bad(record.version, failed, slow):
                self._move(record.version, opened=True)
            return
        now = self._clock.monotonic()
        if now < record.until:
            raise Refused(record.until - now)
        token = self._store.lease(self._probe_timeout)
        if token is None:
            raise Refused(0.0)
        try:
            if self._store.read().version == record.version:
                failed, slow = yield from self._timed()
                if failed is not None:
                    self._move(record.version, opened=failed or (slow and self._slow_rate <= 1))
                return
        finally:
            self._store.release(token)
        yield from self._steps()  # another probe has decided in the meantime

    def _timed(self) -> Generator[None, BaseException | None, tuple[bool | None, bool]]:
        """Whether the call fails, or None if that says nothing, and whether it is slow."""
        began = self._clock.monotonic()
        error = yield
        slow = self._clock.monotonic() - began >= self._slow_call
        if error is None:
            return False, slow
        return (None if not isinstance(error, Exception) or isinstance(error, self._ignore) else True), slow

    # -- windows ---------------------------------------------------------------------------------------------------

    def _current(self, version: int, now: float) -> Window:
        """What still counts of the window of `version`."""
        known, count, window = self._kept
        if known != version:
            return ()
        newest = count if self._width is None else now // self._width
        return tuple(each for each in window if each[0] > newest - self._size)

    def _bad(self, version: int, failed: bool, slow: bool) -> bool:
        """Count a call, unless its generation is over; whether that makes the window bad."""
        now = self._clock.monotonic()
        with self._lock:
            known, count, _ = self._kept
            if version < known:
                return False
            count = count + 1 if version == known else 1
            window = () if self._in_a_row and not failed else self._current(version, now)
            if failed or not self._in_a_row:
                window = added(window, count if self._width is None else now // self._width, failed, slow)
            self._kept = (version, count, window)
            calls, failures, slows = totals(self._current(version, now))
        return calls >= self._least and (failures / calls >= self._rate or slows / calls >= self._slow_rate)

    def _move(self, version: int, *, opened: bool) -> None:
        """Open or close, unless somebody has moved since `version`."""
        until = self._clock.monotonic() + self._open_for
        if self._store.write(seen=version, opened=opened, until=until) and self._on_change:
            self._on_change("open" if opened else "closed")
