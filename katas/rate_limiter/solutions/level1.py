"""A fixed window per key."""

import math
from collections.abc import Hashable

from interface import Clock, Decision


class RateLimiter:
    """At most `limit` units per window of `period` seconds for each key."""

    def __init__(self, *, limit: int, period: float, clock: Clock) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        if not period > 0:
            raise ValueError(f"period must be above 0 seconds, got {period}")
        self._limit, self._period, self._clock = limit, period, clock
        self._spent: dict[Hashable, tuple[float, int]] = {}  # key -> (number of the window, units spent in it)

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""
        return self._decide(key, cost, spend=True)

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
        return self._decide(key, cost, spend=False)

    def _decide(self, key: Hashable, cost: int, *, spend: bool) -> Decision:
        if cost < 1:
            raise ValueError(f"cost must be at least 1, got {cost}")
        now = self._clock.monotonic()
        window = now // self._period
        last, spent = self._spent.get(key, (window, 0))
        free = self._limit - (spent if last == window else 0)
        if cost > free:
            return Decision(False, free, (window + 1) * self._period - now if cost <= self._limit else math.inf)
        if spend:
            self._spent[key] = window, self._limit - free + cost
        return Decision(True, free - cost, 0.0)
