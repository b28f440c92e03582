"""A ticket per call, which is a context; windows are a fixed number of cells, written over when their turn comes again."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from interface import Clock, Refused, Store


class Cells:
    """The newest `size` numbers of calls or of slices; the cell of number n is n modulo `size`."""

    def __init__(self, size: int) -> None:
        self._cells: list[list[float]] = [[-1, 0, 0, 0] for _ in range(size)]

    def add(self, number: float, failed: bool, slow: bool) -> None:
        """Count one call; numbers never fall."""
        cell = self._cells[int(number) % len(self._cells)]
        if cell[0] != number:
            cell[:] = number, 0, 0, 0
        cell[1] += 1
        cell[2] += failed
        cell[3] += slow

    def totals(self, newest: float) -> list[float]:
        """Calls, failures, slow calls."""
        living = [cell for cell in self._cells if cell[0] > newest - len(self._cells)]
        return [sum(cell[place] for cell in living) for place in (1, 2, 3)]


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
        for name, number in sorted(locals().items()):
            if isinstance(number, int | float) and number <= 0:
                raise ValueError(f"{name} must be above 0, got {number}")
        if (failures is None) == (rate is None) or sum(each is not None for each in (failures, last, within)) != 1:
            raise ValueError("give failures=, or rate= and one of last= and within=")
        if rate is not None and rate > 1:
            raise ValueError(f"rate must be at most 1, got {rate}")
        self.clock, self.store, self.open_for, self.probe_timeout = clock, store or Store(clock), open_for, probe_timeout
        self.ignore, self.slow_call, self.slow_rate, self._on_change = ignore, slow_call, slow_rate, on_change
        self._size = failures or last or 8
        self._width = within and within / 8
        self._in_a_row, self._rate = failures is not None, rate or 1.0
        self._least = min_calls or failures or last or 1
        self._lock = threading.Lock()  # guards the three below
        self._version, self._count, self._cells = 0, 0, Cells(self._size)

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        with Ticket(self):
            return function()

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way."""
        with Ticket(self):
            return await function()

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        record = self.store.read()
        if not record.opened:
            return "closed"
        return "open" if self.clock.monotonic() < record.until else "half_open"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        version, number = self.store.read().version, self._slice()
        with self._lock:
            calls, failures, _ = self._totals(number) if version == self._version else (0, 0, 0)
        return failures / calls if calls else 0.0

    def count(self, version: int, failed: bool, slow: bool) -> bool:
        """Count a call of the generation `version`, unless that is over; whether it makes the window bad."""
        number = self._slice()
        with self._lock:
            if version < self._version:
                return False
            if version > self._version or (self._in_a_row and not failed):
                self._version, self._count, self._cells = version, 0, Cells(self._size)
            if failed or not self._in_a_row:
                self._count += 1
                self._cells.add(self._count if number is None else number, failed, slow)
            calls, failures, slows = self._totals(number)
        return calls >= self._least and (failures / calls >= self._rate or slows / calls >= self.slow_rate)

    def move(self, version: int, opened: bool) -> None:
        """Open or close, unless somebody has moved since `version`."""
        until = self.clock.monotonic() + self.open_for
        if self.store.write(seen=version, opened=opened, until=until) and self._on_change:
            self._on_change("open" if opened else "closed")

    def _slice(self) -> float | None:
        return self.clock.monotonic() // self._width if self._width else None

    def _totals(self, number: float | None) -> list[float]:
        return self._cells.totals(self._count if number is None else number)


class Ticket:
    """Leave for one call: knows what it was admitted under and since when, and reports when the block ends."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        while not self._admitted():
            pass
        self._began = self._breaker.clock.monotonic()

    def _admitted(self) -> bool:
        """Raise `Refused`, or take what the call needs; False when the circuit has moved meanwhile."""
        breaker, store = self._breaker, self._breaker.store
        record, now = store.read(), breaker.clock.monotonic()
        self._version, self._lease = record.version, None
        if not record.opened:
            return True
        if now < record.until:
            raise Refused(record.until - now)
        self._lease = store.lease(breaker.probe_timeout)
        if self._lease is None:
            raise Refused(0.0)
        if store.read().version == record.version:
            return True
        store.release(self._lease)
        return False

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        breaker = self._breaker
        slow = breaker.clock.monotonic() - self._began >= breaker.slow_call
        failed = isinstance(error, Exception) and not isinstance(error, breaker.ignore)
        counts = error is None or failed
        if self._lease is None:
            if counts and breaker.count(self._version, failed, slow):
                breaker.move(self._version, True)
            return
        if counts:
            breaker.move(self._version, failed or (slow and breaker.slow_rate <= 1))
        breaker.store.release(self._lease)
