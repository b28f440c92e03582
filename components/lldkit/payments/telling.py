"""What listeners are told, after the step that it tells of was written."""

from lldkit.clock import Clock
from lldkit.events import Emitter
from lldkit.payments.asking import Done
from lldkit.payments.events import (
    Declined,
    External,
    Held,
    Overdrawn,
    Parked,
    PaymentEvent,
    Recovered,
    Transitioned,
    Unknown,
)
from lldkit.payments.interface import Fact
from lldkit.payments.journal import Step
from lldkit.payments.tables import IntentState

__all__ = ["Telling"]


class Telling:
    """Turns steps into events. A listener that raises is counted by the emitter, and breaks nothing."""

    def __init__(self, emit: Emitter[PaymentEvent], clock: Clock) -> None:
        self._emit = emit
        self._clock = clock

    def step(self, step: Step, code: str | None = None) -> None:
        """A change that was written; `code` is why the gateway has declined, where it has said so."""
        if not step.lines or not self._emit:
            return
        now, intent = self._clock.now(), step.after.intent
        for line in step.lines:
            self._emit(Transitioned(now, intent, line))
            if line.event == "outside":
                self._emit(External(now, intent.id, line.cause))
            elif line.event == "held":
                self._emit(Held(now, intent.id, line.cause))
        if intent.attempts > step.before.intent.attempts:
            self._emit(Declined(now, intent.id, code))
        if intent.state is IntentState.OUTCOME_UNKNOWN and intent.state is not step.before.intent.state:
            self._emit(Unknown(now, intent.id, step.lines[0].cause))
        over = intent.refunded + intent.disputed - intent.captured
        grown = over > step.before.intent.refunded + step.before.intent.disputed - step.before.intent.captured
        if over.amount > 0 and grown:
            self._emit(Overdrawn(now, intent.id, over))

    def recovered(self, done: Done) -> None:
        """A question that `recover` has closed."""
        self._emit(Recovered(self._clock.now(), done.intent, done.question))

    def parked(self, intent_id: str, fact: Fact | None) -> None:
        """A fact that a person should look at."""
        detail = "not understood" if fact is None else f"{fact.kind} {fact.key}"
        self._emit(Parked(self._clock.now(), intent_id, detail))
