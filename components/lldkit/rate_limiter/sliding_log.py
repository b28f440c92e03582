"""Sliding log: at most `limit` units in any interval [t, t + period), exactly, for the price of remembering each call.

A unit spent at t stops counting at exactly t + period. Refused calls leave no trace, so a key never holds more than
`limit` entries.

The state is a tuple of (microsecond, cost), oldest first.
"""

from collections.abc import Iterable
from typing import TypeAlias

from lldkit.rate_limiter.decision import CountedVerdict
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["SlidingLog", "sliding_log"]

Entry: TypeAlias = tuple[int, int]
State: TypeAlias = tuple[Entry, ...]


class SlidingLog:
    """The exact log; O(calls in the period) in time and memory; makes no promises."""

    name = "sliding_log"
    promises = False
    bursts = False

    def decide(
        self, quota: Quota, state: State | None, now: int, cost: int, max_delay: int = 0
    ) -> tuple[State | None, CountedVerdict]:
        """Allow when the units of the last period and the cost are within the limit."""
        del max_delay  # it makes no promises
        limit, period = quota.limit, quota.period_us
        log = () if state is None else tuple(entry for entry in state if entry[0] + period > now)
        free = limit - sum(units for _, units in log)
        allowed = cost <= free or cost == 0
        if allowed and cost:
            spent_at = max(now, log[-1][0]) if log else now  # a clock set back does not reorder the log
            log = state = (*log, (spent_at, cost))
            free -= cost
        return state, CountedVerdict(
            quota,
            allowed,
            max(0, free),
            0 if allowed else _freed_after(log, cost - free, period, now) if cost <= limit else None,
            log[-1][0] + period - now if log else 0,
            _freed_after(log, 1 - min(0, free), period, now) if log else 0,
        )

    def undo(self, quota: Quota, state: State, now: int, promise: Promise) -> State | None:
        """Change nothing: no promise was ever made."""
        del quota, now, promise
        return state

    def idle_at(self, quota: Quota, state: State) -> int:
        """When the youngest entry stops counting."""
        return state[-1][0] + quota.period_us


def _freed_after(log: Iterable[Entry], units: int, period: int, now: int) -> int:
    """Microseconds until the oldest `units` have stopped counting."""
    for spent_at, spent in log:
        units -= spent
        if units <= 0:
            return spent_at + period - now
    raise AssertionError(f"{units} units more are wanted back than were spent")


sliding_log = SlidingLog()
"""The algorithm itself; it has no settings."""
