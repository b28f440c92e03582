"""Fixed window: at most `limit` units in each window [k x period, (k + 1) x period), so up to 2 x limit at an edge.

The cheapest rule and the coarsest: a client may spend one window's units at its end and the next one's right after.

Units have positions on one endless line, `limit` of them per window; the state is (the first free position, the rate it
was counted in). A call takes the next `cost` positions that lie in one window, and acts when that window begins.
"""

from typing import TypeAlias

from lldkit.rate_limiter.decision import CountedVerdict
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["FixedWindow", "fixed_window"]

Rate: TypeAlias = tuple[int, int]
State: TypeAlias = tuple[int, Rate]


class FixedWindow:
    """Windows aligned to multiples of the period; O(1) in time and memory; promises units of later windows."""

    name = "fixed_window"
    promises = True
    bursts = False

    def decide(
        self, quota: Quota, state: State | None, now: int, cost: int, max_delay: int = 0
    ) -> tuple[State | None, CountedVerdict]:
        """Allow when a window that begins within `max_delay` microseconds has the whole cost left."""
        limit, period = rate = (quota.limit, quota.period_us)
        free = _first_free(state, rate, now)
        start = free if free % limit + cost <= limit else (free // limit + 1) * limit
        delay = max(0, start // limit * period - now) if cost else 0
        possible = cost <= limit
        allowed = possible and delay <= max_delay
        if allowed and cost:
            free = start + cost
            state = (free, rate)
        window = now // period
        owes = free > window * limit
        return state, CountedVerdict(
            quota,
            allowed,
            max(0, (window + 1) * limit - free),
            0 if allowed else delay if possible else None,
            ((free - 1) // limit + 1) * period - now if owes else 0,
            max(window + 1, free // limit) * period - now if owes else 0,
            delay if allowed else 0,
        )

    def undo(self, quota: Quota, state: State, now: int, promise: Promise) -> State | None:
        """Give back the promise's cost minus what was promised after it in its window.

        Nothing once the window has begun, nor when later windows were built upon it: their units cannot move forward.
        """
        (promised_free, promised_rate), cost = promise
        free, rate = state
        limit, period = rate
        if promised_rate != rate or rate != (quota.limit, quota.period_us):
            return state  # the rate was changed in between, so positions mean something else now
        window = (promised_free - 1) // limit
        given_back = cost - max(0, free - promised_free)  # the latter is negative when later promises were cancelled
        if window * period <= now or (free - 1) // limit != window or given_back <= 0:
            return state
        return (free - given_back, rate)

    def idle_at(self, quota: Quota, state: State) -> int:
        """When the last window with a unit taken has ended."""
        del quota  # the state knows the rate it was counted in
        free, (limit, period) = state
        return ((free - 1) // limit + 1) * period


def _first_free(state: State | None, rate: Rate, now: int) -> int:
    """The first free position at `now`; after a change of the quota as many units are taken as before."""
    limit, period = rate
    begin = now // period * limit
    if state is None:
        return begin
    free, (old_limit, old_period) = state
    if (old_limit, old_period) != rate:
        free = begin + free - now // old_period * old_limit
    return max(begin, free)


fixed_window = FixedWindow()
"""The algorithm itself; it has no settings."""
