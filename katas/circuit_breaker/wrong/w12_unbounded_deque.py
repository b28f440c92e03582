"""Windows of calls and of seconds."""

from collections import deque
from collections.abc import Callable
from typing import Any

from interface import Clock, Refused

BUCKETS = 8


class Row:
    """Failures in a row."""

    def __init__(self, failures: int) -> None:
        self._limit, self._streak = failures, 0

    def add(self, failed: bool, now: float) -> None:
        """Count one call."""
        self._streak = self._streak + 1 if failed else 0

    def totals(self, now: float) -> tuple[int, int]:
        """Calls and failures."""
        return self._limit, self._streak


class Ring:
    """The last calls."""

    def __init__(self, size: int) -> None:
        self._calls: deque[bool] = deque(maxlen=size)

    def add(self, failed: bool, now: float) -> None:
        """Count one call."""
        self._calls.append(failed)

    def totals(self, now: float) -> tuple[int, int]:
        """Calls and failures."""
        return len(self._calls), sum(self._calls)


class Buckets:
    """The calls of the last seconds, each with its time."""

    def __init__(self, seconds: float) -> None:
        self._width = seconds / BUCKETS
        self._calls: deque[tuple[float, bool]] = deque()

    def add(self, failed: bool, now: float) -> None:
        """Count one call."""
        self._calls.append((now, failed))

    def totals(self, now: float) -> tuple[int, int]:
        """Calls and failures."""
        oldest = now // self._width - BUCKETS
        while self._calls and self._calls[0][0] // self._width <= oldest:
            self._calls.popleft()
        return len(self._calls), sum(failed for _, failed in self._calls)


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
    ) -> None:
        numbers = (failures, rate, last, within, min_calls, open_for)
        if any(number is not None and not number > 0 for number in numbers):
            raise ValueError(f"every number must be above 0, got {numbers}")
        elif (failures is None) == (rate is None) or (rate is not None) != ((last is None) != (within is None)):
            raise ValueError("give failures=, or rate= and one of last= and within=")
        elif rate is not None and rate > 1:
            raise ValueError(f"rate must be at most 1, got {rate}")
        self._shape = (failures, last, within)
        self._rate = 1.0 if rate is None else rate
        self._min_calls = (last or 1) if min_calls is None else min_calls
        self._open_for, self._clock = open_for, clock
        self._window = self._new_window()
        self._opened, self._until = False, 0.0

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        if self.state() == "open":
            raise Refused(self._until - self._clock.monotonic())
        try:
            result = function()
        except Exception:
            self._report(failed=True)
            raise
        self._report(failed=False)
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        if not self._opened:
            return "closed"
        return "open" if self._clock.monotonic() < self._until else "half_open"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        calls, failures = self._window.totals(self._clock.monotonic())
        return failures / calls if calls else 0.0

    def _report(self, *, failed: bool) -> None:
        now = self._clock.monotonic()
        if self._opened:
            self._move(failed, now)
            return
        self._window.add(failed, now)
        if self._bad(now):
            self._move(True, now)

    def _bad(self, now: float) -> bool:
        calls, failures = self._window.totals(now)
        return calls >= self._min_calls and failures / calls >= self._rate

    def _new_window(self) -> Row | Ring | Buckets:
        failures, last, within = self._shape
        if failures is not None:
            return Row(failures)
        return Buckets(within) if last is None else Ring(last)

    def _move(self, opened: bool, now: float) -> None:
        """Open or close, with an empty window."""
        self._opened, self._until = opened, now + self._open_for
        self._window = self._new_window()
