"""The circuit breaker: asks the clock, keeps lock and windows, lets the core decide, and tells what happened."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random, SystemRandom

from lldkit.arguments import check_number
from lldkit.circuit_breaker import core as pure
from lldkit.circuit_breaker.arguments import check_policy
from lldkit.circuit_breaker.classify import classify_exceptions
from lldkit.circuit_breaker.core import Admission, Core, Effect, Event, Moved
from lldkit.circuit_breaker.fleet import Fleet
from lldkit.circuit_breaker.interface import (
    BreakerStats,
    CircuitBreakerEvent,
    CircuitOpen,
    Classify,
    Coordinator,
    OpenFor,
    Outcome,
    ProbeReclaimed,
    Rejected,
    State,
    StateChanged,
    WouldRefuse,
    listener_failed,
)
from lldkit.circuit_breaker.permits import Guard, Permit
from lldkit.circuit_breaker.trips import Trip, check_fit, rate
from lldkit.circuit_breaker.windows import FAILURE, SLOW, SUCCESS, Counts, Window, last
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.events import Outbox

__all__ = ["CircuitBreaker"]

CHANCE: Random = SystemRandom()  # shared, because a generator of one's own weighs more than the rest of a breaker
DEFAULT_WINDOW = last(100)
DEFAULT_TRIP = rate()
GRAIN = 0.5 / MICRO  # durations are compared to the microsecond, not to the last bit of a float


class CircuitBreaker(Guard):
    """Stops calling what is down, lets a few leased probes test it, and comes back carefully.

    `window` and `trip` say when it opens, `open_for` (seconds, or `OpenFor` to let it grow) and `jitter` for how long.
    Then up to `probes` calls at once are let through: it closes after that many successes and opens again at failure
    number `probe_failures` + 1; a probe that has not reported after `probe_timeout` seconds loses its slot. During
    `ramp_up` seconds after a close the share of admitted calls grows from 10 % to all. A call of `slow_call` seconds or
    more is slow. `classify` judges calls; by default each `Exception` is a failure.

    Use it as a decorator, by `call` and `acall`, in `with` and `async with`, or in two steps by `admit`. A refused call
    raises `CircuitOpen`. What the call raises comes through untouched.

    Safe for threads and tasks, on one object; O(1) per call. No lock is held during the call, nor while a listener, the
    clock, `rng` or `classify` runs. An outcome counts only in the generation that admitted the call.

    >>> from lldkit.circuit_breaker import consecutive
    >>> breaker = CircuitBreaker("payments", trip=consecutive(1))
    >>> breaker.call(int, "42")
    42
    >>> with breaker:
    ...     raise ConnectionError
    Traceback (most recent call last):
    ConnectionError
    >>> breaker.state
    <State.OPEN: 'open'>
    """

    __slots__ = (
        *("_abandoned", "_clock", "_core", "_fleet", "_ignored", "_last_error", "_listening", "_lock"),
        *("_opened_at", "_outbox"),
        *("_rejected", "_rng", "_slow_from", "_trip", "_window", "_window_kind", "name"),
    )

    def __init__(
        self,
        name: str,
        *,
        window: Window = DEFAULT_WINDOW,
        trip: Trip = DEFAULT_TRIP,
        slow_call: float | None = None,
        open_for: float | OpenFor = 30.0,
        jitter: float = 0.1,
        probes: int = 3,
        probe_failures: int = 0,
        probe_timeout: float = 60.0,
        ramp_up: float = 0.0,
        classify: Classify = classify_exceptions,
        coordinator: Coordinator | None = None,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[CircuitBreakerEvent], object] | None = None,
    ) -> None:
        super().__init__(classify, clock)
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, got {name!r}")
        check_fit(window, trip)
        if slow_call is None and trip.counts_slow:
            raise ValueError("a slow rate needs slow_call=, the seconds from which a call is slow; got None")
        self.name = name
        policy = check_policy(
            open_for=open_for,
            jitter=jitter,
            probes=probes,
            probe_failures=probe_failures,
            probe_timeout=probe_timeout,
            ramp_up=ramp_up,
        )
        self._slow_from = math.inf if slow_call is None else check_number("slow_call", slow_call, above=0) - GRAIN
        self._trip = trip
        self._clock = clock
        self._rng = CHANCE if rng is None else rng
        self._outbox = Outbox(on_event, on_failure=listener_failed)
        self._listening = bool(self._outbox)
        self._fleet = None if coordinator is None else Fleet(name, coordinator)
        self._abandoned: list[Permit] = []
        self._last_error: str | None = None
        self._opened_at: datetime | None = None
        self._ignored = self._rejected = 0
        self._lock = threading.Lock()  # guards all that follows; never held while foreign code runs
        self._window_kind = window
        self._core = Core(policy)
        self._window = window.open()
        self._free = self._freely()

    @property
    def state(self) -> State:
        """The state as of now. Reading moves nothing: a breaker whose time is over moves when a call comes."""
        return pure.seen_from(self._core, self._now())

    @property
    def stats(self) -> BreakerStats:
        """Counts of the current window, and how the breaker stands, as of now."""
        seconds = self.monotonic()
        now = _micros(seconds)
        with self._lock:
            window, core = self._window, self._core.deciding
            window.roll(seconds)
            live = [expiry for _, expiry in core.leases if expiry > now]
            return BreakerStats(
                calls=window.calls,
                successes=window.calls - window.failures,
                failures=window.failures,
                slow=window.slow,
                slow_successes=window.slow - window.slow_failures,
                slow_failures=window.slow_failures,
                mean_seconds=window.total_seconds() / window.calls if window.calls else 0.0,
                ignored=self._ignored,
                rejected=self._rejected,
                generation=core.generation,
                opened_at=self._opened_at,
                retry_after=_wait(self._core, now),
                probes_in_flight=len(live),
                listener_failures=self._outbox.failures,
            )

    def trip(self) -> None:
        """Open as if the window had tripped."""
        self._by_hand(Event.TRIP)

    def force_open(self) -> None:
        """Refuse every call until told otherwise."""
        self._by_hand(Event.FORCE_OPEN)

    def disable(self) -> None:
        """Admit every call and count none until told otherwise."""
        self._by_hand(Event.DISABLE)

    def observe_only(self) -> None:
        """Admit every call, count as if enforced, and tell in events which calls would have been refused."""
        self._by_hand(Event.OBSERVE)

    def reset(self) -> None:
        """Close, with an empty window."""
        self._by_hand(Event.RESET)

    def admit(self) -> Permit:
        """Ask for one call, in two steps; raises `CircuitOpen`. Report on the permit that is returned."""
        started = self.monotonic()
        core = self._core
        if core.state is State.OPEN and self._fleet is None and not self._listening:  # the short way to a refusal
            wait = core.until - int(started * MICRO + 0.5)
            if wait > 0:
                with self._lock:
                    self._rejected += 1
                raise CircuitOpen(self.name, State.OPEN, wait / MICRO, self._last_error)
        return self._admit(started, alone=self._fleet is None)

    def _admit(self, started: float, *, alone: bool) -> Permit:
        """Let the core decide; a probe also needs a lease of the fleet."""
        now, chance = _micros(started), self._rng.random()
        at = self._clock.now()
        if self._fleet is not None and not alone:
            self._adopt(self._fleet, at)
        self._sweep(now, at)
        with self._lock:
            core, admission, effects = pure.admit(self._core, now, chance)
            self._become(core, effects, at)
            observed = core.shadow is not None
            window = None if core.state is State.DISABLED or not admission.admitted else self._window
        if not admission.admitted:
            if not observed:
                raise self._refusal(admission.state, admission.retry_after)
            self._outbox_put(WouldRefuse(at, self.name, admission.state, _in_seconds(admission.retry_after)))
        permit = Permit(self, started, admission.generation, window, admission.token)
        if admission.token is not None and not observed and self._fleet is not None and not alone:
            permit = self._lease(self._fleet, permit, admission)
        self._after()
        return permit

    def settle(self, permit: Permit, outcome: Outcome, seconds: float, now: float, error: BaseException | None) -> None:
        """Take the report of a permit; for `Permit` only."""
        chance, at = (self._rng.random(), self._clock.now()) if permit.token is not None else (0.0, None)
        kind = FAILURE if outcome is Outcome.FAILURE else SUCCESS
        slow = SLOW if seconds >= self._slow_from else 0
        verdict = Outcome.FAILURE if slow and self._trip.counts_slow and outcome is Outcome.SUCCESS else outcome
        with self._lock:
            if not permit.unreported:
                return
            permit.unreported = False
            window = permit.window
            if outcome is Outcome.IGNORED:
                self._ignored += 1
            elif window is not None:
                window.add(kind | slow, seconds, now)
            if outcome is Outcome.FAILURE:
                self.blame(error)
        if permit.token is not None and at is not None:
            self._settle_probe(permit, verdict, _micros(now), chance, at)
        elif window is not None and window is self._window and self._trip(window):
            self._tripped(window)
        self._after()

    def _settle_probe(self, permit: Permit, outcome: Outcome, now: int, chance: float, at: datetime) -> None:
        tally = None
        if self._fleet is not None and permit.shared is not None:
            tally, counted = self._fleet.release(permit.shared, outcome, at, self._outbox_put)
            outcome = outcome if counted else Outcome.IGNORED
        with self._lock:
            core = self._core
            if permit.token is None or core.deciding.generation != permit.generation:
                return
            if tally is not None and outcome is not Outcome.IGNORED:  # the fleet's figures before this report
                own = (outcome is Outcome.SUCCESS, outcome is Outcome.FAILURE)
                core = replace(core, succeeded=tally[0] - own[0], failed=tally[1] - own[1])
            self._become(*pure.report(core, permit.token, outcome, now, chance), at, share=True)

    def record(self, window: Counts, kind: int, seconds: float, now: float) -> None:
        """Count a call that needed no permit; one of an earlier generation counts into a window nobody reads."""
        if seconds >= self._slow_from:
            kind |= SLOW
        with self._lock:
            due = window.add(kind, seconds, now) and self._trip(window)
        if due:
            self._tripped(window)
            self._after()

    def _tripped(self, window: Counts) -> None:
        """Open, unless somebody has moved the breaker since `window` turned bad."""
        now, chance, at = self._now(), self._rng.random(), self._clock.now()
        with self._lock:
            if window is self._window:
                self._become(*pure.trip(self._core, now, chance), at, share=True)

    def ignored(self) -> None:
        """Count a call that said nothing."""
        with self._lock:
            self._ignored += 1

    def blame(self, error: BaseException | None) -> None:
        """Remember the type of the last failure; its text may hold secrets."""
        self._last_error = "a result that was judged a failure" if error is None else type(error).__qualname__

    def abandoned(self, permit: Permit) -> None:
        """Note a probe that nobody will report; the next call frees its slot."""
        self._abandoned.append(permit)

    def _by_hand(self, event: Event) -> None:
        now, chance, at = self._now(), self._rng.random(), self._clock.now()
        if self._fleet is not None:
            self._adopt(self._fleet, at)
        with self._lock:
            self._become(*pure.step(self._core, event, now, chance), at, share=True)
        self._after()

    def _become(self, core: Core, effects: Sequence[Effect], at: datetime, *, share: bool = False) -> None:
        """Take the next core, with the lock held: a new generation has a new window."""
        if core.deciding.generation != self._core.deciding.generation:
            self._window = self._window_kind.open()
        self._core = core
        self._free = self._freely()
        for effect in effects:
            if isinstance(effect, Moved):
                shut = effect.target in {State.OPEN, State.HALF_OPEN, State.FORCED_OPEN}
                opens = effect.target in {State.OPEN, State.FORCED_OPEN}
                self._opened_at = at if opens else self._opened_at if shut else None
                self._outbox.put(StateChanged(at, self.name, effect.source, effect.target, effect.event.value))
                if share and self._fleet is not None:
                    self._fleet.note(core, effect)
            else:
                self._outbox.put(ProbeReclaimed(at, self.name))

    def _freely(self) -> Counts | None:
        """The window, while every call may pass without asking."""
        return self._window if self._core.deciding.state is State.CLOSED and self._fleet is None else None

    def _sweep(self, now: int, at: datetime) -> None:
        """Free the slots of probes that were dropped without a report."""
        while self._abandoned:
            try:
                permit = self._abandoned.pop()
            except IndexError:  # another thread was faster
                return
            permit.unreported = False
            self._settle_probe(permit, Outcome.IGNORED, now, 0.0, at)

    def _refusal(self, state: State, wait: int | None) -> CircuitOpen:
        with self._lock:
            self._rejected += 1
        retry_after = _in_seconds(wait)
        if self._outbox:
            self._outbox_put(Rejected(self._clock.now(), self.name, state, retry_after))
            self._outbox.tell()
        return CircuitOpen(self.name, state, retry_after, self._last_error)

    def _outbox_put(self, event: CircuitBreakerEvent) -> None:
        with self._lock:
            self._outbox.put(event)

    def _after(self) -> None:
        """What was put off until the lock was free."""
        if self._fleet is not None:
            self._fleet.share(self._clock.now(), self._outbox_put)
        self._outbox.tell()

    def _adopt(self, fleet: Fleet, at: datetime) -> None:
        """Take over what the fleet has decided since this process last looked."""
        view = fleet.news(at, self._outbox_put)
        if view is None:
            return
        now = self._now()
        with self._lock:
            for core, effects in fleet.moves(self._core, view, now):
                self._become(core, effects, at)

    def _lease(self, fleet: Fleet, permit: Permit, admission: Admission) -> Permit:
        """Take a lease of the fleet for a probe, or give the local one back and refuse."""
        policy, at = self._core.policy, self._clock.now()
        granted, permit.shared, wait = fleet.lease(policy.probes, policy.probe_timeout, at, self._outbox_put)
        if granted:
            return permit
        self.settle(permit, Outcome.IGNORED, 0.0, self.monotonic(), None)
        with self._lock:
            self._ignored -= 1
        self._adopt(fleet, at)
        if self._core.state in {State.CLOSED, State.RAMPING}:  # the fleet has closed in the meantime
            return self._admit(self.monotonic(), alone=True)
        raise self._refusal(admission.state, wait)

    def _now(self) -> int:
        return _micros(self.monotonic())

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self.state.value})"


def _micros(seconds: float) -> int:
    return int(seconds * MICRO + 0.5)


def _in_seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / MICRO


def _wait_us(core: Core, now: int) -> int | None:
    """Microseconds until a call may pass, None where nobody waits or nothing is known."""
    match core.state:
        case State.OPEN:
            return max(0, core.until - now)
        case State.HALF_OPEN if core.succeeded + len(core.leases) >= core.policy.probes:
            return max(0, min(expiry for _, expiry in core.leases) - now)
        case _:
            return None


def _wait(core: Core, now: int) -> float | None:
    return _in_seconds(_wait_us(core, now))
