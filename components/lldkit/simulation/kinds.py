"""The kinds of faults, as values: a plan is a sequence of them.

Those with a `name` strike calls of the boundary of that name, those with a `process` strike the process of that name.
`at` is in seconds since the start of the simulation, a `rate` is a share of calls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "Crashes",
    "Delayed",
    "DiskFull",
    "Down",
    "Duplicated",
    "ErrorFactory",
    "Fails",
    "Fault",
    "Kill",
    "LostReply",
    "LostRequest",
    "Partition",
    "Pause",
    "Skew",
    "Slow",
]

ErrorFactory: TypeAlias = Callable[[str], Exception]
"""An exception class, or any function that makes an exception from a message."""


@dataclass(frozen=True, slots=True)
class Down:
    """Boundary `name` refuses every call, before its effect, from `at` for `seconds`."""

    name: str
    at: float
    seconds: float
    error: ErrorFactory = ConnectionRefusedError


@dataclass(frozen=True, slots=True)
class Slow:
    """Calls of boundary `name` take `factor` times as long, from `at` for `seconds`."""

    name: str
    at: float
    seconds: float
    factor: float


@dataclass(frozen=True, slots=True)
class Fails:
    """A share `rate` of the calls of boundary `name` raises `error`, before the effect."""

    name: str
    rate: float
    error: ErrorFactory = ConnectionError


@dataclass(frozen=True, slots=True)
class LostRequest:
    """A share `rate` of the calls never arrives: no effect, and a time-out for the caller."""

    name: str
    rate: float
    error: ErrorFactory = TimeoutError


@dataclass(frozen=True, slots=True)
class LostReply:
    """A share `rate` of the calls takes effect, and its caller sees a time-out all the same."""

    name: str
    rate: float
    error: ErrorFactory = TimeoutError


@dataclass(frozen=True, slots=True)
class Duplicated:
    """A share `rate` of the calls arrives twice; the caller sees the first reply."""

    name: str
    rate: float


@dataclass(frozen=True, slots=True)
class Crashes:
    """In a share `rate` of the calls the caller dies, before or after the effect with equal chance."""

    name: str
    rate: float


@dataclass(frozen=True, slots=True)
class Delayed:
    """Every call of boundary `name` takes `low` to `high` seconds, uniform, half on the way in, half on the way out."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DiskFull:
    """From `at` on every call of boundary `name` raises `OSError(ENOSPC)`, before its effect."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Partition:
    """Process or boundary `a` and `b` cannot reach each other from `at` for `seconds`."""

    a: str
    b: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Kill:
    """`process` dies at `at`: its tasks vanish where they stand."""

    process: str
    at: float


@dataclass(frozen=True, slots=True)
class Pause:
    """`process` stands still from `at` for `seconds`, as under a long garbage collection, while time goes on."""

    process: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Skew:
    """The clock of `process` is `offset` seconds ahead and gains `drift` seconds per second."""

    process: str
    offset: float = 0.0
    drift: float = 0.0


Fault: TypeAlias = (
    Down
    | Slow
    | Fails
    | LostRequest
    | LostReply
    | Duplicated
    | Crashes
    | Delayed
    | DiskFull
    | Partition
    | Kill
    | Pause
    | Skew
)
