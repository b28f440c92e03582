"""Who is next: the least rank, then the first to arrive; passing over groups that are full.

A rank is `due time - priority x aging`: a job of priority p goes ahead of what became due up to p x aging before it,
and never ahead of what has waited longer. So nobody starves, and because a rank does not change while a job waits, an
index serves it. Without aging the head start is nine years: strict order for all that is due within nine years.

Keys need no rule here: of the jobs of a key only the first to arrive is not BLOCKED, so a thousand that wait behind it
are never looked at.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from lldkit.clock import MICRO
from lldkit.rate_limiter import Quota, gcra
from lldkit.scheduler.interface import ENDED, JobState, Limit
from lldkit.scheduler.store import ClaimRequest, NewJob, Record

__all__ = ["Places", "Say", "head_start", "quota_of", "say_of_parents"]

STRICT = 2**48
"""Nine years: a head start without aging. All ranks stay whole in a double, which is what Redis sorts by."""

RateState = Any
"""The state of GCRA."""


def head_start(priority: int, aging_seconds: float | None) -> int:
    """How many microseconds a priority is worth.

    >>> head_start(2, 60.0), head_start(1, None) > 8 * 365 * 86_400 * 10**6
    (120000000, True)
    """
    return priority * (STRICT if aging_seconds is None else round(aging_seconds * MICRO))


class Places:
    """What room the groups of a queue have, during one claim.

    `running` counts the leased jobs of each group, `rate` gives the state of GCRA of one. `full` grows while places are
    taken; `rates` are the states that have changed.
    """

    def __init__(
        self, want: ClaimRequest, running: Mapping[str, int], rate: Callable[[str], RateState], now: int
    ) -> None:
        self._want = want
        self._running = dict(running)
        self._rate = rate
        self._now = now
        self.rates: dict[str, RateState] = {}
        self.full = {group for group in running if self._is_full(group)}

    def take(self, group: str | None) -> bool:
        """Take a place in `group` for a job that starts now; False when there is none. None is always free."""
        if group is None:
            return True
        if group in self.full or not self._passes(group):
            self.full.add(group)
            return False
        self._running[group] = self._running.get(group, 0) + 1
        if self._is_full(group):
            self.full.add(group)
        return True

    def _limit(self, group: str) -> Limit | None:
        return self._want.limits.get(group, self._want.group_limit)

    def _is_full(self, group: str) -> bool:
        limit = self._limit(group)
        return limit is not None and limit.running is not None and self._running[group] >= limit.running

    def _passes(self, group: str) -> bool:
        limit = self._limit(group)
        if limit is None or limit.per_second is None:
            return True
        state = self.rates[group] if group in self.rates else self._rate(group)
        after, verdict = gcra.decide(quota_of(limit), state, self._now, 1)
        if verdict:
            self.rates[group] = after
        return bool(verdict)


@functools.lru_cache(maxsize=1_024)
def quota_of(limit: Limit) -> Quota:
    """The quota of a rate."""
    assert limit.per_second is not None  # noqa: S101 - only asked for limits with a rate
    rate = Fraction(limit.per_second).limit_denominator(MICRO)
    return Quota(rate.numerator, float(rate.denominator), limit.burst or max(1, math.ceil(limit.per_second)))


class Say(Enum):
    """What the parents of a job say."""

    GO = "go"
    WAIT = "wait"
    CANCEL = "cancel"


def say_of_parents(child: NewJob, parents: Iterable[Record]) -> Say:
    """Whether `child` may run: parents that are forgotten have ended long ago."""
    waits = False
    for parent in parents:
        if parent.state in ENDED and parent.state is not JobState.SUCCEEDED:
            if child.on_parent_failure == "cancel":
                return Say.CANCEL
            waits |= child.on_parent_failure == "hold"
        else:
            waits |= parent.state is not JobState.SUCCEEDED
    return Say.WAIT if waits else Say.GO
