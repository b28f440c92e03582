"""`Trace`: what happened in a simulation, line by line, with a digest, so that two runs can be compared."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from lldkit.simulation.interface import FaultFired, InvariantBroken, Series, TraceEvent, Violation

__all__ = ["Broken", "Trace", "judge"]

Broken: TypeAlias = tuple[str, Exception | None]
"""Why a promise does not hold, and the error that said so, if one was raised."""

CONTEXT_LINES = 3  # of a diff, before the first difference and from there on


class Trace:
    """The events of one simulation, its broken promises, what was measured, and the faults that struck.

    It is written while the simulation runs and closed at its end; what is handed out are copies. The same seed gives
    the same lines, and so the same digest, on every supported Python. For one thread of control at a time.

    >>> trace = Trace(seed=7, now=lambda: 1.5)
    >>> trace.record("worker", "has started")
    >>> trace.lines()
    ['      1.500000  worker           has started']
    """

    def __init__(self, *, seed: int, now: Callable[[], float]) -> None:
        self.seed = seed
        self._now = now
        self._open = True
        self._events: list[TraceEvent] = []
        self._violations: list[Violation] = []
        self._faults: list[FaultFired] = []
        self._measured: dict[str, list[tuple[float, float]]] = {}

    def record(self, subject: str, text: str) -> None:
        """Write down that something happened to or by `subject` now."""
        if self._open:
            self._events.append(TraceEvent(self._now(), subject, text.replace("\n", "\\n")))

    def measure(self, name: str, value: float) -> None:
        """Add a point to the series `name`."""
        if self._open:
            self._measured.setdefault(name, []).append((self._now(), float(value)))

    def violate(self, name: str, message: str, error: BaseException | None = None) -> None:
        """Write down that the promise `name` is broken."""
        if self._open:
            self.record(name, f"VIOLATED: {message}")
            self._violations.append(Violation(name, self._now(), message, error))

    def strike(self, fired: FaultFired) -> None:
        """Write down a fault."""
        if self._open:
            call = f" at call {fired.call}" + (f" by {fired.caller}" if fired.caller else "") if fired.call else ""
            self.record(fired.where, f"{fired.fault}{call}")
            self._faults.append(fired)

    def close(self) -> None:
        """End the trace: what happens from now on, such as clean-up, is not part of it."""
        self._open = False

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """Everything that happened, in order."""
        return tuple(self._events)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Broken promises in the order in which they were found; each name at most once."""
        return tuple(self._violations)

    @property
    def faults(self) -> tuple[FaultFired, ...]:
        """The faults that struck."""
        return tuple(self._faults)

    @property
    def metrics(self) -> Mapping[str, Series]:
        """What was measured, by name."""
        return MappingProxyType(
            {
                name: Series(tuple(at for at, _ in points), tuple(value for _, value in points))
                for name, points in self._measured.items()
            }
        )

    def lines(self) -> list[str]:
        """One line of text for each event."""
        return [str(event) for event in self._events]

    @property
    def digest(self) -> str:
        """SHA-256 of the lines, in hexadecimal."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def to_json(self) -> str:
        """Everything as a JSON object, byte for byte the same for the same run."""
        document = {
            "seed": self.seed,
            "digest": self.digest,
            "events": [dataclasses.asdict(event) for event in self._events],
            "violations": [{"name": one.name, "at": one.at, "message": one.message} for one in self._violations],
            "faults": [dataclasses.asdict(fired) for fired in self._faults],
            "metrics": {name: dataclasses.asdict(series) for name, series in self.metrics.items()},
        }
        return json.dumps(document, allow_nan=False)

    def diff(self, other: "Trace") -> str:
        """The first line in which `other` differs, with the lines around it; empty if none does. O(lines)."""
        ours, theirs = self.lines(), other.lines()
        same = 0
        for mine, its in zip(ours, theirs, strict=False):
            if mine != its:
                break
            same += 1
        if same == len(ours) == len(theirs):
            return ""
        shown = [f"line {same + 1}:", *(f"  {line}" for line in ours[max(0, same - CONTEXT_LINES) : same])]
        shown += [f"- {line}" for line in ours[same : same + CONTEXT_LINES]]
        shown += [f"+ {line}" for line in theirs[same : same + CONTEXT_LINES]]
        return "\n".join(shown)

    def assert_ok(self) -> "Trace":
        """Return this trace, or raise `InvariantBroken` for the first violation."""
        if self._violations:
            first = self._violations[0]
            raise InvariantBroken(first.name, first.at, self.seed, self) from first.error
        return self

    def __repr__(self) -> str:
        return f"<Trace seed={self.seed} events={len(self._events)} violations={len(self._violations)}>"


def judge(promise: Callable[[], object]) -> Broken | None:
    """Why `promise()` does not hold; None if it does. It is broken by an error and by anything false but None."""
    try:
        answer = promise()
    except Exception as error:  # noqa: BLE001 - an assertion, or a mistake in the promise; both are shown
        return f"{type(error).__name__}: {error}", error
    return None if answer is None or answer else (f"it is {answer!r}", None)
