"""The words of the circuit breaker: states, outcomes, statistics, errors, events, and the seam to a shared store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from lldkit.arguments import check_number
from lldkit.errors import LldkitError

__all__ = [
    "BreakerStats",
    "CircuitBreakerError",
    "CircuitBreakerEvent",
    "CircuitOpen",
    "Classify",
    "Coordinator",
    "CoordinatorFound",
    "CoordinatorLost",
    "CoordinatorUnavailable",
    "ListenerFailed",
    "OpenFor",
    "Outcome",
    "ProbeReclaimed",
    "Rejected",
    "SharedView",
    "State",
    "StateChanged",
    "Transition",
    "WouldRefuse",
    "listener_failed",
]


class State(Enum):
    """Where a breaker stands; the last three are entered and left by hand only."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RAMPING = "ramping"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    OBSERVING = "observing"


class Outcome(Enum):
    """What a call says about the dependency; an ignored one says nothing, and gives its probe back."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORED = "ignored"


Classify: TypeAlias = Callable[[BaseException | None, object], Outcome]
"""Judges a call by its exception, or by its result where the exception is None."""


@dataclass(frozen=True, slots=True)
class OpenFor:
    """How long an opening lasts: `base` seconds, times `factor` for each failed probe round since the last close.

    `cap` bounds it before jitter, so that a fleet at the cap does not probe in step either.
    """

    base: float
    factor: float = 2.0
    cap: float = 300.0

    def __init__(self, base: float, *, factor: float = 2.0, cap: float = 300.0) -> None:
        check_number("open_for", base, above=0)
        check_number("factor", factor, least=1)
        if not cap >= base:
            raise ValueError(f"cap must be at least the base of {base!r} seconds, got {cap!r}")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "factor", factor)
        object.__setattr__(self, "cap", cap)

    def seconds(self, failed_rounds: int) -> float:
        """The opening after `failed_rounds` failed probe rounds, without jitter."""
        try:
            return min(self.cap, self.base * self.factor**failed_rounds)
        except OverflowError:
            return self.cap


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStats:
    """Counts of the current window, and how the breaker stands; a value of its moment."""

    calls: int
    successes: int
    failures: int
    slow: int
    slow_successes: int
    slow_failures: int
    mean_seconds: float
    ignored: int
    rejected: int
    generation: int
    opened_at: datetime | None
    retry_after: float | None
    probes_in_flight: int
    listener_failures: int

    @property
    def failure_rate(self) -> float:
        """Failures per call, 0.0 without calls."""
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_rate(self) -> float:
        """Slow calls per call, 0.0 without calls."""
        return self.slow / self.calls if self.calls else 0.0


class CircuitBreakerError(LldkitError):
    """Base of the circuit breaker's errors."""


class CircuitOpen(CircuitBreakerError):
    """The call was refused and not made.

    `state` is None from an `AdaptiveThrottle`. `retry_after` is in seconds, None where no time is known. `last_error`
    is the type of the last failure, without its text, which may hold secrets.
    """

    if TYPE_CHECKING:  # at run time that of `Exception`, which keeps its arguments at a quarter of the time

        def __init__(
            self, name: str, state: State | None, retry_after: float | None, last_error: str | None, /
        ) -> None: ...

    @property
    def name(self) -> str:
        """The breaker's name."""
        return cast("str", self.args[0])

    @property
    def state(self) -> State | None:
        """The state in which the call was refused."""
        return cast("State | None", self.args[1])

    @property
    def retry_after(self) -> float | None:
        """Seconds after which to come back."""
        return cast("float | None", self.args[2])

    @property
    def last_error(self) -> str | None:
        """The type of the last failure."""
        return cast("str | None", self.args[3])

    def __str__(self) -> str:
        when = "" if self.retry_after is None else f"; retry in {self.retry_after:.3f} s"
        return f"{self.name} is {self.state.value if self.state else 'throttled'}{when}"


class CoordinatorUnavailable(CircuitBreakerError):
    """The shared store did not answer; the breaker then goes by its local state. Never reaches a caller."""


@dataclass(frozen=True, slots=True)
class SharedView:
    """What a fleet knows of a breaker. `version` grows with every transition.

    `until` is when the opening ends, on the monotonic clock of this process. `successes` and `failures` are those of
    the fleet's probes in this round; `free_after` is when, in seconds, the next slot falls free at the latest.
    """

    state: State
    version: int
    until: float = 0.0
    round: int = 0
    successes: int = 0
    failures: int = 0
    free_after: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A proposed move to `state`; an opening lasts `seconds` and follows `round` failed probe rounds."""

    state: State
    seconds: float = 0.0
    round: int = 0


class Coordinator(Protocol):
    """Shares transitions and probe leases; never counts calls. Raises `CoordinatorUnavailable`. Safe for threads."""

    def view(self, name: str) -> SharedView | None:
        """The last known view, from memory, without a trip; None when the store knows nothing of `name`."""
        ...

    def propose(self, name: str, transition: Transition, *, seen: int) -> SharedView | None:
        """Move, unless the store has moved on from version `seen`; returns the view known then, without waiting."""
        ...

    def lease(self, name: str, *, limit: int, seconds: float) -> str | None:
        """A token for one of the fleet's `limit` probes, successes included; None when there is none now."""
        ...

    def release(self, name: str, token: str, outcome: Outcome) -> SharedView | None:
        """Give a lease back and count its outcome, once; a lease that has expired counts nothing."""
        ...

    def close(self) -> None:
        """Give back what the coordinator holds; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class CircuitBreakerEvent:
    """Something worth hearing of; `at` is aware UTC. Nothing is emitted for a call that is admitted."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class StateChanged(CircuitBreakerEvent):
    """The breaker moved. `cause` is the event of the transition table in lower case."""

    source: State
    target: State
    cause: str


@dataclass(frozen=True, slots=True)
class Rejected(CircuitBreakerEvent):
    """A call was refused."""

    state: State | None
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class WouldRefuse(CircuitBreakerEvent):
    """A call was admitted that an enforcing breaker would have refused, in the state it would have been in."""

    state: State
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class ProbeReclaimed(CircuitBreakerEvent):
    """A probe did not report in time, and its slot is free again."""


@dataclass(frozen=True, slots=True)
class ListenerFailed(CircuitBreakerEvent):
    """The listener raised on another event."""

    event: CircuitBreakerEvent


def listener_failed(event: CircuitBreakerEvent) -> CircuitBreakerEvent:
    """What the listener is told after it raised on `event`."""
    return ListenerFailed(event.at, event.name, event)


@dataclass(frozen=True, slots=True)
class CoordinatorLost(CircuitBreakerEvent):
    """The shared store does not answer; local state decides."""


@dataclass(frozen=True, slots=True)
class CoordinatorFound(CircuitBreakerEvent):
    """The shared store answers again."""
