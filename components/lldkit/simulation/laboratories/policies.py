"""The clients of the laboratories: whether a failed call is made again, when, and out of which budget.

The laboratories take any `ClientPolicy`, so that a real retry policy can stand in; these are the textbook ones.
"""

from collections.abc import Callable
from random import Random
from typing import Protocol

__all__ = ["Budget", "ClientPolicy", "Delay", "Retries", "at_once", "full_jitter"]

Delay = Callable[[int, Random], float]
"""Seconds to wait before a retry, given how often the request has failed (from 1)."""


class ClientPolicy(Protocol):
    """One client's answer to failure. Times are simulated seconds."""

    def started(self, now: float) -> None:
        """Hear that a new request is made; not called for its retries."""
        ...

    def retry(self, failures: int, now: float, rng: Random) -> float | None:
        """Return the seconds to wait before trying a request again that failed `failures` times; None: give up."""
        ...


class Budget:
    """A token bucket for retries: every request adds `ratio` tokens up to `capacity`, every retry takes one.

    In the long run retries are at most `ratio` of the requests. It starts full. (Brooker, Fixing Retries with Token
    Buckets and Circuit Breakers, 2022.)
    """

    def __init__(self, ratio: float = 0.1, *, capacity: float = 5.0) -> None:
        if not (ratio >= 0 and capacity >= 0):
            raise ValueError(f"a budget has a ratio and a capacity >= 0, got {ratio!r} and {capacity!r}")
        self.ratio = ratio
        self.capacity = capacity
        self.tokens = capacity

    def earn(self) -> None:
        """Add what one request brings."""
        self.tokens = min(self.capacity, self.tokens + self.ratio)

    def spend(self) -> bool:
        """Take the token of one retry; False when there is none."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Retries:
    """Up to `times` retries per request (0: none), each after `delay`, as long as the `budget` lasts.

    >>> policy = Retries(2)
    >>> [policy.retry(failures, now=0.0, rng=Random(1)) for failures in (1, 2, 3)]
    [0.0, 0.0, None]
    """

    def __init__(self, times: int, *, delay: Delay | None = None, budget: Budget | None = None) -> None:
        if times < 0:
            raise ValueError(f"times is a number of retries >= 0, got {times!r}")
        self._times = times
        self._delay = delay or at_once
        self._budget = budget

    def started(self, now: float) -> None:  # noqa: ARG002 - this budget counts requests, not seconds
        """Pay into the budget."""
        if self._budget is not None:
            self._budget.earn()

    def retry(self, failures: int, now: float, rng: Random) -> float | None:  # noqa: ARG002 - as above
        """Return the delay while retries and budget are left."""
        if failures > self._times or (self._budget is not None and not self._budget.spend()):
            return None
        return self._delay(failures, rng)


def at_once(failures: int, rng: Random) -> float:  # noqa: ARG001 - a `Delay`
    """Wait not at all."""
    return 0.0


def full_jitter(base: float = 0.1, cap: float = 20.0) -> Delay:
    """Return a delay drawn evenly from 0 to min(cap, base x 2^failures) seconds (Brooker, 2015)."""

    def delay(failures: int, rng: Random) -> float:
        return rng.uniform(0.0, min(cap, base * 2.0 ** min(failures, 64)))

    return delay
