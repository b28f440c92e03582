"""The kit's own component behind the interface of the kata: one contract for the learner and for us."""

from lldkit import rate_limiter
from lldkit.rate_limiter import Quota

from interface import Decision

ALGORITHMS = {name: getattr(rate_limiter, name) for name in ("fixed_window", "token_bucket", "sliding_log")}


class Steady:
    """The component takes monotonic time for granted; the kata's clock may step back."""

    def __init__(self, clock):
        self._clock, self._latest = clock, 0.0

    def monotonic(self):
        self._latest = max(self._latest, self._clock.monotonic())
        return self._latest


class RateLimiter:
    """`lldkit.rate_limiter.RateLimiter` with one quota; any hashable key becomes a number."""

    def __init__(self, *, limit, period, burst=None, algorithm="fixed_window", clock):
        if algorithm not in ALGORITHMS:
            raise ValueError(f"no such algorithm: {algorithm!r}")
        quota = Quota(limit, period, limit if burst is None else burst)
        self._limiter = rate_limiter.RateLimiter(quota, algorithm=ALGORITHMS[algorithm], clock=Steady(clock))
        self._numbers = {}

    def acquire(self, key, *, cost=1):
        return self._answer(self._limiter.acquire, key, cost)

    def peek(self, key, *, cost=1):
        decision = self._answer(self._limiter.peek, key, cost)
        if decision.allowed:  # the component says how the key stands, the kata how it would stand afterwards
            return Decision(True, decision.remaining - cost, 0.0)
        return decision

    def _answer(self, ask, key, cost):
        if cost < 1:
            raise ValueError(f"cost must be at least 1, got {cost}")  # the component takes 0 for a look
        answer = ask(self._numbers.setdefault(key, len(self._numbers)), cost=cost)
        return Decision(answer.allowed, answer.remaining, answer.retry_after)
