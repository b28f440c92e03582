"""What the gateway tells by webhook, in whatever order it arrives. Pure.

A fact closes the question of its key, as an answer does. A fact about something else has happened outside. Whichever
comes first, the same facts lead to the same totals: a fact whose cause has not been told is held until it has been, and
one that is behind what is known already changes nothing.
"""

from datetime import datetime
from typing import NamedTuple

from lldkit.payments.decide import Terms
from lldkit.payments.evolve import evolve
from lldkit.payments.interface import Fact, FactKind, Operation, Received
from lldkit.payments.payment import Answered, Disputed, Event, Outside, Payment, Question, Released, Reversed, Status
from lldkit.payments.tables import DISPUTE, INTENT, DisputeEvent, DisputeState, IntentState, RefundState

__all__ = ["Absorbed", "absorb", "settle"]


class Absorbed(NamedTuple):
    """What a fact came to, and what happens because of it."""

    received: Received
    events: tuple[Event, ...] = ()


OPERATIONS = {
    FactKind.AUTHORIZED: Operation.AUTHORIZE,
    FactKind.INCREMENTED: Operation.INCREMENT,
    FactKind.CAPTURED: Operation.CAPTURE,
    FactKind.VOIDED: Operation.VOID,
    FactKind.REFUNDED: Operation.REFUND,
}
OPENINGS = {
    FactKind.INQUIRY_OPENED: DisputeState.INQUIRY,
    FactKind.DISPUTE_OPENED: DisputeState.NEEDS_RESPONSE,
}
MOVES = {
    FactKind.DISPUTE_ESCALATED: DisputeEvent.ESCALATE,
    FactKind.DISPUTE_ANSWERED: DisputeEvent.RESPOND,
    FactKind.DISPUTE_WON: DisputeEvent.WIN,
    FactKind.DISPUTE_LOST: DisputeEvent.LOSE,
}
DEAD = (IntentState.VOIDED, IntentState.EXPIRED)


def absorb(payment: Payment, fact: Fact, now: datetime, terms: Terms) -> Absorbed:
    """What a fact means for the payment as it stands."""
    if fact.kind in OPENINGS or fact.kind in MOVES:
        return _dispute(payment, fact, now)
    if fact.kind is FactKind.REFUND_FAILED:
        return _refund_failed(payment, fact, now)
    question = payment.question(fact.key)
    if question is None:
        return _outside(payment, fact, now, terms)
    if question.status is Status.APPROVED or question.status is Status.DECLINED:
        agrees = (question.status is Status.DECLINED) == (fact.kind is FactKind.DECLINED)
        return Absorbed(Received.STALE if agrees else Received.PARKED)
    return _close(payment, question, fact, now, terms)


def settle(payment: Payment, now: datetime, terms: Terms) -> tuple[Payment, tuple[Event, ...]]:
    """Apply what is held as far as its cause is known by now: the payment, and what has happened to it."""
    events: list[Event] = []
    while (ready := _ready(payment, now, terms)) is not None:
        fact, absorbed = ready
        for event in (Released(now, fact), *absorbed.events):
            payment = evolve(payment, event)
            events.append(event)
    return payment, tuple(events)


def _ready(payment: Payment, now: datetime, terms: Terms) -> tuple[Fact, Absorbed] | None:
    """The first held fact that need not be held any more."""
    for fact in sorted(payment.held):
        absorbed = absorb(payment, fact, now, terms)
        if absorbed.received is not Received.HELD:
            return fact, absorbed
    return None


def _close(payment: Payment, question: Question, fact: Fact, now: datetime, terms: Terms) -> Absorbed:
    """A fact about a question that is open, or that was thought never to have arrived."""
    if fact.kind is not FactKind.DECLINED and OPERATIONS[fact.kind] is not question.operation:
        return Absorbed(Received.PARKED)
    state = payment.intent.state
    was_given_up = question.status is Status.NEVER
    if state in DEAD or (was_given_up and (payment.open is not None or question.operation is Operation.REFUND)):
        return Absorbed(Received.PARKED)
    if fact.kind is FactKind.DECLINED:
        return Absorbed(Received.STALE) if was_given_up else _applied(Answered(now, fact.key, Status.DECLINED))
    until = now + terms.authorization if question.operation is Operation.AUTHORIZE else None
    behind = question.operation is Operation.AUTHORIZE and payment.intent.authorized.amount > 0
    event = Answered(now, fact.key, Status.APPROVED, fact.amount, until=until)
    return Absorbed(Received.STALE if behind else Received.APPLIED, (event,))


def _outside(payment: Payment, fact: Fact, now: datetime, terms: Terms) -> Absorbed:
    """A fact that nobody here has asked for: a dashboard, or another process that has died."""
    received = _received(payment, fact)
    if received is not Received.APPLIED:
        return Absorbed(received)
    until = now + terms.authorization
    return _applied(Outside(now, fact.key, OPERATIONS[fact.kind], fact.amount, fact.final, until))


def _received(payment: Payment, fact: Fact) -> Received:
    """Whether there is room for such a fact."""
    intent = payment.intent
    authorized = intent.authorized if intent.authorized.amount else intent.amount
    is_dead = intent.state in DEAD
    rules = {
        FactKind.DECLINED: (True, Received.STALE),
        FactKind.REFUNDED: (fact.amount > (intent.captured - intent.refunded).amount, Received.HELD),
        FactKind.AUTHORIZED: (intent.authorized.amount > 0, Received.PARKED if is_dead else Received.STALE),
        FactKind.CAPTURED: (is_dead or intent.captured.amount + fact.amount > authorized.amount, Received.PARKED),
        FactKind.INCREMENTED: (intent.state in INTENT.final or not intent.authorized.amount, Received.PARKED),
        FactKind.VOIDED: (is_dead, Received.STALE),
    }
    refused, received = rules[fact.kind]
    if refused:
        return received
    if fact.kind is FactKind.VOIDED and intent.captured.amount and not intent.held.amount:
        return Received.PARKED
    if fact.kind is FactKind.VOIDED and not intent.authorized.amount:
        return Received.HELD
    return Received.APPLIED


def _refund_failed(payment: Payment, fact: Fact, now: datetime) -> Absorbed:
    refund = next((each for each in payment.refunds if each.id == fact.key), None)
    if refund is None:
        return Absorbed(Received.HELD)
    if refund.state is RefundState.FAILED:
        return Absorbed(Received.STALE)
    question = payment.question(fact.key)
    if question is not None and question.status is not Status.APPROVED:
        return _applied(Answered(now, fact.key, Status.DECLINED))
    return _applied(Reversed(now, fact.key))


def _dispute(payment: Payment, fact: Fact, now: datetime) -> Absorbed:
    dispute = next((each for each in payment.disputes if each.id == fact.key), None)
    if fact.kind in OPENINGS:
        if dispute is not None:
            return Absorbed(Received.STALE)
        if not payment.intent.captured.amount:
            return Absorbed(Received.HELD)
        return _applied(Disputed(now, fact.key, fact.amount, OPENINGS[fact.kind]))
    if dispute is None:
        return Absorbed(Received.HELD)
    event = MOVES[fact.kind]
    if event not in DISPUTE.allowed(dispute.state):
        return Absorbed(Received.STALE)
    return _applied(Disputed(now, fact.key, fact.amount, event=event))


def _applied(event: Event) -> Absorbed:
    return Absorbed(Received.APPLIED, (event,))
