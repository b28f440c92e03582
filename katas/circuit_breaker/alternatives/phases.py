"""An object for each phase of the circuit: a late result reaches a phase that is over, whose word the store refuses."""

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from interface import Clock, Record, Refused, Store

SLICES = 8
RULES = ([True, False, False, False], [False, True, True, False], [False, True, False, True])  # what goes together


class Totals:
    """Calls, failures and slow calls: entries of [key, calls, failures, slow], and what they sum up to."""

    def __init__(self) -> None:
        self.entries: deque[list[float]] = deque()
        self.sums = [0.0, 0.0, 0.0]

    def put(self, key: float, failed: bool, slow: bool) -> None:
        """Count one call, in the newest entry if that has the same key."""
        if not self.entries or self.entries[-1][0] != key:
            self.entries.append([key, 0, 0, 0])
        for place, one in enumerate((1, failed, slow)):
            self.entries[-1][place + 1] += one
            self.sums[place] += one

    def drop(self, up_to: float) -> None:
        """Forget the entries with keys up to this one."""
        while self.entries and self.entries[0][0] <= up_to:
            for place, one in enumerate(self.entries.popleft()[1:]):
                self.sums[place] -= one


class Closed:
    """Counts the calls that it has let through; n failures in a row are a rate of 1.0 over the last n."""

    def __init__(self, breaker: "Breaker", version: int) -> None:
        self._breaker, self.version = breaker, version
        self._lock = threading.Lock()
        self._totals, self._ended = Totals(), 0

    def admit(self) -> bool:
        """Everybody may pass."""
        return True

    def rate(self) -> float:
        """Failures per call."""
        with self._lock:
            self._forget()
            calls, failures, _ = self._totals.sums
        return failures / calls if calls else 0.0

    def ended(self, outcome: str, slow: bool) -> None:
        """Count a call; open when that is enough."""
        if outcome == "ignored":
            return
        with self._lock:
            self._ended += 1
            self._totals.put(self._key(), outcome == "failure", slow)
            self._forget()
            calls, failures, slows = self._totals.sums
        rule = self._breaker
        if calls >= rule.least and (failures >= rule.rate * calls or slows >= rule.slow_rate * calls):
            rule.move(self.version, opened=True)

    def _key(self) -> float:
        within = self._breaker.within
        return self._breaker.clock.monotonic() * SLICES // within if within else self._ended

    def _forget(self) -> None:
        kept = SLICES if self._breaker.within else self._breaker.last
        self._totals.drop(self._key() - kept)


class Opened:
    """Refuses until its time is over, and then lets one probe pass: the one with the lease."""

    def __init__(self, breaker: "Breaker", record: Record) -> None:
        self._breaker, self._until, self.version = breaker, record.until, record.version
        self._token: int | None = None

    def admit(self) -> bool:
        """Refuse, or take the lease; False when the circuit has moved on meanwhile."""
        left = self._until - self._breaker.clock.monotonic()
        if left > 0:
            raise Refused(left)
        store = self._breaker.store
        token = store.lease(self._breaker.probe_timeout)
        if token is None:
            raise Refused(0.0)
        if store.read().version != self.version:
            store.release(token)
            return False
        self._token = token
        return True

    def rate(self) -> float:
        """An open circuit counts nothing."""
        return 0.0

    def ended(self, outcome: str, slow: bool) -> None:
        """The probe has decided, or has said nothing."""
        token = self._token
        if outcome != "ignored":
            self._breaker.move(self.version, opened=outcome == "failure" or (slow and self._breaker.slow_rate <= 1))
        if token is not None:
            self._breaker.store.release(token)


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
        slow_call: float | None = None,
        slow_rate: float | None = None,
        store: Store | None = None,
        probe_timeout: float = 60.0,
    ) -> None:
        given = [failures, rate, last, within, min_calls, open_for, slow_call, slow_rate, probe_timeout]
        if any(number is not None and number <= 0 for number in given) or (rate or 0) > 1:
            raise ValueError(f"numbers must be above 0, and rates at most 1, got {given}")
        if [number is not None for number in given[:4]] not in RULES:
            raise ValueError("give failures=, or rate= with last=, or rate= with within=")
        self.rate, self.last, self.within = rate or 1.0, last or failures or 0, within or 0.0
        self.least = min_calls or self.last or 1
        self._open_for, self.clock, self._on_change = open_for, clock, on_change
        self._ignore, self._slow_call, self.slow_rate = ignore, slow_call, slow_rate or 2.0
        self.store, self.probe_timeout = store or Store(clock), probe_timeout
        self._lock, self._closed = threading.Lock(), Closed(self, 0)

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        phase, began = self._admitted(), self.clock.monotonic()
        try:
            result = function()
        except BaseException as error:
            self._ended(phase, began, error)
            raise
        self._ended(phase, began)
        return result

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way."""
        phase, began = self._admitted(), self.clock.monotonic()
        try:
            result = await function()
        except BaseException as error:
            self._ended(phase, began, error)
            raise
        self._ended(phase, began)
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        record = self.store.read()
        if not record.opened:
            return "closed"
        return "open" if self.clock.monotonic() < record.until else "half_open"

    def failure_rate(self) -> float:
        """Failures per call of the window."""
        return self._phase().rate()

    def move(self, version: int, *, opened: bool) -> None:
        """Open or close, unless somebody has moved since `version`."""
        until = self.clock.monotonic() + self._open_for
        if self.store.write(seen=version, opened=opened, until=until) and self._on_change:
            self._on_change("open" if opened else "closed")

    def _phase(self) -> Closed | Opened:
        record = self.store.read()
        if record.opened:
            return Opened(self, record)
        with self._lock:
            if self._closed.version < record.version:
                self._closed = Closed(self, record.version)
            return self._closed

    def _admitted(self) -> Closed | Opened:
        while not (phase := self._phase()).admit():
            pass
        return phase

    def _ended(self, phase: Closed | Opened, began: float, error: BaseException | None = None) -> None:
        outcome = "success" if error is None else "failure"
        if error is not None and (not isinstance(error, Exception) or isinstance(error, self._ignore)):
            outcome = "ignored"
        took = self.clock.monotonic() - began
        phase.ended(outcome, self._slow_call is not None and took >= self._slow_call)
