"""Pure algorithms, a limiter for threads, and windows on a server from which units are leased."""

import heapq
import itertools
import math
import threading
from collections.abc import Hashable
from typing import Any

from interface import Clock, Decision, Redis


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


class Leases:
    """Fixed windows on a server, and the units that we took from them; all of these end at the same moment."""

    def __init__(self, limit: int, period: float, lease: int, redis: Redis) -> None:
        self._limit, self._period, self._lease, self._redis = limit, period, lease, redis
        self._held: dict[Hashable, tuple[int, int]] = {}  # key -> (units held, units left on the server)
        self._ends_at = -math.inf  # by our clock

    def decide(self, key: Hashable, now: float, cost: int, *, spend: bool) -> Decision:
        """The answer; a trip is made where the units held do not cover the cost."""
        self.forget(now)
        held, left = self._held.get(key, (0, 0))
        if cost > held:
            missing = cost - held
            wanted = max(missing, self._lease) if spend else 0
            taken, left, ends_in = self._redis.eval(lambda redis: self._take(redis, key, missing, wanted))
            self._ends_at = now + ends_in
            held += taken
        allowed = cost <= held + left
        kept = held - cost if spend and allowed else held
        self._held[key] = kept, left
        if not kept:
            del self._held[key]
        if allowed:
            return Decision(True, held + left - cost, 0.0)
        return Decision(False, held + left, self._ends_at - now if cost <= self._limit else math.inf)

    def _take(self, redis: Redis, key: Hashable, missing: int, wanted: int) -> tuple[int, int, float]:
        """Runs on the server: (units taken, units left, seconds to the end of the window)."""
        ends_in = self._period - redis.time() % self._period
        left = self._limit - (redis.get(key) or 0)
        taken = min(wanted, left) if missing <= left else 0
        if taken:
            redis.incrby(key, taken)
            redis.expire(key, ends_in)
        return taken, left - taken, ends_in

    def forget(self, now: float) -> None:
        """Units of a window that is over are worth nothing."""
        if now >= self._ends_at:
            self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


class RateLimiter:
    """At most `limit` units per `period` seconds for each key, as `algorithm` counts them, or on a `redis`."""

    def __init__(
        self,
        *,
        limit: int,
        period: float,
        burst: int | None = None,
        algorithm: str = "fixed_window",
        clock: Clock,
        redis: Redis | None = None,
        lease: int = 1,
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
        if lease < 1:
            raise ValueError(f"lease must be at least 1, got {lease}")
        if redis is not None and algorithm != "fixed_window":
            raise ValueError(f"with a redis the algorithm must be fixed_window, got {algorithm!r}")
        self._can_wait = algorithm in CAN_WAIT
        self._leases = None if redis is None else Leases(limit, period, lease, redis)
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._latest = -math.inf  # the highest reading so far
        self._states: dict[Hashable, Any] = {}
        self._due: list[tuple[float, int, Hashable]] = []  # a heap with one entry per state: idle not before then
        self._numbers = itertools.count()  # so that entries of one moment compare without their keys

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""
        return self._ask(key, cost, spend=True)

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
        return self._ask(key, cost, spend=False)

    def throttle(self, key: Hashable, *, cost: int = 1, timeout: float) -> Decision:
        """Wait in line until the units are there, but not longer than `timeout` seconds."""
        if not self._can_wait:
            raise ValueError(f"throttle needs one of {', '.join(CAN_WAIT)}")
        if not timeout >= 0:
            raise ValueError(f"timeout must be 0 or more seconds, got {timeout}")
        with self._lock:
            decision, after = self._decide(key, cost)
            if decision.retry_after > timeout or decision.retry_after == math.inf:
                return decision
            self._remember(key, after)  # the place in line: whoever comes later finds the units gone
        if decision.allowed:
            return decision
        self._clock.sleep(decision.retry_after)
        return Decision(True, 0, 0.0)  # who had to wait took the last there was

    def __len__(self) -> int:
        """How many keys are not idle, or hold leased units."""
        with self._lock:
            now = self._tick()
            if self._leases is None:
                return len(self._states)
            self._leases.forget(now)
            return len(self._leases)

    def _ask(self, key: Hashable, cost: int, *, spend: bool) -> Decision:
        with self._lock:
            now = self._tick()
        if self._leases is not None:
            return self._leases.decide(key, now, _checked(cost), spend=spend)
        with self._lock:
            decision, after = self._decide(key, cost)
            if spend and decision.allowed:
                self._remember(key, after)
            return decision

    def _decide(self, key: Hashable, cost: int) -> tuple[Decision, Any]:
        now = self._tick()
        return self._algorithm.decide(self._states.get(key), now, _checked(cost))

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


def _checked(cost: int) -> int:
    if cost < 1:
        raise ValueError(f"cost must be at least 1, got {cost}")
    return cost
