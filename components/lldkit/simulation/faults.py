"""`Faults`: which faults strike which call, decided by the seed; and `wrap`, which puts them around any object."""

import dataclasses
import errno
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import TypeVar

from lldkit.clock import SYSTEM, Clock
from lldkit.simulation.boundary import Decision, wrap
from lldkit.simulation.interface import Crash, FaultFired
from lldkit.simulation.kinds import (
    Crashes,
    Delayed,
    DiskFull,
    Down,
    Duplicated,
    Fails,
    Fault,
    Kill,
    LostReply,
    LostRequest,
    Partition,
    Pause,
    Skew,
    Slow,
)
from lldkit.simulation.process import LIFE
from lldkit.simulation.trace import Trace

__all__ = ["Armed", "Faults", "stream"]

T = TypeVar("T")

RATES: dict[str, Callable[[str, float], Fault]] = {  # what `rates` may name
    "crashes": Crashes,
    "duplicated": Duplicated,
    "fails": Fails,
    "lost_reply": LostReply,
    "lost_request": LostRequest,
}


def stream(*key: object) -> Random:
    """A random stream of its own for each key of plain values; the same in every process and on every Python."""
    return Random(repr(key))


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault of the plan, a text that no other one for that name has, its stream of draws, and whom it names."""

    fault: Fault
    text: str
    draws: str
    names: tuple[str, ...]


class Faults:
    """Seeded faults for the calls of wrapped objects.

    Which faults strike a call depends on the seed, the boundary, the caller (a process of the simulation) and on how
    many calls that caller has made there; on nothing else. So another client, or a fault more in the plan, leaves the
    fate of all other calls as it was. `rates` adds faults at every boundary: `fails`, `lost_request`, `lost_reply`,
    `duplicated`, `crashes`. With `swarm=True` a seed leaves out about half of the kinds (swarm testing, Groce et al.
    2012), because some bugs show only where other faults do not get in their way. `keep` lets only these faults strike.

    A call that raises `Crash` means that its caller is dead: every later call raises it too, until `revive`. In a
    simulation it is the calling process that dies.

    For one thread of control at a time, such as everything under `run_virtual`.

    >>> faults = Faults(3, plan=[LostReply("store", rate=1.0)])
    >>> store = faults.wrap({}, name="store")
    >>> try:
    ...     store["key"] = "value"
    ... except TimeoutError as error:
    ...     print(error)
    store.__setitem__: the reply was lost
    >>> store
    <{'key': 'value'} behind the faults of 'store'>
    """

    def __init__(
        self,
        seed: int,
        *,
        plan: Sequence[Fault] = (),
        rates: Mapping[str, float] | None = None,
        swarm: bool = False,
        clock: Clock = SYSTEM,
        trace: Trace | None = None,
        keep: Iterable[FaultFired] | None = None,
    ) -> None:
        if unknown := set(rates or ()) - set(RATES):
            raise ValueError(f"rates has {sorted(unknown)}, and knows {sorted(RATES)}")
        everywhere: list[Fault] = [RATES[kind]("*", rate) for kind, rate in sorted((rates or {}).items())]
        self.seed = seed
        self.clock = clock
        self.healed = False
        self.boundaries: set[str] = set()  # that were wrapped
        self._armed = _arm([*plan, *everywhere], stream(seed, "swarm") if swarm else None)
        self._trace = trace
        self._keep = None if keep is None else {fired.key for fired in keep}
        self._began = clock.monotonic()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._draws: dict[tuple[str, str, str], Random] = {}
        self._fired: dict[tuple[str, str, str, int], FaultFired] = {}
        self._dead = False

    def wrap(self, target: T, *, name: str, only: Iterable[str] | None = None) -> T:
        """A stand-in for `target` whose calls are a boundary of that name: functions, methods, `def` and `async def`.

        Every public method and item access counts as a call, or those named in `only`. Other attributes pass through.
        """
        self.boundaries.add(name)
        return wrap(target, self, name, None if only is None else frozenset(only))

    def sometimes(self, name: str, rate: float = 0.1) -> bool:
        """A coin of the program's own, for rare paths that only a test should take often."""
        caller, call = self._count(name)
        lands = self._draw("sometimes", name, caller) < rate
        return lands and self.strike("sometimes", name, caller, call)

    @property
    def is_dead(self) -> bool:
        """Whether a caller outside of a simulation has crashed, and was not revived."""
        return self._dead

    def heal(self) -> None:
        """No fault strikes from now on."""
        if not self.healed:
            self.healed = True
            if self._trace is not None:
                self._trace.record("faults", "healed")

    def revive(self) -> None:
        """A caller that crashed outside of a simulation begins anew."""
        self._dead = False

    @property
    def fired(self) -> tuple[FaultFired, ...]:
        """The faults that have struck."""
        return tuple(self._fired.values())

    @property
    def plan(self) -> tuple[Armed, ...]:
        """The faults that may strike, without those that the swarm has left out."""
        return self._armed

    # What boundaries, the network and the simulation ask.

    def decide(self, boundary: str, method: str) -> Decision:
        """Fix the fate of the next call of `boundary` by whoever is calling."""
        caller, call = self._count(boundary)
        now = self.clock.monotonic() - self._began
        decision = Decision(caller, call, where=f"call {call} of {boundary}.{method}")
        for armed in self._armed:
            if not _concerns(armed, boundary, caller):
                continue
            draw = self._draw(armed.draws, boundary, caller)
            single = (caller, call) if hasattr(armed.fault, "rate") else ("", 0)  # a window strikes as a whole
            if _is_due(armed.fault, now, draw) and self.strike(armed.text, boundary, *single):
                _apply(armed.fault, decision, draw, f"{boundary}.{method}")
        return decision

    def parted(self, a: str, b: str) -> bool:
        """Whether a partition lies between two nodes now."""
        now = self.clock.monotonic() - self._began
        return any(
            _concerns(armed, b, a) and _is_due(armed.fault, now, 0.0) and self.strike(armed.text, b)
            for armed in self._armed
            if isinstance(armed.fault, Partition)
        )

    def strike(self, text: str, where: str, caller: str = "", call: int = 0) -> bool:
        """Write down that a fault strikes; False if it must not: all is healed, or it is not among those kept."""
        fired = FaultFired(self.clock.monotonic() - self._began, text, where, caller, call)
        if self.healed or (self._keep is not None and fired.key not in self._keep):
            return False
        if fired.key not in self._fired:
            self._fired[fired.key] = fired
            if self._trace is not None:
                self._trace.strike(fired)
        return True

    def check_alive(self) -> None:
        """Raise `Crash` if the caller is dead."""
        life = LIFE.get()
        if self._dead if life is None else not life.alive:
            raise Crash("the dead call nobody")

    def meet(self, decision: Decision, when: str, error: Exception | None) -> None:
        """Let what was decided for before or after the effect happen: the caller dies, or sees an error, or neither."""
        if decision.crash == when:
            life = LIFE.get()
            if life is None:
                self._dead = True
            else:
                life.process.crash()
            raise Crash(f"{when} {decision.where}")
        if error is not None:
            raise error

    def note(self, boundary: str, method: str, decision: Decision, outcome: str) -> None:
        """Write down how a call ended."""
        if self._trace is not None:
            by = f" by {decision.caller}" if decision.caller else ""
            self._trace.record(boundary, f"{method}, call {decision.call}{by}: {outcome}")

    def _count(self, boundary: str) -> tuple[str, int]:
        life = LIFE.get()
        caller = "" if life is None else life.process.name
        self._calls[boundary, caller] += 1
        return caller, self._calls[boundary, caller]

    def _draw(self, kind: str, boundary: str, caller: str) -> float:
        key = (kind, boundary, caller)
        if key not in self._draws:
            self._draws[key] = stream(self.seed, *key)
        return self._draws[key].random()


def _arm(plan: Sequence[Fault], swarm: Random | None) -> tuple[Armed, ...]:
    seen: Counter[str] = Counter()
    armed = []
    for fault in plan:
        kind = type(fault).__name__
        shown = [field.name for field in dataclasses.fields(fault) if field.name not in {"name", "process", "error"}]
        text = f"{kind}({', '.join(f'{name}={getattr(fault, name)!r}' for name in shown)})"
        names = tuple(getattr(fault, field) for field in ("a", "b", "name", "process") if hasattr(fault, field))
        draws = f"{kind} {'-'.join(names)}"
        seen[draws] += 1
        number = f" #{seen[draws]}" if seen[draws] > 1 else ""
        armed.append(Armed(fault, text + number, draws + number, names))
    if swarm is not None:
        kept = {kind for kind in sorted({type(fault).__name__ for fault in plan}) if swarm.random() < 0.5}
        armed = [one for one in armed if type(one.fault).__name__ in kept]
    return tuple(armed)


def _concerns(armed: Armed, boundary: str, caller: str) -> bool:
    if isinstance(armed.fault, Kill | Pause | Skew):
        return False
    if isinstance(armed.fault, Partition):
        a, b = armed.names
        return any(fnmatchcase(caller, one) and fnmatchcase(boundary, other) for one, other in ((a, b), (b, a)))
    return fnmatchcase(boundary, armed.names[0])


def _is_due(fault: Fault, now: float, draw: float) -> bool:
    rate: float | None = getattr(fault, "rate", None)
    if rate is not None:
        return draw < rate
    begin: float = getattr(fault, "at", 0.0)
    length: float = getattr(fault, "seconds", math.inf)
    return begin <= now < begin + length


def _apply(fault: Fault, decision: Decision, draw: float, call: str) -> None:
    match fault:
        case LostReply(error=error):
            decision.loss = error(f"{call}: the reply was lost")
        case Duplicated():
            decision.twice = True
        case Crashes(rate=rate):
            decision.crash = "before" if draw < rate / 2 else "after"
        case Delayed(low=low, high=high):
            decision.delay += low + (high - low) * draw
        case Slow(factor=factor):
            decision.factor *= factor
        case _:
            decision.refusal = _refusal(fault, call)


def _refusal(fault: Fault, call: str) -> Exception | None:
    match fault:
        case Down(error=error):
            return error(f"{call}: it is down")
        case DiskFull():
            return OSError(errno.ENOSPC, f"{call}: no space left on device")
        case Partition(a=a, b=b):
            return TimeoutError(f"{call}: {a} and {b} cannot reach each other")
        case Fails(error=error):
            return error(f"{call}: it failed")
        case LostRequest(error=error):
            return error(f"{call}: the request was lost")
        case _:
            return None
