"""The words of the scheduler: accesses, choices, strategies, verdicts and errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from lldkit.interleave.report import Report, Wait

__all__ = [
    "CLOCK",
    "READS_TIME",
    "YIELDS",
    "Access",
    "Body",
    "Choice",
    "Deadlock",
    "Diverged",
    "Granularity",
    "InterleaveError",
    "InterleavingFailure",
    "Invariant",
    "Kind",
    "Livelock",
    "NotProved",
    "Program",
    "Pruned",
    "Strategy",
    "Uncontrolled",
    "Verdict",
]

Body: TypeAlias = Callable[[], object]
"""What one thread does."""
Invariant: TypeAlias = Callable[[], object]
"""What must hold when all threads have ended: it returns anything but `False`, or `None`, and does not raise."""
Program: TypeAlias = Callable[[], tuple[Sequence[Body] | Mapping[str, Body], Invariant | None]]
"""Builds fresh state on every call and returns the bodies of its threads, and the invariant."""

CLOCK = -1
"""The number by which a schedule calls the clock: virtual time moves to the next deadline."""

YIELDS = frozenset({"yields", "sleeps", "spins"})
"""The verbs of a thread that waits by polling."""


class Granularity(StrEnum):
    """Where a thread may be interrupted."""

    FREE = "free"
    """Before every access to what threads can share: what a build without the GIL does, and more."""
    GIL = "gil"
    """Where today's interpreter with a GIL looks for a switch: function entry, backward jump, after a call."""
    SYNC = "sync"
    """Only before operations of locks, queues, threads and timers."""


class Verdict(StrEnum):
    """What an exploration found out."""

    FAILED = "failed"
    NOT_FOUND = "not_found"
    """No failure among the schedules tried. This says nothing about the others."""
    PROVED = "proved"
    """No failure in any schedule within the stated bound."""


class Kind(StrEnum):
    """The ways a run can fail."""

    CHECK = "check"
    EXCEPTION = "exception"
    DEADLOCK = "deadlock"
    LIVELOCK = "livelock"
    NOT_LINEARIZABLE = "not_linearizable"


@dataclass(frozen=True, slots=True)
class Access:
    """What a thread is about to do to something that others may share."""

    kind: Literal["attribute", "global", "cell", "item", "lock", "call"]
    name: str
    writes: bool
    verb: str = ""

    def __str__(self) -> str:
        verb = self.verb or ("writes" if self.writes else "reads")
        return f"{verb} {'an item' if self.kind == 'item' else self.name}".rstrip()


READS_TIME = Access("call", "the clock", writes=False)


class Choice(NamedTuple):
    """One decision: who takes the next step. Valid during the call of `Strategy.pick` only."""

    runnable: tuple[int, ...]
    """Never empty, ascending; `CLOCK`, where time may pass, comes last."""
    current: int | None
    """Who took the last step; it need not be runnable any more."""
    step: int
    accesses: Mapping[int, Access | None]
    """What each thread will do when it is picked; `None`: it has not begun."""


class Strategy(Protocol):
    """Decides who runs. One that can end also has `exhausted`, and `bound`: what it went through, in words."""

    def begin(self, run: int, rng: Random, /) -> None:
        """Prepare for run number `run`; `rng` is seeded by the seed of the exploration and `run`."""
        ...

    def pick(self, choice: Choice, /) -> int:
        """Return one of `choice.runnable`. Called before every step. May raise `Pruned`."""
        ...

    def advance(self) -> bool:
        """Return whether another run may show something new."""
        ...


class Pruned(Exception):
    """Raised by a strategy in `pick`: what this run would still show is known already."""


class InterleaveError(LldkitError):
    """Base of everything that the interleaving tools raise."""


class InterleavingFailure(InterleaveError, AssertionError):
    """A schedule was found in which the program fails; `report` tells all about it."""

    def __init__(self, report: "Report") -> None:
        super().__init__(str(report))
        self.report = report


class Deadlock(InterleavingFailure):
    """No thread can ever go on: `waits` says who waits for what, `cycle` names the threads that wait in a circle."""

    def __init__(self, report: "Report") -> None:
        super().__init__(report)
        self.cycle: tuple[str, ...] = report.failure.cycle if report.failure else ()
        self.waits: tuple[Wait, ...] = report.failure.waits if report.failure else ()


class Livelock(InterleavingFailure):
    """The step limit was reached although every thread got its turns; `repeated` are the lines run over and over."""

    def __init__(self, report: "Report") -> None:
        super().__init__(report)
        self.steps: int = report.failure.schedule.steps if report.failure else 0
        self.repeated: tuple[str, ...] = report.failure.repeated if report.failure else ()


class NotProved(InterleaveError, AssertionError):
    """No failure was found, but schedules were left untried."""

    def __init__(self, report: "Report") -> None:
        super().__init__(f"not proved: {report}")
        self.report = report


class Diverged(InterleaveError):
    """A schedule does not fit the program: at `step` it wants thread `wanted`, which is not among `runnable`."""

    def __init__(self, step: int, wanted: int | None, runnable: tuple[int, ...]) -> None:
        there = f"runnable: {', '.join(map(str, runnable)) or 'nobody'}"
        want = "ends" if wanted is None else f"wants thread {wanted}"
        super().__init__(f"the schedule {want} at step {step} ({there}); the program is not the one it was recorded on")
        self.step, self.wanted, self.runnable = step, wanted, runnable


class Uncontrolled(InterleaveError):
    """Something happened outside the scheduler's sight: `what`, `where`, and what would `help`."""

    def __init__(self, what: str, where: str, help: str) -> None:  # noqa: A002 - the word a reader looks for
        super().__init__(f"{what} ({where}); {help}")
        self.what, self.where, self.help = what, where, help
