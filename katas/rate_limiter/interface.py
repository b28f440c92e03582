"""What every solution of this kata gets and gives: the clock, the decision, and the shape of the limiter."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol


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
        """Block the calling thread for `seconds` (asked from level 5 on)."""


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
    ) -> None: ...

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
