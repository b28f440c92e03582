"""What becomes of a payment when something happens to it. Pure.

Whatever comes back from the gateway, as an answer or as a fact told by webhook, closes the question of its key. The
totals say what the gateway holds and has taken; from them follows the state in which a payment rests.
"""

from dataclasses import replace
from datetime import datetime

from lldkit.money import Money
from lldkit.payments.interface import Dispute, Intent, Operation, Refund
from lldkit.payments.payment import (
    EXPIRY,
    Answered,
    Asked,
    Challenged,
    Disputed,
    Event,
    Expired,
    Held,
    Outside,
    Payment,
    Question,
    Released,
    Reversed,
    Status,
)
from lldkit.payments.tables import (
    DISPUTE,
    INTENT,
    REFUND,
    DisputeState,
    IntentEvent,
    IntentState,
    RefundEvent,
    RefundState,
)

__all__ = ["evolve"]

STARTS = {
    Operation.AUTHORIZE: IntentEvent.CONFIRM,
    Operation.INCREMENT: IntentEvent.INCREMENT,
    Operation.CAPTURE: IntentEvent.CAPTURE,
    Operation.VOID: IntentEvent.VOID,
}


def evolve(payment: Payment, event: Event) -> Payment:
    """The payment after the event. InvalidTransition for one that its state has no room for."""
    match event:
        case Asked(_, question):
            after = _ask(payment, question)
        case Answered():
            after = _answer(payment, event)
        case Challenged(_, key, action, until):
            closed = _close(payment, key, Status.CHALLENGED)._replace(act_until=until)
            after = _moved(closed, closed.intent, IntentEvent.CHALLENGE, next_action=action)
        case Outside(at, key, operation, amount, final, until):
            question = Question(key, operation, amount, final, Status.ASKED, at)
            known = payment._replace(questions=(*payment.questions, question))
            after = _approve(known, question, amount, until)
        case Held(_, fact):
            after = payment._replace(held=(*(each for each in payment.held if each != fact), fact))
        case Released(_, fact):
            after = payment._replace(held=tuple(each for each in payment.held if each != fact))
        case Reversed(_, key):
            after = _refund(payment, key, RefundEvent.FAIL)
        case Disputed():
            after = _dispute(payment, event)
        case Expired():
            after = _ended(payment, IntentEvent.EXPIRE)
    return after._replace(seq=payment.seq + 1)


def _ask(payment: Payment, question: Question) -> Payment:
    others = (each for each in payment.questions if each.key != question.key)
    after = payment._replace(questions=(*others, question))
    if question.operation is not Operation.REFUND:
        return _moved(after, after.intent, STARTS[question.operation], pending=question.operation)
    intent = payment.intent
    amount = Money(question.amount, intent.amount.currency)
    refund = Refund(question.key, intent.id, amount, RefundState.PENDING)
    return after._replace(refunds=(*after.refunds, refund), intent=intent._replace(refunded=intent.refunded + amount))


def _answer(payment: Payment, event: Answered) -> Payment:
    question = payment.question(event.key)
    assert question is not None  # noqa: S101 - whoever decides looks it up
    if event.reference:
        payment = payment._replace(reference=event.reference)
    if event.status is Status.APPROVED:
        return _approve(payment, question, event.amount, event.until)
    after = _close(payment, event.key, event.status)
    if question.operation is Operation.REFUND:
        return _refund(after, event.key, _OF_REFUND[event.status])
    if event.status is Status.PENDING:
        is_lost = after.intent.state is IntentState.OUTCOME_UNKNOWN
        return _moved(after, after.intent, STARTS[question.operation], pending=question.operation) if is_lost else after
    if event.status is Status.UNKNOWN:
        return _moved(after, after.intent, IntentEvent.LOSE)
    if event.status is Status.PUZZLING:
        return _moved(after, after.intent, IntentEvent.REVIEW)
    refused = event.status is Status.DECLINED and question.operation is Operation.AUTHORIZE
    return _rested(after, after.intent._replace(attempts=after.intent.attempts + refused))


_OF_REFUND = {
    Status.UNKNOWN: RefundEvent.LOSE,
    Status.DECLINED: RefundEvent.FAIL,
    Status.NEVER: RefundEvent.FAIL,
    Status.PENDING: RefundEvent.RESEND,
    Status.PUZZLING: RefundEvent.LOSE,
}
"""What an answer that is no approval makes of a refund."""


def _approve(payment: Payment, question: Question, amount: int, until: datetime | None) -> Payment:
    """The gateway has done it: `amount` of what was asked for."""
    after = _close(payment, question.key, Status.APPROVED)
    intent, money = after.intent, Money(amount, after.intent.amount.currency)
    if question.operation is Operation.REFUND:
        return _refunded(after, question.key, money)
    if question.operation is Operation.AUTHORIZE:
        authorized = max(intent.authorized, money)
        return _rested(after, intent._replace(authorized=authorized, authorized_until=until or intent.authorized_until))
    if question.operation is Operation.INCREMENT:
        return _rested(after, intent._replace(authorized=intent.authorized + money))
    if question.operation is Operation.VOID:
        return _released(after, question)
    authorized = intent.authorized if intent.authorized.amount else intent.amount  # who captures has authorized before
    captured = intent.captured + money
    ends = question.final or intent.voided.amount > 0
    totals = intent._replace(
        authorized=authorized,
        captured=captured,
        voided=authorized - captured if ends else intent.voided,
        authorized_until=intent.authorized_until or until,
    )
    return _rested(after, totals)


def _released(payment: Payment, question: Question) -> Payment:
    """Nothing is held any more, and a challenge is off."""
    questions = tuple(
        each._replace(status=Status.NEVER) if each.status is Status.CHALLENGED else each for each in payment.questions
    )
    is_late = question.cause == EXPIRY
    return _ended(payment._replace(questions=questions), IntentEvent.EXPIRE if is_late else IntentEvent.RELEASE)


def _ended(payment: Payment, event: IntentEvent) -> Payment:
    """Nothing is held any more; what was captured stays."""
    intent = payment.intent
    totals = intent._replace(voided=intent.authorized - intent.captured)
    return _rested(payment, totals, IntentEvent.COMPLETE if intent.captured.amount else event)


def _refunded(payment: Payment, key: str, amount: Money) -> Payment:
    """A refund has succeeded; one that nobody here has asked for is new."""
    if any(refund.id == key for refund in payment.refunds):
        return _refund(payment, key, RefundEvent.SUCCEED)
    intent = payment.intent
    refund = Refund(key, intent.id, amount, RefundState.SUCCEEDED)
    return payment._replace(
        refunds=(*payment.refunds, refund), intent=intent._replace(refunded=intent.refunded + amount)
    )


def _refund(payment: Payment, key: str, event: RefundEvent) -> Payment:
    """Move a refund; one that fails gives its amount back to what can be refunded."""
    refund = next(each for each in payment.refunds if each.id == key)
    if (refund.state, event) in STILL:
        return payment
    moved = replace(refund, state=REFUND.next(refund.state, event))
    refunds = tuple(moved if each.id == key else each for each in payment.refunds)
    intent = payment.intent
    if moved.state is RefundState.FAILED:
        intent = intent._replace(refunded=intent.refunded - refund.amount)
    return payment._replace(refunds=refunds, intent=intent)


STILL = {(RefundState.PENDING, RefundEvent.RESEND), (RefundState.OUTCOME_UNKNOWN, RefundEvent.LOSE)}
"""News that say of a refund what was known: that it is under way, or that nobody knows."""


def _dispute(payment: Payment, event: Disputed) -> Payment:
    intent = payment.intent
    known = {each.id: each for each in payment.disputes}
    if event.event is None:
        dispute = Dispute(event.key, intent.id, Money(event.amount, intent.amount.currency), event.state)
    else:
        before = known[event.key]
        dispute = replace(before, state=DISPUTE.next(before.state, event.event))
    known[event.key] = dispute
    taken = [each.amount for each in known.values() if each.state in TAKEN]
    disputed = sum(taken, Money(0, intent.amount.currency))
    return payment._replace(disputes=tuple(known.values()), intent=intent._replace(disputed=disputed))


TAKEN = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.LOST})
"""The states of a dispute in which the payer's bank has the money."""


def _close(payment: Payment, key: str, status: Status) -> Payment:
    questions = tuple(each._replace(status=status) if each.key == key else each for each in payment.questions)
    return payment._replace(questions=questions)


def _rested(payment: Payment, totals: Intent, event: IntentEvent | None = None) -> Payment:
    """The payment with these totals, in the state that follows from them, or that `event` leads to.

    While a question is open the state says so: what is told meanwhile changes totals alone. Refunds have states of
    their own. A fact that comes late does not move a payment that is over.
    """
    question = payment.open
    if totals.state in INTENT.final:
        return payment._replace(intent=totals)
    if question is None or question.operation is Operation.REFUND:
        moved = _moved(payment, totals, event or _rest(totals))
        return moved if moved.act_until is None else moved._replace(act_until=None)
    # A challenge that is open beside another state was to be called off, and was not.
    if question.status is Status.CHALLENGED and totals.state is not IntentState.REQUIRES_ACTION:
        return _moved(payment, totals, IntentEvent.CHALLENGE, next_action=totals.next_action)
    return payment._replace(intent=totals)


def _rest(intent: Intent) -> IntentEvent:
    """What the totals say of what the gateway holds."""
    if not intent.authorized.amount:
        return IntentEvent.DECLINE
    if intent.captured.amount:
        return IntentEvent.PART if intent.held.amount else IntentEvent.COMPLETE
    return IntentEvent.HOLD if intent.held.amount else IntentEvent.RELEASE


def _moved(
    payment: Payment,
    totals: Intent,
    event: IntentEvent,
    *,
    pending: Operation | None = None,
    next_action: str | None = None,
) -> Payment:
    """The payment with these totals, in the state that the event leads to."""
    state = INTENT.next(totals.state, event)
    still = pending or (totals.pending if state is IntentState.OUTCOME_UNKNOWN else None)
    action = totals.next_action if pending is Operation.VOID else next_action
    return payment._replace(intent=totals._replace(state=state, pending=still, next_action=action))
