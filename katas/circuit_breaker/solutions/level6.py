"""A window per generation, a lock around decisions only, and a store whose version is the generation of a fleet."""

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from interface import Clock, Refused, Store

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
        store: Store | None = None,
        probe_timeout: float = 60.0,
    ) -> None:
        numbers = (failures, rate, last, within, min_calls, open_for, slow_call, slow_rate, probe_timeout)
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
        self._store = store or Store(clock)
        self._probe_timeout = probe_timeout
        self._lock = threading.Lock()  # guards the window of the generation
        self._generation, self._window = 0, self._new_window()

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
            calls, failures, _ = self._of(version).totals(self._clock.monotonic())
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
        elif self._store.read().version != record.version:  # another probe has decided in the meantime
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
            window = self._of(version)
            window.add(failed, slow, now)
            calls, failures, slows = window.totals(now)
        return calls >= self._min_calls and (failures / calls >= self._rate or slows / calls >= self._slow_rate)

    def _of(self, version: int) -> Row | Ring | Buckets:
        """The window of `version`, which begins empty; one that nobody keeps if that is over. With the lock held."""
        if version > self._generation:
            self._generation, self._window = version, self._new_window()
        return self._window if version == self._generation else self._new_window()

    def _new_window(self) -> Row | Ring | Buckets:
        failures, last, within = self._shape
        if failures is not None:
            return Row(failures)
        return Buckets(within) if last is None else Ring(last)

    def _move(self, version: int, opened: bool, now: float) -> None:
        """Open or close, unless somebody has moved since `version`."""
        if self._store.write(seen=version, opened=opened, until=now + self._open_for) and self._on_change:
            self._on_change("open" if opened else "closed")
