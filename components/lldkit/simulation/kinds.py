"""The kinds of faults, as values: a plan is a sequence of them.

Those with a `name` strike calls of the boundaries of that name, those with a `process` strike processes; both may be
patterns such as `"db-*"`. `at` is in seconds since the start of the simulation, a `rate` is a share of calls.
"""

import dataclasses
import math
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

RANGES = {  # field -> lowest, highest, in words
    "rate": (0.0, 1.0, "a share from 0 to 1"),
    "at": (0.0, math.inf, "seconds since the start, >= 0"),
    "seconds": (0.0, math.inf, "a number of seconds >= 0"),
    "factor": (1.0, math.inf, "a number >= 1"),
    "low": (0.0, math.inf, "a number of seconds >= 0"),
    "high": (0.0, math.inf, "a number of seconds >= 0"),
    "drift": (-0.999, 1000.0, "seconds gained per second, from -0.999 to 1000"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Base of all kinds of faults, which are frozen values; one with a field out of its range is refused."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in RANGES:
                low, high, words = RANGES[field.name]
                if not low <= value <= high:
                    raise ValueError(f"{type(self).__name__}: {field.name} is {words}, got {value!r}")


@dataclass(frozen=True, slots=True)
class Down(Fault):
    """Boundary `name` refuses every call, before its effect, from `at` for `seconds`."""

    name: str
    at: float
    seconds: float
    error: ErrorFactory = ConnectionRefusedError


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """Calls of boundary `name` take `factor` times as long, from `at` for `seconds`."""

    name: str
    at: float
    seconds: float
    factor: float


@dataclass(frozen=True, slots=True)
class Fails(Fault):
    """A share `rate` of the calls of boundary `name` raises `error`, before the effect."""

    name: str
    rate: float
    error: ErrorFactory = ConnectionError


@dataclass(frozen=True, slots=True)
class LostRequest(Fault):
    """A share `rate` of the calls never arrives: no effect, and a time-out for the caller."""

    name: str
    rate: float
    error: ErrorFactory = TimeoutError


@dataclass(frozen=True, slots=True)
class LostReply(Fault):
    """A share `rate` of the calls takes effect, and its caller sees a time-out all the same."""

    name: str
    rate: float
    error: ErrorFactory = TimeoutError


@dataclass(frozen=True, slots=True)
class Duplicated(Fault):
    """A share `rate` of the calls arrives twice; the caller sees the first reply."""

    name: str
    rate: float


@dataclass(frozen=True, slots=True)
class Crashes(Fault):
    """In a share `rate` of the calls the caller dies, before or after the effect with equal chance."""

    name: str
    rate: float


@dataclass(frozen=True, slots=True)
class Delayed(Fault):
    """Every call of boundary `name` takes `low` to `high` seconds, uniform, half on the way in, half on the way out."""

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.low > self.high:
            raise ValueError(f"Delayed: low is at most high, got {self.low!r} and {self.high!r}")


@dataclass(frozen=True, slots=True)
class DiskFull(Fault):
    """From `at` on every call of boundary `name` raises `OSError(ENOSPC)`, before its effect."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Partition(Fault):
    """`a` and `b`, processes or boundaries, cannot reach each other from `at` for `seconds`."""

    a: str
    b: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Kill(Fault):
    """`process` dies at `at`: its tasks vanish where they stand."""

    process: str
    at: float


@dataclass(frozen=True, slots=True)
class Pause(Fault):
    """`process` stands still from `at` for `seconds`, as under a long garbage collection, while time goes on."""

    process: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Skew(Fault):
    """The clock of `process` is `offset` seconds ahead and gains `drift` seconds per second."""

    process: str
    offset: float = 0.0
    drift: float = 0.0
