"""What every solution of this kata gets and gives: the clock, the errors, the store, the shape of the breaker."""

import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol


class Refused(Exception):
    """The call was not made; `retry_after` is how many seconds are left until a probe may pass, 0.0 if unknown."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Down(Exception):
    """The dependency has failed; one of the errors that the checks let calls end with."""


class Busy(Exception):
    """The caller's own fault; the checks name it in `ignore` (level 5)."""


class Stop(BaseException):
    """Somebody ended the call from outside, as a cancellation does; no `Exception` (level 5)."""


class Clock(Protocol):
    """Time as it is given to the breaker; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the store keeps (level 6): whether the circuit is open, and until when."""

    version: int
    opened: bool
    until: float


class Store:
    """A fake shared store (level 6): one record with a version, and one lease for a probe.

    Every method is one trip and one step that nothing can interrupt. `on_trip` is called before each trip; the checks
    let other processes act there.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._record = Record(0, False, 0.0)
        self._lease: tuple[int, float] = (0, 0.0)
        self._given = 0
        self._lock = threading.Lock()
        self.on_trip: Callable[[], object] = lambda: None

    def read(self) -> Record:
        """The record now."""
        self.on_trip()
        with self._lock:
            return self._record

    def write(self, *, seen: int, opened: bool, until: float) -> bool:
        """Replace the record and raise its version, unless its version is another than `seen`."""
        self.on_trip()
        with self._lock:
            if self._record.version != seen:
                return False
            self._record = Record(seen + 1, opened, until)
            return True

    def lease(self, seconds: float) -> int | None:
        """A token for the only probe, which ends by itself after `seconds`; None while somebody has one."""
        self.on_trip()
        now = self._clock.monotonic()
        with self._lock:
            if self._lease[1] > now:
                return None
            self._given += 1
            self._lease = (self._given, now + seconds)
            return self._given

    def release(self, token: int) -> None:
        """End the lease of `token`; that of another holder stays."""
        self.on_trip()
        with self._lock:
            if self._lease[0] == token:
                self._lease = (0, 0.0)

    def __repr__(self) -> str:
        return "store"


def driven(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits; for the checks."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the coroutine waits for something")


class Breaker(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        failures: int = ...,
        rate: float = ...,  # level 2
        last: int = ...,  # level 2
        within: float = ...,  # level 3
        min_calls: int = ...,  # level 3; `last`, or 1, unless it is given
        open_for: float,
        clock: Clock,
        on_change: Callable[[str], object] = ...,  # level 4
        ignore: tuple[type[Exception], ...] = (),  # level 5
        slow_call: float = ...,  # level 5
        slow_rate: float = ...,  # level 5
        store: Store = ...,  # level 6
        probe_timeout: float = 60.0,  # level 6
    ) -> None: ...

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""

    def state(self) -> str:
        """ "closed", "open" or "half_open", as of now."""

    def failure_rate(self) -> float:
        """Failures per call of the window (level 2)."""

    async def acall(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Await `function()` in the same way (level 5)."""
