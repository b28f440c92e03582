"""The words of the simulation: orders, what a trace is made of, what a crash search finds, and the errors."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from lldkit.simulation.trace import Trace

__all__ = [
    "Crash",
    "CrashPoint",
    "CrashReport",
    "CrashViolation",
    "FaultFired",
    "InvariantBroken",
    "Order",
    "Series",
    "SimulationError",
    "Stuck",
    "TooLong",
    "TraceEvent",
    "Unfair",
    "Violation",
]


class Order(StrEnum):
    """Which of several callbacks that are ready at one instant runs next."""

    FIFO = "fifo"
    """In the order in which they became ready, as asyncio does."""
    RANDOM = "random"
    """Any of them, drawn anew for every single callback from the seed of the run."""


class SimulationError(LldkitError):
    """Base of what the simulation raises."""


class Stuck(SimulationError):
    """Nothing can ever happen again: no callback is ready, no timer is pending, and somebody still waits."""

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self.tasks = tasks
        """Who waits and where, one `name: file:line in function` each."""
        super().__init__("nothing can ever happen again; waiting for ever:\n  " + "\n  ".join(tasks))


class TooLong(SimulationError):
    """The next event lies beyond the limit of virtual time."""

    def __init__(self, time: float, limit: float) -> None:
        self.time, self.limit = time, limit
        super().__init__(f"the next event is due at {time:g} s, after the limit of {limit:g} s; raise limit_seconds")


class Unfair(SimulationError):
    """A run took all its steps: usually a task that polls with `sleep(0)` and so holds time still."""

    def __init__(self, steps: int, time: float, here: int) -> None:
        self.steps, self.time, self.here = steps, time, here
        super().__init__(
            f"{steps} callbacks have run, the last {here} of them at one instant ({time:g} s); "
            "await an event or a timer in place of polling with sleep(0), or raise max_steps"
        )


class InvariantBroken(SimulationError, AssertionError):
    """A simulation broke a promise; carries the trace that shows how."""

    def __init__(self, name: str, time: float, seed: int, trace: "Trace") -> None:
        self.name, self.time, self.seed, self.trace = name, time, seed, trace
        first = trace.violations[0]
        faults = "".join(f"\n  {fired}" for fired in trace.faults) or " none"
        super().__init__(f"{name} was broken at {time:g} s with seed {seed}: {first.message}\nfaults:{faults}")


class Crash(BaseException):
    """What a boundary raises where its caller dies, so that no `except Exception` survives it."""


@dataclass(frozen=True, slots=True)
class FaultFired:
    """One fault that struck: which one, where, and at which call of that boundary by that caller (1, 2, …)."""

    at: float
    fault: str
    where: str
    caller: str
    call: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What identifies it in another run of the same seed."""
        return (self.fault, self.where, self.caller, self.call)

    def __str__(self) -> str:
        by = f" by {self.caller}" if self.caller else ""
        call = f" (call {self.call}{by})" if self.call else ""
        return f"{self.at:.6f} {self.where}: {self.fault}{call}"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """Something happened `at` (seconds since the start) to or by `subject`."""

    at: float
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.at:14.6f}  {self.subject:<16} {self.text}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: its name, when, what was seen, and the error that was raised, if one was."""

    name: str
    at: float
    message: str
    error: BaseException | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Series:
    """Measured values over simulated seconds; both tuples have one length."""

    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A moment at which a run dies: `when` ("before" or "after") the effect of the n-th boundary call of the run."""

    when: str
    boundary: str
    method: str
    call: int

    def __str__(self) -> str:
        return f"{self.when} call {self.call}, {self.boundary}.{self.method}"


@dataclass(frozen=True, slots=True)
class CrashViolation:
    """What was wrong after the run had died at `crashes` and started again after each."""

    crashes: tuple[CrashPoint, ...]
    message: str
    error: BaseException | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"crash {' and '.join(map(str, self.crashes)) or 'nowhere'}: {self.message}"


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What `every_crash` has tried and found."""

    points: int
    """Boundary calls of the run without a crash, times two: before and after each."""
    runs: int
    violations: tuple[CrashViolation, ...]

    def assert_ok(self) -> "CrashReport":
        """Return this report, or raise `AssertionError` that lists the violations."""
        if self.violations:
            found = "".join(f"\n  {violation}" for violation in self.violations)
            raise AssertionError(f"{len(self.violations)} of {self.runs} runs ended wrong:{found}")
        return self
