"""GCRA: in any interval of length t at most burst + rate x t units pass, smoothly, and one number per key says it all.

The generic cell rate algorithm (ITU-T I.371, ATM Forum TM 4.0) keeps the *theoretical arrival time* (TAT): when the
bucket, draining at the quota's rate, will be empty again. A unit moves the TAT one emission interval into the future; a
call conforms while the TAT stays within one bucket's worth of intervals from now.

Time is counted in ticks of the quota's exact rate (`Quota.rate`: so many ticks a microsecond, so many a unit), so that
an emission interval is never rounded. The state is (TAT in ticks, the rate it was counted in).
"""

from typing import TypeAlias

from lldkit.rate_limiter.decision import BucketVerdict, ceil_div
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["GCRA", "gcra"]

State: TypeAlias = tuple[int, tuple[int, int]]


class GCRA:
    """The generic cell rate algorithm; O(1) in time and memory; promises units of the future."""

    name = "gcra"
    promises = True
    bursts = True

    def decide(
        self, quota: Quota, state: State | None, now: int, cost: int, max_delay: int = 0
    ) -> tuple[State | None, BucketVerdict]:
        """Allow when the cost fits into the bucket within `max_delay` microseconds."""
        rate = quota.rate
        scale, unit = rate
        ticks = now * scale
        if state is None:
            tat = ticks
        else:
            tat, counted_in = state
            if counted_in is not rate and counted_in != rate:
                tat = _recounted(tat, counted_in, quota, now)
            if tat < ticks:  # noqa: PLR1730 - `max` would cost a tenth of the whole call
                tat = ticks
        taken = cost * unit
        new_tat = tat + taken
        room = ticks + quota.capacity - new_tat
        if room >= 0 or cost == 0 or (max_delay and room + max_delay * scale >= 0 and cost <= quota.burst):
            return (new_tat, rate) if cost else state, BucketVerdict((True, quota, room, 0))
        return state, BucketVerdict((False, quota, room + taken, cost))

    def undo(self, quota: Quota, state: State, now: int, promise: Promise) -> State | None:
        """Give back the promise's cost minus what was promised after it; nothing once its time has come."""
        (promised_tat, rate), cost = promise
        tat, current_rate = state
        if rate != current_rate or rate != quota.rate:
            return state  # the rate was changed in between, so what was built upon the promise is no longer known
        scale, unit = rate
        acts_at = promised_tat - quota.capacity
        promised_later = max(0, tat - promised_tat)  # it may be less than nothing when later promises were cancelled
        given_back = cost * unit - promised_later
        if acts_at <= now * scale or given_back <= 0:
            return state
        return (tat - given_back, rate)

    def idle_at(self, quota: Quota, state: State) -> int:
        """When the bucket has drained."""
        del quota  # the state knows the rate it was counted in
        tat, (scale, _) = state
        return ceil_div(tat, scale)


def _recounted(tat: int, counted_in: tuple[int, int], quota: Quota, now: int) -> int:
    """The TAT in the ticks of a changed quota: what is owed stays the same number of units."""
    old_scale, old_unit = counted_in
    scale, unit = quota.rate
    owed = max(0, tat - now * old_scale)
    return now * scale + ceil_div(owed * unit, old_unit)


gcra = GCRA()
"""The algorithm itself; it has no settings."""
