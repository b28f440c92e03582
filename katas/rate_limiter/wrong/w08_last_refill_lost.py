"""A fixed window or a token bucket per key: pure algorithms, and a limiter that keeps their states."""

import math
from collections.abc import Hashable
from typing import Any

from interface import Clock, Decision


class FixedWindow:
    """State: (number of the window, units spent in it)."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self._limit, self._period = limit, period

    def decide(self, state: Any, now: float, cost: int) -> tuple[Decision, Any]:
        """The answer, and the state once the units are taken."""
        window = now // self._period
        last, spent = state or (window, 0)
        free = self._limit - (spent if last == window else 0)
        if cost > free:
            return Decision(False, free, (window + 1) * self._period - now if cost <= self._limit else math.inf), state
        return Decision(True, free - cost, 0.0), (window, self._limit - free + cost)


class TokenBucket:
    """State: (tokens, when there were so many)."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self._rate, self._burst = limit / period, burst

    def decide(self, state: Any, now: float, cost: int) -> tuple[Decision, Any]:
        """The answer, and the state once the units are taken."""
        tokens, since = state or (self._burst, now)
        tokens = min(self._burst, tokens + math.floor((now - since) * self._rate))
        if cost > tokens:
            wait = (cost - tokens) / self._rate if cost <= self._burst else math.inf
            return Decision(False, math.floor(tokens), wait), (tokens, now)
        return Decision(True, math.floor(tokens - cost), 0.0), (tokens - cost, now)


ALGORITHMS = {"fixed_window": FixedWindow, "token_bucket": TokenBucket}


class RateLimiter:
    """At most `limit` units per `period` seconds for each key, as `algorithm` counts them."""

    def __init__(
        self, *, limit: int, period: float, burst: int | None = None, algorithm: str = "fixed_window", clock: Clock
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        if not period > 0:
            raise ValueError(f"period must be above 0 seconds, got {period}")
        if burst is not None and burst < 1:
            raise ValueError(f"burst must be at least 1, got {burst}")
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
        self._algorithm = ALGORITHMS[algorithm](limit, period, limit if burst is None else burst)
        self._clock = clock
        self._latest = -math.inf  # the highest reading so far
        self._states: dict[Hashable, Any] = {}

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""
        decision, after = self._decide(key, cost)
        self._states[key] = after
        return decision

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
        return self._decide(key, cost)[0]

    def _decide(self, key: Hashable, cost: int) -> tuple[Decision, Any]:
        if cost < 1:
            raise ValueError(f"cost must be at least 1, got {cost}")
        self._latest = max(self._latest, self._clock.monotonic())
        return self._algorithm.decide(self._states.get(key), self._latest, cost)
