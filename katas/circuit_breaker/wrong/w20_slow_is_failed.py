"""A window per generation, a lock around decisions only, and three outcomes."""

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from interface import Clock, Refused

SUCCESS, FAILURE, IGNORED = "success", "failure", "ignored"
BUCKETS = 8


class Row:
    """Failures in a row."""

    def __init__(self, failures: int) -> None:
        self._limit, self._streak = failures, 0

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Count one call."""
        self._streak = self._streak + 1 if failed else 0

    def totals(self, now: float) -> tuple[int, int, int]:
        """Calls, failures and slow calls."""
        return self._limit, self._streak, 0


class Ring:
    """The last calls."""

    def __init__(self, size: int) -> None:
        self._calls: deque[tuple[bool, bool]] = deque(maxlen=size)

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Count one call."""
        self._calls.append((failed, slow))

    def totals(self, now: float) -> tuple[int, int, int]:
        """Calls, failures and slow calls."""
        return len(self._calls), sum(failed for failed, _ in self._calls), sum(slow for _, slow in self._calls)


class Buckets:
    """The calls of the last seconds, in slices that leave as a whole: slice number -> [calls, failures, slow]."""

    def __init__(self, seconds: float) -> None:
        self._width = seconds / BUCKETS
        self._slices: dict[float, list[int]] = {}

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Count one call."""
        counts = self._slices.setdefault(now // self._width, [0, 0, 0])
        for place, one in enumerate((True, failed, slow)):
            counts[place] += one

    def totals(self, now: float) -> tuple[int, int, int]:
        """Calls, failures and slow calls."""
        oldest = now // self._width - BUCKETS
        self._slices = {number: counts for number, counts in self._slices.items() if number > oldest}
        calls, failures, slow = (sum(counts[place] for counts in self._slices.values()) for place in range(3))
        return calls, failures, slow


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
    ) -> None:
        numbers = (failures, rate, last, within, min_calls, open_for, slow_call, slow_rate)
        if any(number is not None and not number > 0 for number in numbers):
            raise ValueError(f"every number must be above 0, got {numbers}")
        elif (failures is None) == (rate is None) or (rate is not None) != ((last is None) != (within is None)):
            raise ValueError("give failures=, or rate= and one of last= and within=")
        elif rate is not None and rate > 1:
            raise ValueError(f"rate must be at most 1, got {rate}")
        self._shape = (failures, last, within)
        self._rate = 1.0 if rate is None else rate
        self._min_calls = (last or 1) if min_calls is None else min_calls
        self._open_for, self._clock, self._on_change = open_for, clock, on_change
        self._ignore, self._slow_call, self._slow_rate = ignore, slow_call, slow_rate
        self._lock = threading.Lock()  # guards all that follows
        self._generation, self._window = 0, self._new_window()
        self._opened, self._until = False, 0.0
        self._probing = False

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        generation, probe = self._admit()
        started = self._clock.monotonic()
        try:
            result = function()
        except BaseException as error:
            self._report(generation, probe, self._judge(error), started)
            raise
        self._report(generation, probe, SUCCESS, started)
        return result

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way."""
        generation, probe = self._admit()
        started = self._clock.monotonic()
        try:
            result = await function()
        except BaseException as error:
            self._report(generation, probe, self._judge(error), started)
            raise
        self._report(generation, probe, SUCCESS, started)
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        with self._lock:
            if not self._opened:
                return "closed"
            return "open" if self._clock.monotonic() < self._until else "half_open"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        with self._lock:
            calls, failures, _ = self._window.totals(self._clock.monotonic())
        return failures / calls if calls else 0.0

    def _admit(self) -> tuple[int, bool]:
        """The generation that the call is admitted in, and whether it is the probe."""
        now = self._clock.monotonic()
        with self._lock:
            if not self._opened:
                return self._generation, False
            if now < self._until:
                raise Refused(self._until - now)
            if self._probing:
                raise Refused(0.0)
            self._probing = True
            return self._generation, True

    def _judge(self, error: BaseException) -> str:
        return FAILURE if isinstance(error, Exception) and not isinstance(error, self._ignore) else IGNORED

    def _report(self, generation: int, probe: bool, outcome: str, started: float) -> None:
        now = self._clock.monotonic()
        slow = now - started >= self._slow_call
        moved = False
        with self._lock:
            if generation != self._generation:
                return
            if probe:
                self._probing = False
            if outcome == IGNORED:
                return
            failed = outcome == FAILURE or slow
            if probe:
                moved = self._move(failed or (slow and self._slow_rate <= 1), now)
            else:
                self._window.add(failed, slow, now)
                moved = self._bad(now) and self._move(True, now)
            opened = self._opened
        if moved and self._on_change:
            self._on_change("open" if opened else "closed")

    def _bad(self, now: float) -> bool:
        calls, failures, slow = self._window.totals(now)
        return calls >= self._min_calls and (failures / calls >= self._rate or slow / calls >= self._slow_rate)

    def _new_window(self) -> Row | Ring | Buckets:
        failures, last, within = self._shape
        if failures is not None:
            return Row(failures)
        return Buckets(within) if last is None else Ring(last)

    def _move(self, opened: bool, now: float) -> bool:
        """Open or close: a new generation, with an empty window; with the lock held."""
        self._opened, self._until = opened, now + self._open_for
        self._generation, self._window = self._generation + 1, self._new_window()
        return True
