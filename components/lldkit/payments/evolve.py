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
    Resolved,
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
            challenged = _moved(_close(payment, key, Status.CHALLENGED), IntentEvent.CHALLENGE, next_action=action)
            after = replace(challenged, act_until=until)
        case Outside(at, key, operation, amount, final, until):
            question = Question(key, operation, amount, final, Status.ASKED, at)
            known = replace(payment, questions=(*payment.questions, question))
            after = _approve(known, question, amount, until)
        case Held(_, fact) | Released(_, fact):
            others = tuple(each for each in payment.held if each != fact)
            after = replace(payment, held=(*others, fact) if isinstance(event, Held) else others)
        case Reversed(_, key):
            after = _refund(payment, key, RefundEvent.FAIL)
        case Disputed():
            after = _dispute(payment, event)
        case Expired():
            after = _expire(payment)
        case Resolved(_, move):
            after = _resolve(payment, move)
    return replace(after, seq=payment.seq + 1)


def _ask(payment: Payment, question: Question) -> Payment:
    others = tuple(each for each in payment.questions if each.key != question.key)
    after = replace(payment, questions=(*others, question))
    if question.operation is not Operation.REFUND:
        return _moved(after, STARTS[question.operation], pending=question.operation)
    if any(refund.id == question.key for refund in payment.refunds):
        return _refund(after, question.key, RefundEvent.RESEND)
    intent = payment.intent
    amount = Money(question.amount, intent.amount.currency)
    refund = Refund(question.key, intent.id, amount, RefundState.PENDING)
    return replace(after, refunds=(*after.refunds, refund), intent=replace(intent, refunded=intent.refunded + amount))


def _answer(payment: Payment, event: Answered) -> Payment:
    question = payment.question(event.key)
    assert question is not None  # noqa: S101 - whoever decides looks it up
    payment = replace(payment, reference=event.reference or payment.reference)
    if event.status is Status.APPROVED:
        return _approve(payment, question, event.amount, event.until)
    after = _close(payment, event.key, event.status)
    if question.operation is Operation.REFUND:
        return _refund(after, event.key, _OF_REFUND[event.status])
    if event.status is Status.PENDING:
        return after
    if event.status is Status.UNKNOWN:
        return _moved(after, IntentEvent.LOSE)
    if event.status is Status.PUZZLING:
        return _moved(after, IntentEvent.REVIEW)
    refused = event.status is Status.DECLINED and question.operation is Operation.AUTHORIZE
    return _rested(after, attempts=after.intent.attempts + refused)


_OF_REFUND = {
    Status.UNKNOWN: RefundEvent.LOSE,
    Status.DECLINED: RefundEvent.FAIL,
    Status.NEVER: RefundEvent.FAIL,
    Status.PENDING: None,
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
        return _rested(after, authorized=authorized, authorized_until=until or intent.authorized_until)
    if question.operation is Operation.INCREMENT:
        return _rested(after, authorized=intent.authorized + money)
    if question.operation is Operation.VOID:
        return _released(after, question)
    authorized = intent.authorized if intent.authorized.amount else intent.amount  # who captures has authorized before
    captured = intent.captured + money
    ends = question.final or intent.voided.amount > 0
    return _rested(
        after,
        authorized=authorized,
        captured=captured,
        voided=authorized - captured if ends else intent.voided,
        authorized_until=intent.authorized_until or until,
    )


def _released(payment: Payment, question: Question) -> Payment:
    """Nothing is held any more, and a challenge is off."""
    questions = tuple(
        each._replace(status=Status.NEVER) if each.status is Status.CHALLENGED else each for each in payment.questions
    )
    intent = replace(payment.intent, voided=payment.intent.authorized - payment.intent.captured)
    after = replace(payment, intent=intent, questions=questions, act_until=None)
    if intent.captured.amount:
        return _moved(after, IntentEvent.COMPLETE)
    return _moved(after, IntentEvent.EXPIRE if question.cause == EXPIRY else IntentEvent.RELEASE)


def _refunded(payment: Payment, key: str, amount: Money) -> Payment:
    """A refund has succeeded; one that nobody here has asked for is new."""
    if any(refund.id == key for refund in payment.refunds):
        return _refund(payment, key, RefundEvent.SUCCEED)
    intent = payment.intent
    refund = Refund(key, intent.id, amount, RefundState.SUCCEEDED)
    return replace(
        payment, refunds=(*payment.refunds, refund), intent=replace(intent, refunded=intent.refunded + amount)
    )


def _refund(payment: Payment, key: str, event: RefundEvent | None) -> Payment:
    """Move a refund; one that fails gives its amount back to what can be refunded."""
    refund = next(each for each in payment.refunds if each.id == key)
    if event is None:
        return payment
    moved = replace(refund, state=REFUND.next(refund.state, event))
    refunds = tuple(moved if each.id == key else each for each in payment.refunds)
    intent = payment.intent
    if moved.state is RefundState.FAILED:
        intent = replace(intent, refunded=intent.refunded - refund.amount)
    return replace(payment, refunds=refunds, intent=intent)


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
    return replace(payment, disputes=tuple(known.values()), intent=replace(intent, disputed=disputed))


TAKEN = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.LOST})
"""The states of a dispute in which the payer's bank has the money."""


def _expire(payment: Payment) -> Payment:
    """Nothing is held any more; what was captured stays."""
    intent = payment.intent
    voided = intent.authorized - intent.captured
    after = replace(payment, intent=replace(intent, voided=voided))
    return _moved(after, IntentEvent.COMPLETE if intent.captured.amount else IntentEvent.EXPIRE)


def _resolve(payment: Payment, event: IntentEvent) -> Payment:
    open_ = payment.open
    return _moved(payment if open_ is None else _close(payment, open_.key, Status.DECLINED), event)


def _close(payment: Payment, key: str, status: Status) -> Payment:
    questions = tuple(each._replace(status=status) if each.key == key else each for each in payment.questions)
    return replace(payment, questions=questions)


def _rested(payment: Payment, **changes: object) -> Payment:
    """The payment with these totals, in the state that follows from them."""
    intent = replace(payment.intent, **changes)  # type: ignore[arg-type]
    after = replace(payment, intent=intent, act_until=None)
    if intent.state in INTENT.final:  # a fact that came late changes totals, and no state
        return after
    if any(each.status is Status.CHALLENGED for each in after.questions):  # it was not called off
        challenged = replace(after, act_until=payment.act_until)
        return _moved(challenged, IntentEvent.CHALLENGE, next_action=payment.intent.next_action)
    return _moved(after, _rest(intent))


def _rest(intent: Intent) -> IntentEvent:
    """What the totals say of what the gateway holds."""
    if not intent.authorized.amount:
        return IntentEvent.DECLINE
    if intent.captured.amount:
        return IntentEvent.PART if intent.held.amount else IntentEvent.COMPLETE
    return IntentEvent.HOLD if intent.held.amount else IntentEvent.RELEASE


def _moved(
    payment: Payment, event: IntentEvent, *, pending: Operation | None = None, next_action: str | None = None
) -> Payment:
    intent = payment.intent
    state = INTENT.next(intent.state, event)
    still = pending or (intent.pending if state is IntentState.OUTCOME_UNKNOWN else None)
    action = payment.intent.next_action if pending is Operation.VOID else next_action
    return replace(payment, intent=replace(intent, state=state, pending=still, next_action=action))
