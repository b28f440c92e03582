"""The words of the rate limiter: quotas, decisions, the seams a user may replace, and the errors."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from lldkit.arguments import check_count
from lldkit.clock import MICRO
from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from lldkit.rate_limiter.decision import Decision, Verdict
    from lldkit.rate_limiter.leases import LeaseDecision

__all__ = [
    "Algorithm",
    "Ask",
    "Denied",
    "Evicted",
    "FallbackEntered",
    "FallbackLeft",
    "ImpossibleCost",
    "Key",
    "LeaseLost",
    "LimiterStats",
    "Mode",
    "PlainKey",
    "Promise",
    "QueueFull",
    "Quota",
    "RateLimited",
    "RateLimiterError",
    "RateLimiterEvent",
    "Store",
    "StoreFailed",
    "StoreFull",
    "StoreUnavailable",
    "Tell",
    "Waited",
    "per",
    "per_day",
    "per_hour",
    "per_minute",
    "per_second",
]


PlainKey: TypeAlias = "str | int | tuple[PlainKey, ...]"
Key: TypeAlias = "PlainKey | Mapping[str, PlainKey]"
"""Whose bucket: a string, an integer, a tuple of these, or a mapping that gives each quota (by name) its own key."""

Promise: TypeAlias = tuple[Any, ...]
"""What a store needs to take a reservation back; opaque to everybody else."""

Mode: TypeAlias = Literal["acquire", "reserve", "peek", "cancel", "reset"]

S = TypeVar("S")

Tell: TypeAlias = "Callable[[Callable[[datetime, str], RateLimiterEvent]], None]"
"""How a store reports: it passes an event that lacks only its time and the limiter's name."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit` units per `period` seconds, of which up to `burst` may pass at once.

    `burst` is the capacity of the bucket; windows and logs have no bucket and want it equal to `limit`. `name` stands
    in the HTTP fields and tells the quotas of one limiter apart; it is printable ASCII. The rate is exact: periods are
    whole microseconds and no emission interval is rounded.
    """

    limit: int
    period: float
    burst: int
    name: str = "default"
    period_us: int = field(init=False, repr=False, compare=False)
    rate: tuple[int, int] = field(init=False, repr=False, compare=False)
    """(scale, unit): one microsecond is `scale` ticks and one unit refills in `unit` ticks, both whole."""
    capacity: int = field(init=False, repr=False, compare=False)
    """A full bucket in ticks."""

    def __post_init__(self) -> None:
        check_count("limit", self.limit, least=1)
        check_count("burst", self.burst, least=1)
        if isinstance(self.period, bool) or not isinstance(self.period, int | float):
            raise TypeError(f"period must be a number of seconds, got {self.period!r}")
        if not (math.isfinite(self.period) and round(self.period * MICRO) >= 1):
            raise ValueError(
                f"period must be a finite number of seconds of at least one microsecond, got {self.period!r}"
            )
        if not all(" " <= letter <= "~" for letter in self.name):
            raise ValueError(f"name must be printable ASCII, because it stands in HTTP fields, got {self.name!r}")
        period_us = round(self.period * MICRO)
        shared = math.gcd(self.limit, period_us)
        rate = (self.limit // shared, period_us // shared)
        object.__setattr__(self, "period_us", period_us)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "capacity", self.burst * rate[1])


def per(limit: int, seconds: float, *, burst: int | None = None, name: str = "default") -> Quota:
    """`limit` units per `seconds`; `burst=None` means a burst of `limit`."""
    return Quota(limit, seconds, limit if burst is None else burst, name)


def per_second(limit: int, *, burst: int | None = None, name: str = "default") -> Quota:
    """`limit` units per second; `burst=None` means a burst of `limit`."""
    return per(limit, 1, burst=burst, name=name)


def per_minute(limit: int, *, burst: int | None = None, name: str = "default") -> Quota:
    """`limit` units per minute; `burst=None` means a burst of `limit`."""
    return per(limit, 60, burst=burst, name=name)


def per_hour(limit: int, *, burst: int | None = None, name: str = "default") -> Quota:
    """`limit` units per hour; `burst=None` means a burst of `limit`."""
    return per(limit, 3_600, burst=burst, name=name)


def per_day(limit: int, *, burst: int | None = None, name: str = "default") -> Quota:
    """`limit` units per 24 hours; `burst=None` means a burst of `limit`."""
    return per(limit, 86_400, burst=burst, name=name)


class Algorithm(Protocol[S]):
    """A pure rule: integer microseconds in, a new state and a verdict out; no clock, no float, no lock.

    `None` is the state of a key nobody has used. States are tuples of integers, texts and such tuples, so that an
    engine can keep them as JSON; they remember the rate they were counted in, so that a changed quota keeps the debt.
    """

    @property
    def name(self) -> str:
        """What engines call it."""
        ...

    @property
    def promises(self) -> bool:
        """Whether it can grant units of the future, which `reserve` and a fair `throttle` need."""
        ...

    @property
    def bursts(self) -> bool:
        """Whether a quota's burst may differ from its limit."""
        ...

    def decide(
        self, quota: Quota, state: S | None, now: int, cost: int, max_delay: int = 0
    ) -> "tuple[S | None, Verdict]":
        """Ask for `cost` units at `now`, to be had within `max_delay`.

        A grant returns a new state, a refusal `state` itself. `cost` 0 only looks: it is granted and returns `state`. A
        `now` before an earlier one never grants more.
        """
        ...

    def undo(self, quota: Quota, state: S, now: int, promise: Promise) -> S | None:
        """Give back what of a promise nobody has built upon; `promise` is (state after it, cost)."""
        ...

    def idle_at(self, quota: Quota, state: S) -> int:
        """From this microsecond on `state` equals no state, and may be forgotten."""
        ...


class Ask(NamedTuple):
    """One call to a store: everything it must know, for one or several quotas at once.

    `keys` and `quotas` go together one by one. `max_delay` (microseconds) belongs to `reserve`, `promises` (one per
    quota) to `cancel`. `now` is the caller's monotonic clock in microseconds: engines of this machine go by it, engines
    elsewhere by their own server's time.

    It is a tuple because one is built on every call, and nothing frozen is cheaper to build.
    """

    mode: Mode
    name: str
    algorithm: Algorithm[Any]
    keys: tuple[PlainKey, ...]
    quotas: tuple[Quota, ...]
    now: int
    cost: int = 1
    max_delay: int = 0
    promises: tuple[Promise, ...] = ()


class Store(Protocol):
    """An engine that keeps the states: one `Ask` is atomic over all its quotas, or had no effect. Safe for threads."""

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Meet a limiter: refuse, with `ValueError`, an algorithm this engine cannot run; keep `tell` for its news."""
        ...

    def apply(self, ask: Ask) -> "Sequence[Verdict]":
        """Carry out `ask` and return one verdict per quota; none for `cancel` and `reset`.

        Raises `StoreFull` when a bound is reached and `StoreUnavailable` when the engine does not answer.
        """
        ...

    async def aapply(self, ask: Ask) -> "Sequence[Verdict]":
        """Do the same without blocking the event loop."""
        ...

    def close(self) -> None:
        """Give back what the store holds; idempotent."""
        ...

    async def aclose(self) -> None:
        """Do the same without blocking the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class LimiterStats:
    """Counters of a limiter since its birth; `keys` and `evictions` are None where the engine cannot say cheaply."""

    denials: int
    waiters: int
    store_faults: int
    listener_failures: int
    keys: int | None = None
    evictions: int | None = None


class RateLimiterError(LldkitError):
    """Base of the rate limiter's errors."""


class RateLimited(RateLimiterError):
    """The units or the slot were refused; `retry_after` (seconds) says when the same call may pass."""

    def __init__(
        self, key: Key, decision: "Decision | LeaseDecision", message: str = "", *, retry_after: float | None = None
    ) -> None:
        self.key = key
        self.decision = decision
        self.retry_after = decision.retry_after if retry_after is None else retry_after
        super().__init__(message or f"{key!r} is over its limit of {decision.limit}; retry in {self.retry_after:.3f} s")


class ImpossibleCost(RateLimited, ValueError):
    """The cost is above what the quota ever lets pass at once, so waiting is no use."""

    def __init__(self, key: Key, decision: "Decision", cost: int) -> None:
        self.cost = cost
        self.burst = decision.quota.burst
        super().__init__(key, decision, f"a cost of {cost} can never pass, at most {self.burst} pass at once")


class QueueFull(RateLimited):
    """As many callers wait as may wait."""

    def __init__(self, key: Key, decision: "Decision | LeaseDecision", waiters: int) -> None:
        self.waiters = waiters
        super().__init__(key, decision, f"{waiters} callers wait already and no more may; key {key!r}")


class StoreFull(RateLimiterError):
    """Every key in the store is live, so that a new one would make it forget somebody's debt."""

    def __init__(self, max_keys: int, retry_after: float) -> None:
        super().__init__(f"all {max_keys} keys are live; the first may be forgotten in {retry_after:.3f} s")
        self.max_keys = max_keys
        self.retry_after = retry_after


class StoreUnavailable(RateLimiterError):
    """The engine did not answer; whether the call took effect is unknown, but it took effect at most once."""

    def __init__(self, store: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{store} did not answer")
        self.store = store
        self.retry_after = retry_after


class LeaseLost(RateLimiterError):
    """The lease had expired before it was renewed; somebody else may hold its slot."""

    def __init__(self, key: PlainKey, token: str) -> None:
        super().__init__(f"the lease {token} of {key!r} has expired")
        self.key = key
        self.token = token


@dataclass(frozen=True, slots=True)
class RateLimiterEvent:
    """Something worth hearing of; `at` is aware UTC. Nothing is emitted on the allowed path."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Denied(RateLimiterEvent):
    """A call was refused."""

    key: Key
    decision: "Decision | LeaseDecision"


@dataclass(frozen=True, slots=True)
class Waited(RateLimiterEvent):
    """A caller was served after waiting."""

    key: Key
    seconds: float


@dataclass(frozen=True, slots=True)
class StoreFailed(RateLimiterEvent):
    """The store raised."""

    error: LldkitError


@dataclass(frozen=True, slots=True)
class Evicted(RateLimiterEvent):
    """Idle keys were forgotten to make room."""

    keys: int


@dataclass(frozen=True, slots=True)
class FallbackEntered(RateLimiterEvent):
    """The engine failed, so `Fallback` answers for it."""

    error: LldkitError


@dataclass(frozen=True, slots=True)
class FallbackLeft(RateLimiterEvent):
    """The engine answers again."""
