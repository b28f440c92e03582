"""What every solution of this kata gets and gives: the clock, the decision, the server, the shape of the limiter."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request.

    `remaining`: whole units the key could still spend now, after this call.
    `retry_after`: 0.0 if allowed, else the seconds until the same call would be allowed if nobody spent meanwhile;
    `math.inf` if never.
    """

    allowed: bool
    remaining: int
    retry_after: float


class Clock(Protocol):
    """Time as it is given to the limiter."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""

    def sleep(self, seconds: float, /) -> None:
        """Block the calling thread for `seconds`; asked from level 5 on."""


class Redis:
    """A fake Redis (level 6): one dictionary with expiry, and a clock of its own.

    Every command is one trip to the server and one step that nothing can interrupt. A script is one trip and one step
    as a whole: `redis.eval(script)` calls `script(redis)` on the server. `trips` counts. `on_trip` is called before each
    trip; the checks let other clients act there, or break the connection.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[Hashable, int] = {}
        self._ends: dict[Hashable, float] = {}
        self._in_script = False
        self.trips = 0
        self.on_trip: Callable[[], object] = lambda: None

    def time(self) -> float:
        """The server's clock in seconds."""
        self._arrive()
        return self._clock.monotonic()

    def get(self, key: Hashable) -> int | None:
        """The number stored under `key`; None if there is none, or if it has expired."""
        self._arrive()
        return self._values.get(key)

    def incrby(self, key: Hashable, amount: int) -> int:
        """Add to the number under `key` (0 if there is none) and return the sum; its expiry stays as it is."""
        self._arrive()
        self._values[key] = self._values.get(key, 0) + amount
        return self._values[key]

    def expire(self, key: Hashable, seconds: float) -> None:
        """Let `key` vanish in `seconds`; an earlier order is forgotten."""
        self._arrive()
        if key in self._values:
            self._ends[key] = self._clock.monotonic() + seconds

    def delete(self, key: Hashable) -> None:
        """Remove `key`."""
        self._arrive()
        self._values.pop(key, None)
        self._ends.pop(key, None)

    def eval(self, script: Callable[["Redis"], Any]) -> Any:
        """Run `script(redis)` as one step and return what it returns."""
        self._arrive()
        self._in_script = True
        try:
            return script(self)
        finally:
            self._in_script = False

    def keys(self) -> list[Hashable]:
        """What is stored now; for the checks."""
        self._expire()
        return list(self._values)

    def _arrive(self) -> None:
        if not self._in_script:
            self.trips += 1
            self.on_trip()
        self._expire()

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for key in [key for key, end in self._ends.items() if end <= now]:
            del self._values[key], self._ends[key]

    def __repr__(self) -> str:
        return "redis"


class RateLimiter(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        limit: int,
        period: float,
        burst: int = ...,  # level 2; the limit, unless it is given
        algorithm: str = "fixed_window",  # level 2
        clock: Clock,
        redis: Redis = ...,  # level 6; none, unless it is given
        lease: int = 1,  # level 6
    ) -> None: ...

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""

    def __len__(self) -> int:
        """How many keys are not idle (level 4)."""

    def throttle(self, key: Hashable, *, cost: int = 1, timeout: float) -> Decision:
        """Wait in line until the units are there, but not longer than `timeout` seconds (level 5)."""
