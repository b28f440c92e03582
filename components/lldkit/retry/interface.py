"""The words of retry: the seams a user may replace, what a call was told, the events, and the errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from random import Random
from typing import Any, Literal, Protocol, TypeAlias

from lldkit.arguments import check_count
from lldkit.errors import LldkitError

__all__ = [
    "AttemptFailed",
    "AttemptTimeout",
    "Backoff",
    "Budget",
    "Classes",
    "ErrorClass",
    "GaveUp",
    "GiveUp",
    "Hint",
    "On",
    "Permit",
    "Reason",
    "Recovered",
    "ResultRejected",
    "RetryError",
    "RetryEvent",
    "Sleeping",
    "TryAgain",
    "Why",
]


class Reason(Enum):
    """Why there was no other attempt."""

    ATTEMPTS = "all attempts were made"
    DEADLINE = "the next attempt would have begun after the deadline"
    BUDGET = "the retry budget is spent"
    NOT_RETRYABLE = "the error is not one to retry"
    HINT = "the server said not to come back"
    NESTED = "the call is part of a retry already"
    DISABLED = "retrying is disabled"

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class GiveUp:
    """How a call ended without success.

    `attempts` counts calls made, hedged copies included; `slept` is the sum of the planned sleeps, in seconds.
    `elapsed` runs from the start of the call; of a decorated function without a timeout, from its first failure.
    """

    reason: Reason
    attempts: int
    elapsed: float
    slept: float
    error_class: str | None

    def __str__(self) -> str:
        calls = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.reason.value}; {calls} in {self.elapsed:.3f} s, {self.slept:.3f} s of it asleep"


class Backoff(Protocol):
    """How long to wait before a retry. Pure: all chance comes from `rng`."""

    def delay(self, retry: int, previous: float, rng: Random, /) -> float:
        """Seconds before retry number `retry` (1 is the first); `previous` is the answer before, 0.0 at first."""
        ...


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """A kind of error, with a backoff and a budget cost of its own; None means the policy's, or the budget's."""

    name: str
    backoff: Backoff | None = None
    cost: int | None = None

    def __post_init__(self) -> None:
        if self.cost is not None:
            check_count("cost", self.cost)


Classes: TypeAlias = type[Exception] | tuple[type[Exception], ...]
On: TypeAlias = Classes | Callable[[Exception], bool | ErrorClass] | Mapping[Any, ErrorClass]
"""Which errors to retry: a class, several, a predicate, or a mapping of `Classes` to `ErrorClass` (first match)."""

Hint: TypeAlias = Callable[[BaseException], float | Literal["stop"] | None]
"""What the server said: wait so many seconds, "stop" (or `math.inf`), or None for nothing."""

Why: TypeAlias = Literal["backoff", "hint"]


@dataclass(frozen=True, slots=True)
class Permit:
    """A retry that a budget has paid for; `slice` is when, as the budget counts time."""

    cost: int
    slice: int = field(default=0, repr=False)


class Budget(Protocol):
    """Bounds the retries of all calls to one dependency. Safe for threads and tasks; the first attempt is free."""

    def started(self) -> None:
        """Count a call, before its first attempt."""
        ...

    def withdraw(self, cost: int | None, /) -> Permit | None:
        """Pay for one retry now (None: at the budget's own price), or refuse with None."""
        ...

    def succeeded(self, permit: Permit | None, /) -> None:
        """Count a success; `permit` is that of its last retry, None if the first attempt did it."""
        ...

    def give_back(self, permit: Permit, /) -> None:
        """Take back what was paid for a retry that was never made, because its sleep was interrupted."""
        ...

    @property
    def balance(self) -> float:
        """How much is left."""
        ...


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """Something worth hearing of; `at` is aware UTC. A call that succeeds at once emits nothing."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AttemptFailed(RetryEvent):
    """An attempt raised an error, or its result was rejected; `error_class` is None when it is not retried."""

    number: int
    error: Exception
    error_class: str | None


@dataclass(frozen=True, slots=True)
class Sleeping(RetryEvent):
    """There will be another attempt, after `seconds`."""

    seconds: float
    why: Why


@dataclass(frozen=True, slots=True)
class GaveUp(RetryEvent):
    """There will be no other attempt."""

    error: Exception
    give_up: GiveUp


@dataclass(frozen=True, slots=True)
class Recovered(RetryEvent):
    """A call succeeded after failures; `attempts` counts all that were made."""

    attempts: int


class RetryError(LldkitError):
    """Base of retry's own errors. A call that gives up raises the last error itself, not one of these."""


class TryAgain(RetryError):
    """Raise it in a function or block to ask for another attempt, whatever `on` says."""

    def __init__(self, message: str = "another attempt was asked for", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ResultRejected(RetryError):
    """The last result was not accepted by `retry_result`; `result` is that result."""

    def __init__(self, result: object, give_up: GiveUp | None = None) -> None:
        super().__init__("retry_result rejected the result, which is in .result")
        self.result = result
        self.give_up = give_up

    @property
    def response(self) -> object:
        """The result under the name by which `retry_after` finds the headers of a response."""
        return self.result

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.result, self.give_up)


class AttemptTimeout(RetryError, TimeoutError):
    """Attempt `number` was cancelled after `seconds`; a `TimeoutError`, so `on=TimeoutError` retries it."""

    def __init__(self, number: int, seconds: float) -> None:
        super().__init__(f"attempt {number} took longer than {seconds:.3f} s")
        self.number = number
        self.seconds = seconds

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.seconds)
