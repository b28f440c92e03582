"""Running totals beside whatever must be forgotten; a store whose version is the generation of a fleet."""

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


class Sums:
    """Three totals, and the entries they are made of."""

    def __init__(self) -> None:
        self._entries: deque[list[float]] = deque()
        self._sums = [0, 0, 0]

    def _put(self, entry: list[float], signs: int) -> None:
        for place in range(3):
            self._sums[place] += signs * int(entry[place + 1])


class Ring(Sums):
    """The last calls."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Count one call, forget the one that is `size` calls older."""
        entry = [now, 1, failed, slow]
        self._entries.append(entry)
        self._put(entry, 1)
        if len(self._entries) > self._size:
            self._put(self._entries.popleft(), -1)

    def totals(self, now: float) -> tuple[int, int, int]:
        """Calls, failures and slow calls."""
        return self._sums[0], self._sums[1], self._sums[2]


class Buckets(Sums):
    """The calls of the last seconds, one entry per slice."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._width = seconds / BUCKETS

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Count one call into the newest slice."""
        number = now // self._width
        if not self._entries or self._entries[-1][0] != number:
            self._entries.append([number, 0, 0, 0])
        entry = [number, 1, failed, slow]
        self._put(entry, 1)
        for place in (1, 2, 3):
            self._entries[-1][place] += entry[place]

    def totals(self, now: float) -> tuple[int, int, int]:
        """Forget old slices; calls, failures and slow calls."""
        while self._entries and self._entries[0][0] <= now // self._width - BUCKETS:
            self._put(self._entries.popleft(), -1)
        return self._sums[0], self._sums[1], self._sums[2]


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
            if version < self._generation:
                return False
            window = self._of(version)
            window.totals(now)
            window.add(failed, slow, now)
            calls, failures, slows = window.totals(now)
        return calls >= self._min_calls and (failures / calls >= self._rate or slows / calls >= self._slow_rate)

    def _of(self, version: int) -> Row | Ring | Buckets:
        """The window of `version`, which begins empty; with the lock held."""
        if version > self._generation:
            self._generation, self._window = version, self._new_window()
        return self._window

    def _new_window(self) -> Row | Ring | Buckets:
        failures, last, within = self._shape
        if failures is not None:
            return Row(failures)
        return Buckets(within) if last is None else Ring(last)

    def _move(self, version: int, opened: bool, now: float) -> None:
        """Open or close, unless somebody has moved since `version`."""
        if self._store.write(seen=version, opened=opened, until=now + self._open_for) and self._on_change:
            self._on_change("open" if opened else "closed")
