"""Webhooks: believed, deduplicated, and applied in whatever order they come."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from lldkit.payments import decide
from lldkit.payments.asking import follow_up
from lldkit.payments.errors import UnknownIntent
from lldkit.payments.facts import absorb
from lldkit.payments.interface import Fact, GatewayEvent, Received, ReviewItem
from lldkit.payments.journal import Decision, Journal, Step, micros_of
from lldkit.payments.ledger import repeated
from lldkit.payments.payment import EXPIRY, Event, Held, Payment, Status
from lldkit.payments.staged import Staged
from lldkit.payments.store import Key, Query, Write
from lldkit.payments.tables import IntentState
from lldkit.payments.telling import Telling
from lldkit.webhooks import StandardWebhooks

__all__ = ["Delivery", "Receiving"]


class Delivery(NamedTuple):
    """A webhook as it came: the raw bytes, and the headers."""

    body: bytes
    headers: Mapping[str, str]


class Receiving:
    """Applies webhooks. Each is applied once, by the id that the sender gave it."""

    def __init__(
        self,
        journal: Journal,
        verifier: StandardWebhooks | None,
        parse_event: Callable[[bytes], GatewayEvent],
        telling: Telling,
    ) -> None:
        self._journal = journal
        self._verifier = verifier
        self._parse = parse_event
        self._telling = telling

    def receive(self, deliveries: Sequence[Delivery]) -> tuple[list[Received], list[Payment]]:
        """What each came to, in one transaction; and the payments with a question that follows from it."""
        if self._verifier is None:
            raise ValueError("webhooks are believed by their signature; give Payments a verifier")
        now = self._journal.clock.now().timestamp()
        read = [
            (self._verifier.verify(delivery.body, delivery.headers, now=now).id, self._parse(delivery.body))
            for delivery in deliveries
        ]

        def attempt() -> list[tuple[Received, Step | None]]:
            staged = Staged(self._journal.store)
            journal = Journal(staged, self._journal.clock, self._journal.terms)
            found = [self._apply(journal, message_id, event) for message_id, event in read]
            staged.flush()
            return found

        outcomes = repeated(attempt)
        for (_, event), (received, step) in zip(read, outcomes, strict=True):
            if step is not None:
                self._telling.step(step)
            if received is Received.PARKED:
                self._telling.parked(event.intent_id, event.fact)
        return [received for received, _ in outcomes], _asked([step for _, step in outcomes if step is not None])

    def _apply(self, journal: Journal, message_id: str, event: GatewayEvent) -> tuple[Received, Step | None]:
        seen: Key = ("seen", message_id)
        if seen in journal.store.read([seen]):
            return Received.DUPLICATE, None

        def noted(received: Received, now: datetime) -> tuple[Write, ...]:
            """That it has come, and that a person should look at it if it is parked."""
            mark = Write(seen, event.intent_id, 0, due=micros_of(now))
            return (mark, _parked(message_id, event, now)) if received is Received.PARKED else (mark,)

        def choose(payment: Payment, now: datetime) -> Decision:
            received, events = _absorbed(payment, event.fact, now, journal.terms)
            cause = "" if event.fact is None else event.fact.key
            return Decision(events, "webhook", cause, noted(received, now), received)

        try:
            step = journal.change(event.intent_id, choose)
        except UnknownIntent:
            journal.write(noted(Received.PARKED, journal.now()))
            return Received.PARKED, None
        return step.found, step

    def review(self, limit: int) -> list[ReviewItem]:
        """What was parked, and the payments whose gateway has said what nobody understands."""
        parked = [row.value for _, row in self._journal.store.scan(Query("review", limit=limit))]
        puzzling = self._journal.store.scan(Query("intents", group="review", limit=limit))
        return [
            *parked,
            *(ReviewItem(name, IntentState.NEEDS_REVIEW, row.value.intent.created_at) for (_, name), row in puzzling),
        ]

    def expiry(self, payment: Payment, now: datetime) -> Decision:
        """End what is held, or call a challenge off, if its time is over."""
        event: Event | None
        if payment.intent.state is IntentState.REQUIRES_ACTION:
            over = payment.act_until is not None and payment.act_until <= now
            event = decide.void(payment, now, self._journal.terms, EXPIRY) if over else None
        else:
            event = decide.expire(payment, now)
        return Decision(() if event is None else (event,), "time", EXPIRY)


def _absorbed(
    payment: Payment, fact: Fact | None, now: datetime, terms: decide.Terms
) -> tuple[Received, tuple[Event, ...]]:
    """What a fact comes to, with all that follows from it."""
    if fact is None:
        return Received.PARKED, ()
    received, events = absorb(payment, fact, now, terms)
    if received is Received.HELD:
        return received, (Held(now, fact),)
    followed: list[Event] = []
    for event in events:
        payment, following = follow_up(payment, event, now, terms)
        followed += following
    return received, tuple(followed)


def _parked(message_id: str, event: GatewayEvent, now: datetime) -> Write:
    detail = "a webhook that is not understood" if event.fact is None else f"{event.fact.kind} {event.fact.key}"
    return Write(("review", message_id), ReviewItem(event.intent_id, detail, now), 0)


def _asked(steps: Sequence[Step]) -> list[Payment]:
    """The payments, as they stand after all steps, that have a question which has just been written down."""
    last = {step.after.intent.id: step.after for step in steps}
    return [each for each in last.values() if each.open is not None and each.open.status is Status.ASKED]
