"""Token bucket: in any interval of length t at most burst + rate x t units pass; it counts tokens instead of a time.

Tokens drip into a bucket at the quota's rate until it is full; a call takes its cost out or is refused; a promise
leaves the bucket in debt. It decides exactly as `gcra` does, but keeps two numbers where that keeps one.

The state is (ticks missing from a full bucket, the microsecond when they were counted, the rate they were counted in).
One token is `Quota.rate[1]` ticks, so that fractions of a token are kept exactly.
"""

from typing import TypeAlias

from lldkit.rate_limiter.decision import BucketVerdict, ceil_div
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["TokenBucket", "token_bucket"]

State: TypeAlias = tuple[int, int, tuple[int, int]]


class TokenBucket:
    """The token bucket with lazy refill; O(1) in time and memory; promises units of the future."""

    name = "token_bucket"
    promises = True
    bursts = True

    def decide(
        self, quota: Quota, state: State | None, now: int, cost: int, max_delay: int = 0
    ) -> tuple[State | None, BucketVerdict]:
        """Allow when the bucket holds the cost, or will within `max_delay` microseconds."""
        scale, unit = quota.rate
        missing = _refilled(quota, state, now)
        room = quota.capacity - missing
        taken = cost * unit
        if taken <= room or cost == 0 or (max_delay and taken <= room + max_delay * scale and cost <= quota.burst):
            after = (missing + taken, now, quota.rate) if cost else state
            return after, BucketVerdict((True, quota, room - taken, 0))
        return state, BucketVerdict((False, quota, room, cost))

    def undo(self, quota: Quota, state: State, now: int, promise: Promise) -> State | None:
        """Give back the promise's cost minus what was promised after it; nothing once its time has come."""
        promised, cost = promise
        full_at, rate = _full_at(state)
        restored = gcra.undo(quota, (full_at, rate), now, (_full_at(promised), cost))
        return None if restored is None else (state[0] - (full_at - restored[0]), state[1], rate)

    def idle_at(self, quota: Quota, state: State) -> int:
        """When the bucket is full."""
        del quota  # the state knows the rate it was counted in
        full_at, (scale, _) = _full_at(state)
        return ceil_div(full_at, scale)


def _refilled(quota: Quota, state: State | None, now: int) -> int:
    """The ticks missing at `now`. A clock that was set back finds more missing, never less."""
    if state is None:
        return 0
    missing, counted_at, (scale, unit) = state
    missing = max(0, missing - (now - counted_at) * scale)
    return missing if (scale, unit) == quota.rate else ceil_div(missing * quota.rate[1], unit)


def _full_at(state: State) -> tuple[int, tuple[int, int]]:
    """The tick when the bucket will be full again, and the rate: the state as `gcra` would write it."""
    missing, counted_at, rate = state
    return counted_at * rate[0] + missing, rate


token_bucket = TokenBucket()
"""The algorithm itself; it has no settings."""
