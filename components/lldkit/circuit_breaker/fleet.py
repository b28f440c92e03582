"""A breaker's side of the coordinator: what it has seen, what it has to share, and how it does without the store."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lldkit.circuit_breaker.core import Core, Effect, Event, Moved, step
from lldkit.circuit_breaker.interface import (
    CircuitBreakerEvent,
    Coordinator,
    CoordinatorFound,
    CoordinatorLost,
    CoordinatorUnavailable,
    Outcome,
    SharedView,
    State,
    Transition,
)
from lldkit.clock import MICRO

__all__ = ["Fleet"]

Put = Callable[[CircuitBreakerEvent], None]
SHUT = {State.OPEN, State.HALF_OPEN}
BY_HAND = {State.FORCED_OPEN, State.DISABLED, State.OBSERVING}


class Fleet:
    """Follows the shared state of one breaker. Whatever the coordinator cannot answer is decided locally.

    What is set by hand to FORCED_OPEN, DISABLED or OBSERVING stays with its process. Safe for threads.
    """

    __slots__ = ("_coordinator", "_lost", "_moves", "_name", "_seen")

    def __init__(self, name: str, coordinator: Coordinator) -> None:
        self._name = name
        self._coordinator = coordinator
        self._seen = 0
        self._lost = False
        self._moves: deque[Transition] = deque(maxlen=16)

    def news(self, at: datetime, put: Put) -> SharedView | None:
        """The shared view, when it is another than the one last seen."""
        try:
            view = self._coordinator.view(self._name)
        except CoordinatorUnavailable:
            self._lose(at, put)
            return None
        self._find(at, put)
        version = 0 if view is None else view.version
        if version == self._seen:
            return None
        flushed = version < self._seen
        self._seen = version
        return None if flushed else view

    def moves(self, core: Core, view: SharedView, now: int) -> Iterator[tuple[Core, Sequence[Effect]]]:
        """The steps by which `core` comes to where the fleet is."""
        if core.state in BY_HAND:
            return
        until = round(view.until * MICRO)
        if view.state in SHUT:
            if core.state is State.HALF_OPEN and view.state is State.HALF_OPEN and core.failed_rounds == view.round:
                return
            effects: Sequence[Effect] = ()
            if core.state is not State.OPEN:
                core, effects = step(core, Event.TRIP, now)
            yield replace(core, until=until, failed_rounds=view.round), effects
        elif core.state in SHUT:
            if core.state is State.OPEN:
                core, effects = step(core, Event.OPEN_TIME_OVER, now)
                yield core, effects
            ramps = core.policy.ramp_up > 0
            yield step(core, Event.PROBES_SUCCEEDED_RAMP if ramps else Event.PROBES_SUCCEEDED, now)

    def note(self, core: Core, moved: Moved) -> None:
        """Remember a move that was decided here; takes no trip, so that it can be called under a lock."""
        if moved.target is State.OPEN:
            seconds = core.policy.open_for.seconds(core.failed_rounds)
            self._moves.append(Transition(State.OPEN, seconds, core.failed_rounds))
        elif moved.target in {State.CLOSED, State.RAMPING} and moved.event is not Event.RAMP_OVER:
            self._moves.append(Transition(State.CLOSED))

    def share(self, at: datetime, put: Put) -> None:
        """Propose what was noted."""
        while self._moves:
            try:
                self._coordinator.propose(self._name, self._moves.popleft(), seen=self._seen)
            except CoordinatorUnavailable:
                self._lose(at, put)
            except IndexError:  # another thread was faster
                return

    def lease(self, limit: int, timeout: int, at: datetime, put: Put) -> tuple[bool, str | None, int | None]:
        """Whether a probe may go out, with which token, or after how many microseconds to ask again.

        Where the store knows of no opening, because it was away or was flushed, the local slots are enough.
        """
        try:
            view = self._coordinator.view(self._name)
            if view is None or view.state not in SHUT:
                return True, None, None
            token = self._coordinator.lease(self._name, limit=limit, seconds=timeout / MICRO)
            view = self._coordinator.view(self._name)
        except CoordinatorUnavailable:
            self._lose(at, put)
            return True, None, None
        self._find(at, put)
        wait = None if view is None or view.free_after is None else round(view.free_after * MICRO)
        return token is not None, token, wait

    def release(self, token: str, outcome: Outcome, at: datetime, put: Put) -> tuple[tuple[int, int] | None, bool]:
        """The fleet's successes and failures with this one, or None for local figures; and whether it counted."""
        try:
            view = self._coordinator.release(self._name, token, outcome)
        except CoordinatorUnavailable:
            self._lose(at, put)
            return None, True
        if view is None or view.state is not State.HALF_OPEN:  # too late, or the round is over: the news will tell
            return None, False
        self._seen = view.version  # what the breaker proposes now is built upon this view
        return (view.successes, view.failures), True

    def _lose(self, at: datetime, put: Put) -> None:
        if not self._lost:
            self._lost = True
            put(CoordinatorLost(at, self._name))

    def _find(self, at: datetime, put: Put) -> None:
        if self._lost:
            self._lost = False
            put(CoordinatorFound(at, self._name))
