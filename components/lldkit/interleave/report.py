"""What an exploration says: its verdict, and of a failure everything that explains and replays it."""

from dataclasses import dataclass, field
from typing import Self

from lldkit.interleave.interface import (
    Deadlock,
    Granularity,
    InterleavingFailure,
    Kind,
    Livelock,
    NotProved,
    Verdict,
)
from lldkit.interleave.schedule import Schedule
from lldkit.interleave.timeline import Line, Timeline

__all__ = ["Failure", "Report", "Wait"]

_LONGEST_COMMAND = 4_000


@dataclass(frozen=True, slots=True)
class Wait:
    """A thread that waits at the end of a deadlock."""

    thread: str
    verb: str
    on: str
    """Such as `Lock #2 (account.py:14)`: the second lock, made there."""
    owner: str | None
    """Who must act before the wait can end, where one thread must."""
    since: Line
    holds: tuple[str, ...]
    """What it keeps others from, each with the line where it was taken."""

    def __str__(self) -> str:
        owner = f", which {self.owner} has" if self.owner and not self.on.startswith("thread ") else ""
        holds = f"; holds {', '.join(self.holds)}" if self.holds else ""
        return f"{self.thread} {self.verb} {self.on}{owner}, at {self.since} {self.since.text}{holds}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed."""

    kind: Kind
    message: str
    error: BaseException | None
    schedule: Schedule
    seed: int
    run: int
    """Which run of the exploration it was, from 0."""
    timeline: Timeline
    original: Schedule
    """The schedule as it was found, before shrinking."""
    waits: tuple[Wait, ...] = ()
    cycle: tuple[str, ...] = ()
    """The threads that wait for each other in a circle."""
    repeated: tuple[str, ...] = ()
    """Of a livelock: the lines that run over and over."""

    def __str__(self) -> str:
        parts = [f"{self.kind.value}: {self.message}", self.timeline.to_text()]
        if self.waits:
            parts.append("\n".join(map(str, self.waits)))
        if self.repeated:
            parts.append("over and over: " + "; ".join(self.repeated))
        shrunk = f" (shrunk from {self.original.switches} switches)" if self.original != self.schedule else ""
        parts.append(f"seed {self.seed}, run {self.run}, {self.schedule.switches} switches{shrunk}")
        command = f'replay(program, "{self.schedule}")'
        parts.append(command if len(command) < _LONGEST_COMMAND else "replay(program, report.failure.schedule)")
        return "\n\n".join(parts)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `explore` and `replay`."""

    verdict: Verdict
    failure: Failure | None
    schedules: int
    """How many schedules were run."""
    steps: int
    """How many steps they took in all."""
    granularity: Granularity
    strategy: str
    bound: str
    """What the verdict covers, in words."""
    seed: int = field(default=0)

    def assert_ok(self) -> Self:
        """Return the report, or raise `InterleavingFailure` (`Deadlock`, `Livelock`) where a run failed."""
        if self.failure is None:
            return self
        error = {Kind.DEADLOCK: Deadlock, Kind.LIVELOCK: Livelock}.get(self.failure.kind, InterleavingFailure)
        raise error(self) from self.failure.error

    def assert_proved(self) -> Self:
        """Return the report where nothing was left untried; else raise as `assert_ok`, or `NotProved`."""
        if self.assert_ok().verdict is not Verdict.PROVED:
            raise NotProved(self)
        return self

    def __str__(self) -> str:
        told = (
            f"{self.verdict.value} in {self.schedules} schedules ({self.steps} steps) at granularity "
            f"{self.granularity.value}: {self.bound}; {self.strategy}, seed {self.seed}"
        )
        return told if self.failure is None else f"{told}\n{self.failure}"
