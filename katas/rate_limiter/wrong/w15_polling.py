"""Pure algorithms, and a limiter for threads: a call that waits takes its units first and sleeps afterwards."""

import heapq
import itertools
import math
import threading
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
        _, spent = state or (window, 0)  # a state of an earlier window is forgotten by now
        free = self._limit - spent
        if cost > free:
            return Decision(False, free, (window + 1) * self._period - now if cost <= self._limit else math.inf), state
        return Decision(True, free - cost, 0.0), (window, self._limit - free + cost)

    def idle_at(self, state: Any) -> float:
        """From then on the state is worth as much as none."""
        return (state[0] + 1) * self._period


class TokenBucket:
    """State: (tokens, when there were so many)."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self._rate, self._burst = limit / period, burst

    def decide(self, state: Any, now: float, cost: int) -> tuple[Decision, Any]:
        """The answer, and the state once the units are taken."""
        tokens, since = state or (self._burst, now)
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        after = (tokens - cost, now)  # below 0: a debt, to be worked off before anybody else gets something
        if cost > tokens:
            wait = (cost - tokens) / self._rate if cost <= self._burst else math.inf
            return Decision(False, max(0, math.floor(tokens)), wait), after
        return Decision(True, math.floor(tokens - cost), 0.0), after

    def idle_at(self, state: Any) -> float:
        """From then on the state is worth as much as none."""
        tokens, since = state
        return since + (self._burst - tokens) / self._rate


class SlidingLog:
    """State: the (time, cost) of every call that still counts, oldest first."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self._limit, self._period = limit, period

    def decide(self, state: Any, now: float, cost: int) -> tuple[Decision, Any]:
        """The answer, and the state once the units are taken."""
        log = [(at, units) for at, units in state or () if at + self._period > now]
        free = self._limit - sum(units for _, units in log)
        if cost > free:
            return Decision(False, free, self._until(log, cost - free) - now), state
        return Decision(True, free - cost, 0.0), [*log, (now, cost)]

    def idle_at(self, state: Any) -> float:
        """From then on the state is worth as much as none."""
        return state[-1][0] + self._period

    def _until(self, log: list[tuple[float, int]], missing: int) -> float:
        """The moment at which `missing` units have stopped counting."""
        for at, units in log:
            missing -= units
            if missing <= 0:
                return at + self._period
        return math.inf


class Gcra:
    """State: when the bucket will be full again."""

    def __init__(self, limit: int, period: float, burst: int) -> None:
        self._interval, self._burst = period / limit, burst

    def decide(self, state: Any, now: float, cost: int) -> tuple[Decision, Any]:
        """The answer, and the state once the units are taken."""
        full_at = max(now, state or now)
        free = self._burst - (full_at - now) / self._interval
        after = full_at + cost * self._interval
        if cost > free:
            wait = (cost - free) * self._interval if cost <= self._burst else math.inf
            return Decision(False, max(0, math.floor(free)), wait), after
        return Decision(True, math.floor(free - cost), 0.0), after

    def idle_at(self, state: Any) -> float:
        """From then on the state is worth as much as none."""
        return state


ALGORITHMS = {"fixed_window": FixedWindow, "token_bucket": TokenBucket, "sliding_log": SlidingLog, "gcra": Gcra}
CAN_WAIT = ("token_bucket", "gcra")


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
        self._can_wait = algorithm in CAN_WAIT
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._latest = -math.inf  # the highest reading so far
        self._states: dict[Hashable, Any] = {}
        self._due: list[tuple[float, int, Hashable]] = []  # a heap with one entry per state: idle not before then
        self._numbers = itertools.count()  # so that entries of one moment compare without their keys

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""
        with self._lock:
            decision, after = self._decide(key, cost)
            if decision.allowed:
                self._remember(key, after)
            return decision

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
        with self._lock:
            return self._decide(key, cost)[0]

    def throttle(self, key: Hashable, *, cost: int = 1, timeout: float) -> Decision:
        """Wait in line until the units are there, but not longer than `timeout` seconds."""
        if not self._can_wait:
            raise ValueError(f"throttle needs one of {', '.join(CAN_WAIT)}")
        if not timeout >= 0:
            raise ValueError(f"timeout must be 0 or more seconds, got {timeout}")
        give_up_at = self._clock.monotonic() + timeout
        while True:
            decision = self.acquire(key, cost=cost)
            if decision.allowed or self._clock.monotonic() + decision.retry_after > give_up_at:
                return decision
            if decision.retry_after == math.inf:
                return decision
            self._clock.sleep(min(0.01, decision.retry_after))

    def __len__(self) -> int:
        """How many keys are not idle."""
        with self._lock:
            self._tick()
            return len(self._states)

    def _decide(self, key: Hashable, cost: int) -> tuple[Decision, Any]:
        if cost < 1:
            raise ValueError(f"cost must be at least 1, got {cost}")
        now = self._tick()
        return self._algorithm.decide(self._states.get(key), now, cost)

    def _remember(self, key: Hashable, state: Any) -> None:
        if key not in self._states:
            heapq.heappush(self._due, (self._algorithm.idle_at(state), next(self._numbers), key))
        self._states[key] = state

    def _tick(self) -> float:
        """The time; what is idle by then is forgotten, what became busy again meanwhile is put off."""
        self._latest = max(self._latest, self._clock.monotonic())
        while self._due and self._due[0][0] <= self._latest:
            _, number, key = heapq.heappop(self._due)
            idle_at = self._algorithm.idle_at(self._states[key])
            if idle_at > self._latest:
                heapq.heappush(self._due, (idle_at, number, key))
            else:
                del self._states[key]
        return self._latest
