"""The machine of a circuit breaker: a table of moves, and pure functions that admit a call and take its report.

Time is given, in whole microseconds; chance is given, a number in [0, 1). A `Core` is a value: each function returns
the next one, and the moves that were made on the way. The window lives beside it, one per generation (`breaker.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple, TypeAlias

from lldkit.circuit_breaker.interface import OpenFor, Outcome, State
from lldkit.clock import MICRO
from lldkit.machine import Machine

__all__ = [
    "TRANSITIONS",
    "Admission",
    "Core",
    "Effect",
    "Event",
    "Moved",
    "Policy",
    "Reclaimed",
    "admit",
    "report",
    "seen_from",
    "step",
    "trip",
]

RAMP_FROM = 0.1  # the share that a ramp begins with


class Event(Enum):
    """What moves a breaker; the last five by hand."""

    TRIPPED = "tripped"
    OPEN_TIME_OVER = "open_time_over"
    PROBES_SUCCEEDED = "probes_succeeded"
    PROBES_SUCCEEDED_RAMP = "probes_succeeded_ramp"
    PROBES_FAILED = "probes_failed"
    RAMP_OVER = "ramp_over"
    TRIP = "trip"
    FORCE_OPEN = "force_open"
    DISABLE = "disable"
    OBSERVE = "observe"
    RESET = "reset"


BY_HAND = {
    Event.TRIP: State.OPEN,
    Event.FORCE_OPEN: State.FORCED_OPEN,
    Event.DISABLE: State.DISABLED,
    Event.OBSERVE: State.OBSERVING,
    Event.RESET: State.CLOSED,
}

TRANSITIONS = Machine(
    name="circuit_breaker",
    initial=State.CLOSED,
    final=(),
    table={
        (State.CLOSED, Event.TRIPPED): State.OPEN,
        (State.OPEN, Event.OPEN_TIME_OVER): State.HALF_OPEN,
        (State.HALF_OPEN, Event.PROBES_FAILED): State.OPEN,
        (State.HALF_OPEN, Event.PROBES_SUCCEEDED): State.CLOSED,
        (State.HALF_OPEN, Event.PROBES_SUCCEEDED_RAMP): State.RAMPING,
        (State.RAMPING, Event.TRIPPED): State.OPEN,
        (State.RAMPING, Event.RAMP_OVER): State.CLOSED,
        **{(source, event): target for event, target in BY_HAND.items() for source in State},
    },
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers a core goes by; seconds, except that the two timeouts are in microseconds."""

    open_for: OpenFor
    jitter: float = 0.1
    probes: int = 3
    probe_failures: int = 0
    probe_timeout: int = 60 * MICRO
    ramp_up: int = 0


@dataclass(frozen=True, slots=True)
class Core:
    """All that decides whether a call may pass, except the window.

    `until` is the end of an opening or of a ramp. `leases` are the probes out: (token, expiry), oldest first. `shadow`
    is what OBSERVING watches: the breaker as it would stand if it were enforced.
    """

    policy: Policy
    state: State = State.CLOSED
    generation: int = 0
    until: int = 0
    failed_rounds: int = 0
    leases: tuple[tuple[int, int], ...] = ()
    next_token: int = 0
    succeeded: int = 0
    failed: int = 0
    shadow: "Core | None" = field(default=None)

    @property
    def deciding(self) -> "Core":
        """The core that outcomes count in."""
        return self.shadow or self


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition was made."""

    source: State
    target: State
    event: Event


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """The lease `token` ran out."""

    token: int


Effect: TypeAlias = Moved | Reclaimed


class Admission(NamedTuple):
    """An answer to `admit`: refused in `state` when `admitted` is False; `token` is the lease of a probe."""

    admitted: bool
    state: State
    generation: int
    token: int | None = None
    retry_after: int | None = None


def step(core: Core, event: Event, now: int, chance: float = 0.0) -> tuple[Core, Sequence[Effect]]:
    """Make the move of `event`; `InvalidTransition` when the table has none. `chance` draws the jitter of an opening.

    Every move begins a new generation, except the end of a ramp: the calls admitted on it still count.
    """
    target = TRANSITIONS.next(core.state, event)
    moved = (Moved(core.state, target, event),)
    if event is Event.RAMP_OVER:
        return replace(core, state=target, until=0), moved
    fresh = Core(core.policy, target, core.deciding.generation + 1, next_token=core.next_token)
    match target:
        case State.OPEN:
            rounds = core.failed_rounds + 1 if event is Event.PROBES_FAILED else 0
            return replace(fresh, until=now + open_time(core.policy, rounds, chance), failed_rounds=rounds), moved
        case State.HALF_OPEN:
            return replace(fresh, failed_rounds=core.failed_rounds), moved
        case State.RAMPING:
            return replace(fresh, until=now + core.policy.ramp_up), moved
        case State.OBSERVING:
            return replace(fresh, shadow=replace(fresh, state=State.CLOSED)), moved
        case _:
            return fresh, moved


def trip(core: Core, now: int, chance: float) -> tuple[Core, Sequence[Effect]]:
    """Open because the window is bad; only where the window decides."""
    if core.shadow is not None:
        shadow, _ = trip(core.shadow, now, chance)
        return replace(core, shadow=shadow), ()
    return step(core, Event.TRIPPED, now, chance) if core.state in {State.CLOSED, State.RAMPING} else (core, ())


def open_time(policy: Policy, failed_rounds: int, chance: float) -> int:
    """Microseconds of an opening: jitter only lengthens it."""
    return round(policy.open_for.seconds(failed_rounds) * (1 + chance * policy.jitter) * MICRO)


def admit(core: Core, now: int, chance: float = 0.0) -> tuple[Core, Admission, Sequence[Effect]]:
    """Ask for one call; time moves the core first. `chance` decides on a ramp."""
    if core.shadow is not None:
        shadow, admission, _ = admit(core.shadow, now, chance)
        return replace(core, shadow=shadow), admission, ()
    core, effects = settle_time(core, now)
    match core.state:
        case State.CLOSED | State.DISABLED:
            return core, Admission(True, core.state, core.generation), effects
        case State.HALF_OPEN:
            core, admission = lease(core, now)
            return core, admission, effects
        case State.RAMPING:
            return core, ramp(core, now, chance), effects
        case _:
            wait = core.until - now if core.state is State.OPEN else None
            return core, Admission(False, core.state, core.generation, retry_after=wait), effects


def settle_time(core: Core, now: int) -> tuple[Core, Sequence[Effect]]:
    """Make the move that is due at `now`, and take back the leases that ran out."""
    if core.state is State.OPEN and now >= core.until:
        return step(core, Event.OPEN_TIME_OVER, now)
    if core.state is State.RAMPING and now >= core.until:
        return step(core, Event.RAMP_OVER, now)
    late = [token for token, expiry in core.leases if now >= expiry]
    if not late:
        return core, ()
    live = tuple(lease for lease in core.leases if lease[0] not in late)
    return replace(core, leases=live), [Reclaimed(token) for token in late]


def seen_from(core: Core, now: int) -> State:
    """The state as of `now`, though nothing has moved."""
    moved, _ = settle_time(core, now)
    return moved.state


def lease(core: Core, now: int) -> tuple[Core, Admission]:
    """Give out a probe: those that succeeded and those that are out never exceed `probes`."""
    if core.succeeded + len(core.leases) >= core.policy.probes:
        wait = min(expiry for _, expiry in core.leases) - now
        return core, Admission(False, core.state, core.generation, retry_after=wait)
    token = core.next_token
    leases = (*core.leases, (token, now + core.policy.probe_timeout))
    leased = replace(core, leases=leases, next_token=token + 1)
    return leased, Admission(True, core.state, core.generation, token)


def ramp(core: Core, now: int, chance: float) -> Admission:
    """Admit a share that grows from 10 % to all calls; from its end on nobody is refused."""
    left = core.until - now
    share = 1 - (1 - RAMP_FROM) * left / core.policy.ramp_up
    admitted = chance < share
    return Admission(admitted, core.state, core.generation, retry_after=None if admitted else left)


def report(core: Core, token: int, outcome: Outcome, now: int, chance: float = 0.0) -> tuple[Core, Sequence[Effect]]:
    """Take the report of the probe `token`; one that was reclaimed, or of an earlier generation, does nothing."""
    if core.shadow is not None:
        shadow, _ = report(core.shadow, token, outcome, now, chance)
        return replace(core, shadow=shadow), ()
    freed = forget(core, token, now)
    if freed is core or outcome is Outcome.IGNORED:
        return freed, ()
    if outcome is Outcome.FAILURE:
        freed = replace(freed, failed=freed.failed + 1)
        over = freed.failed > core.policy.probe_failures
        return step(freed, Event.PROBES_FAILED, now, chance) if over else (freed, ())
    freed = replace(freed, succeeded=freed.succeeded + 1)
    if freed.succeeded < core.policy.probes:
        return freed, ()
    ramps = core.policy.ramp_up > 0
    return step(freed, Event.PROBES_SUCCEEDED_RAMP if ramps else Event.PROBES_SUCCEEDED, now)


def forget(core: Core, token: int, now: int) -> Core:
    """Free the slot of a live lease; else return `core` itself."""
    live = tuple(each for each in core.leases if each[0] != token)
    expired = any(token == each and now >= expiry for each, expiry in core.leases)
    return core if expired or len(live) == len(core.leases) else replace(core, leases=live)
