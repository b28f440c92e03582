"""Sliding counter: the log's answer estimated from two counters, as if the previous window's units had come evenly.

A cost c passes iff previous x (period - elapsed) + (current + c) x period <= limit x period, in integers, with windows
aligned to multiples of the period. Against real traffic it errs both ways: when the previous window's units came late,
up to nearly 2 x limit pass within one period; when they came early, calls are refused that the log would allow.

The state is (window, units of the previous window, units of this one, the period they were counted in).
"""

from typing import TypeAlias

from lldkit.rate_limiter.decision import CountedVerdict, ceil_div
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["SlidingCounter", "sliding_counter"]

State: TypeAlias = tuple[int, int, int, int]


class SlidingCounter:
    """The two-window estimate; O(1) in time and memory; makes no promises."""

    name = "sliding_counter"
    promises = False
    bursts = False

    def decide(
        self, quota: Quota, state: State | None, now: int, cost: int, max_delay: int = 0
    ) -> tuple[State | None, CountedVerdict]:
        """Allow when the estimated units of the last period and the cost are within the limit."""
        del max_delay  # it makes no promises
        limit, period = quota.limit, quota.period_us
        window, previous, current = _rolled(state, period, now)
        elapsed = now - window * period
        allowed = previous * (period - elapsed) + (current + cost) * period <= limit * period or cost == 0
        if allowed and cost:
            current += cost
            state = (window, previous, current, period)
        remaining = max(0, (limit * period - previous * (period - elapsed)) // period - current)
        one_more = min(remaining + 1, limit)
        refill = _fits_after(quota, previous, current, elapsed, one_more) if previous or current else 0
        return state, CountedVerdict(
            quota,
            allowed,
            remaining,
            0 if allowed else _fits_after(quota, previous, current, elapsed, cost) if cost <= limit else None,
            2 * period - elapsed if current else period - elapsed if previous else 0,
            refill,
        )

    def undo(self, quota: Quota, state: State, now: int, promise: Promise) -> State | None:
        """Change nothing: no promise was ever made."""
        del quota, now, promise
        return state

    def idle_at(self, quota: Quota, state: State) -> int:
        """When both windows are over."""
        del quota  # the state knows the period it was counted in
        window, _, current, period = state
        return (window + (2 if current else 1)) * period


def _fits_after(quota: Quota, previous: int, current: int, elapsed: int, cost: int) -> int:
    """Microseconds until `cost` (at most the limit) fits if nobody spends: in this window, the next, or after it."""
    limit, period = quota.limit, quota.period_us
    if current + cost <= limit:
        return max(0, _decayed_at(previous, limit - current - cost, period) - elapsed)
    return period - elapsed + _decayed_at(current, limit - cost, period)


def _decayed_at(units: int, room: int, period: int) -> int:
    """How far into a window the `units` of the one before it take at most `room`."""
    return 0 if units <= room else period - room * period // units


def _rolled(state: State | None, period: int, now: int) -> tuple[int, int, int]:
    """The window of `now` with the counts of the previous one and its own; a clock set back stays in its window."""
    window = now // period
    if state is None:
        return window, 0, 0
    counted_in, previous, current, counted_period = state
    if counted_period != period:  # the quota has changed: what the estimate owed counts in full in the new window
        old_window, previous, current = _rolled(state, counted_period, now)
        weighted = previous * ((old_window + 1) * counted_period - now)
        return window, 0, current + ceil_div(weighted, counted_period)
    if window <= counted_in:
        return counted_in, previous, current
    return window, current if window == counted_in + 1 else 0, 0


sliding_counter = SlidingCounter()
"""The algorithm itself; it has no settings."""
