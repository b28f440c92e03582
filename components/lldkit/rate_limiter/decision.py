"""What a limiter answers: a `Decision` for the caller; a `Verdict` for the core, which counts whole microseconds."""

import math
from collections.abc import Sequence

from lldkit.clock import MICRO
from lldkit.rate_limiter.interface import Promise, Quota

__all__ = ["BucketVerdict", "CombinedDecision", "CountedVerdict", "Decision", "Promised", "Verdict", "ceil_div"]


def ceil_div(dividend: int, divisor: int) -> int:
    """The quotient rounded up, in integers."""
    return -(-dividend // divisor)


class Decision:
    """An answer: truthy exactly when allowed, and read-only.

    Every figure comes from the call itself, exactly, and is computed when it is read. Durations are seconds:

    - `retry_after`: 0.0 when allowed, `math.inf` when the cost can never pass, else until the same call would pass if
      nobody spent meanwhile;
    - `reset_after`: until nothing is owed;
    - `refill_after`: until one more unit could pass, 0.0 when nothing is owed.

    `remaining` is the whole units that could pass right after this call. `by_quota` has one decision per quota, in the
    order given; the outer figures speak of the tightest: the one that refused, else the one with the fewest units left.
    """

    __slots__ = ()

    @property
    def allowed(self) -> bool:
        """Whether the units were granted."""
        raise NotImplementedError

    @property
    def quota(self) -> Quota:
        """The quota that `limit` and the other figures speak of."""
        raise NotImplementedError

    @property
    def remaining(self) -> int:
        """Whole units that could still pass now."""
        raise NotImplementedError

    @property
    def retry_after_us(self) -> int | None:
        """`retry_after` in whole microseconds, rounded up; None when never."""
        raise NotImplementedError

    @property
    def reset_after_us(self) -> int:
        """`reset_after` in whole microseconds, rounded up."""
        raise NotImplementedError

    @property
    def refill_after_us(self) -> int:
        """`refill_after` in whole microseconds, rounded up."""
        raise NotImplementedError

    @property
    def delay_us(self) -> int:
        """Microseconds until the granted units may be used; 0 unless they were promised."""
        raise NotImplementedError

    def served_after_us(self, units: int) -> int:
        """Microseconds until this call and `units` after it are served, as far as is known; never more than that."""
        del units
        return self.delay_us if self.allowed else self.retry_after_us or 0

    @property
    def limit(self) -> int:
        """Units per period of `quota`."""
        return self.quota.limit

    @property
    def retry_after(self) -> float:
        """Seconds until the same call may pass."""
        return math.inf if self.retry_after_us is None else self.retry_after_us / MICRO

    @property
    def reset_after(self) -> float:
        """Seconds until nothing is owed."""
        return self.reset_after_us / MICRO

    @property
    def refill_after(self) -> float:
        """Seconds until one more unit may pass."""
        return self.refill_after_us / MICRO

    @property
    def by_quota(self) -> "tuple[Decision, ...]":
        """One decision per quota, in the order given."""
        return (self,)

    def __bool__(self) -> bool:
        return self.allowed

    def __repr__(self) -> str:
        return (
            f"Decision(allowed={self.allowed}, limit={self.limit}, remaining={self.remaining}, "
            f"retry_after={self.retry_after:g}, reset_after={self.reset_after:g}, quota={self.quota.name!r})"
        )


Verdict = Decision
"""A decision about one quota, as algorithms and engines make it."""


class BucketVerdict(Decision, tuple[bool, Quota, int, int]):
    """A verdict about a bucket, from which every figure is derived when somebody asks: (allowed, quota, room, wanted).

    `room` is the free part of the bucket after the call, in the quota's ticks; negative while units are promised.
    `wanted` is the cost of a refused call, 0 when allowed.

    It is a tuple because one is built on every call, and nothing frozen is cheaper to build.
    """

    __slots__ = ()

    def __bool__(self) -> bool:  # not by way of `allowed`: it is asked on every call
        return self[0]

    @property
    def allowed(self) -> bool:
        """Whether the units were granted."""
        return self[0]

    @property
    def quota(self) -> Quota:
        """The quota of the bucket."""
        return self[1]

    @property
    def remaining(self) -> int:
        """Whole units that fit into the bucket now."""
        return max(0, self[2] // self[1].rate[1])

    @property
    def retry_after_us(self) -> int | None:
        """Microseconds until there is room for what was wanted."""
        return None if self[3] > self[1].burst else 0 if self[0] else self.served_after_us(0)

    @property
    def reset_after_us(self) -> int:
        """Microseconds until the bucket is all room again."""
        return ceil_div(self[1].capacity - self[2], self[1].rate[0])

    @property
    def refill_after_us(self) -> int:
        """Microseconds until there is room for one unit more than now."""
        scale, unit = self[1].rate
        one_more = min((self.remaining + 1) * unit, self[1].capacity)
        return ceil_div(one_more - self[2], scale)

    @property
    def delay_us(self) -> int:
        """Microseconds until the room is no longer negative."""
        return ceil_div(max(0, -self[2]), self[1].rate[0])

    def served_after_us(self, units: int) -> int:
        """Microseconds until this call and `units` after it have room, if nobody else takes any."""
        scale, unit = self[1].rate
        return ceil_div(max(0, (self[3] + units) * unit - self[2]), scale)


class CountedVerdict(Decision):
    """A verdict whose figures were counted by the algorithm itself, in microseconds."""

    __slots__ = ("_allowed", "_delay", "_quota", "_refill", "_remaining", "_reset", "_retry")

    def __init__(  # noqa: PLR0917 - built on every call; keywords would cost a quarter of it
        self, quota: Quota, allowed: bool, remaining: int, retry: int | None, reset: int, refill: int, delay: int = 0
    ) -> None:
        self._quota = quota
        self._allowed = allowed
        self._remaining = remaining
        self._retry = retry
        self._reset = reset
        self._refill = refill
        self._delay = delay

    @property
    def allowed(self) -> bool:
        """Whether the units were granted."""
        return self._allowed

    @property
    def quota(self) -> Quota:
        """The quota that was asked."""
        return self._quota

    @property
    def remaining(self) -> int:
        """Whole units that could still pass now."""
        return self._remaining

    @property
    def retry_after_us(self) -> int | None:
        """Microseconds until the same call may pass; None when never."""
        return self._retry

    @property
    def reset_after_us(self) -> int:
        """Microseconds until nothing is owed."""
        return self._reset

    @property
    def refill_after_us(self) -> int:
        """Microseconds until one more unit may pass."""
        return self._refill

    @property
    def delay_us(self) -> int:
        """Microseconds until the granted units may be used."""
        return self._delay


class _Relayed(Decision):
    """A decision that speaks for another one."""

    __slots__ = ("_told",)
    _told: Decision

    @property
    def allowed(self) -> bool:
        return self._told.allowed

    @property
    def quota(self) -> Quota:
        return self._told.quota

    @property
    def remaining(self) -> int:
        return self._told.remaining

    @property
    def retry_after_us(self) -> int | None:
        return self._told.retry_after_us

    @property
    def reset_after_us(self) -> int:
        return self._told.reset_after_us

    @property
    def refill_after_us(self) -> int:
        return self._told.refill_after_us

    @property
    def delay_us(self) -> int:
        return self._told.delay_us

    def served_after_us(self, units: int) -> int:
        return self._told.served_after_us(units)


class Promised(_Relayed):
    """The verdict of a granted reservation, with what takes it back."""

    __slots__ = ("promise",)

    def __init__(self, verdict: Decision, promise: Promise) -> None:
        self._told = verdict
        self.promise = promise

    @property
    def verdict(self) -> Decision:
        """The verdict by itself."""
        return self._told


class CombinedDecision(_Relayed):
    """A decision over several quotas: allowed when all allow; its figures are those of the tightest."""

    __slots__ = ("_by_quota",)

    def __init__(self, by_quota: Sequence[Decision]) -> None:
        self._by_quota = tuple(by_quota)
        self._told = min(self._by_quota, key=_slack)

    @property
    def by_quota(self) -> tuple[Decision, ...]:
        """One decision per quota, in the order given."""
        return self._by_quota

    @property
    def delay_us(self) -> int:
        """Microseconds until every quota lets the granted units be used."""
        return max(decision.delay_us for decision in self._by_quota)

    def served_after_us(self, units: int) -> int:
        """Microseconds until every quota has served this call and `units` after it."""
        return max(decision.served_after_us(units) for decision in self._by_quota)


def _slack(decision: Decision) -> tuple[float, int]:
    """Smallest for the tightest: the longest wait among the refusing, then the fewest units left."""
    return (-decision.retry_after, decision.remaining)
