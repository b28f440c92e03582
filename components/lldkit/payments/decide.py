"""What may be asked of a payment, and what the gateway's answer means: commands and replies in, events out. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from lldkit.money import Money
from lldkit.payments.errors import AmountExceeded, OperationInProgress
from lldkit.payments.interface import GatewayReply, Operation
from lldkit.payments.payment import Answered, Asked, Challenged, Event, Expired, Payment, Question, Status
from lldkit.payments.tables import INTENT, IntentEvent, IntentState

__all__ = [
    "Terms",
    "answer",
    "capture",
    "confirm",
    "expire",
    "increment",
    "never",
    "refund",
    "unanswered",
    "void",
]


class Terms(NamedTuple):
    """For how long: an authorization holds, a challenge may take, and a question counts as under way."""

    authorization: timedelta
    action: timedelta
    in_flight: timedelta


def confirm(payment: Payment, now: datetime, terms: Terms, cause: str) -> Asked:
    """Ask for an authorization of the whole amount."""
    _check_free(payment, now, terms)
    _check_allowed(payment, IntentEvent.CONFIRM)
    return _ask(payment, Operation.AUTHORIZE, payment.intent.amount, now, cause)


def increment(payment: Payment, amount: Money, now: datetime, terms: Terms, cause: str) -> Asked:
    """Ask for an authorization of so much more."""
    _check_positive(amount, payment)
    _check_free(payment, now, terms)
    _check_allowed(payment, IntentEvent.INCREMENT)
    return _ask(payment, Operation.INCREMENT, amount, now, cause)


def capture(payment: Payment, amount: Money | None, now: datetime, terms: Terms, cause: str, *, final: bool) -> Asked:
    """Ask for some of what is held; None for all of it. With `final` the rest is let go."""
    held = payment.intent.held
    wanted = held if amount is None else amount
    _check_free(payment, now, terms)
    _check_allowed(payment, IntentEvent.CAPTURE)
    _check_positive(wanted, payment)
    if wanted > held:
        raise AmountExceeded(wanted, held)
    return _ask(payment, Operation.CAPTURE, wanted, now, cause, final=final)


def void(payment: Payment, now: datetime, terms: Terms, cause: str) -> Asked:
    """Let go what is held; a challenge is called off."""
    if payment.intent.state is not IntentState.REQUIRES_ACTION:
        _check_free(payment, now, terms)
    _check_allowed(payment, IntentEvent.VOID)
    return _ask(payment, Operation.VOID, payment.intent.held, now, cause)


def refund(payment: Payment, amount: Money | None, now: datetime, terms: Terms, cause: str) -> Asked:
    """Ask for some of what was captured to be paid back; None for all that was not yet."""
    available = payment.intent.captured - payment.intent.refunded
    wanted = available if amount is None else amount
    _check_free(payment, now, terms)
    if wanted > available or not available.amount:
        raise AmountExceeded(wanted, available)
    _check_positive(wanted, payment)
    return _ask(payment, Operation.REFUND, wanted, now, cause)


def expire(payment: Payment, now: datetime) -> Event | None:
    """End what is held when its time is over, to the microsecond; None while it is not."""
    until = payment.intent.authorized_until
    resting = payment.intent.state in (IntentState.AUTHORIZED, IntentState.PARTIALLY_CAPTURED)
    return Expired(now) if resting and until is not None and until <= now else None


def unanswered(question: Question, now: datetime) -> Event:
    """The answer was lost."""
    return Answered(now, question.key, Status.UNKNOWN)


def never(question: Question, now: datetime) -> Event:
    """The question never reached the gateway."""
    return Answered(now, question.key, Status.NEVER)


def answer(question: Question, reply: GatewayReply, now: datetime, terms: Terms) -> Event:
    """What the gateway's answer means."""
    if reply.status == "action_required":
        return Challenged(now, question.key, reply.next_action or "", now + terms.action)
    status = _KNOWN.get(reply.status, Status.PUZZLING)
    amount = question.amount if reply.amount is None else reply.amount.amount
    until = now + terms.authorization if question.operation is Operation.AUTHORIZE else None
    return Answered(now, question.key, status, amount, reply.reference, until)


_KNOWN = {"approved": Status.APPROVED, "declined": Status.DECLINED, "pending": Status.PENDING}


def _ask(
    payment: Payment, operation: Operation, amount: Money, now: datetime, cause: str, *, final: bool = True
) -> Asked:
    question = Question(payment.next_key, operation, amount.amount, final, Status.ASKED, now, cause)
    return Asked(now, question)


def _check_free(payment: Payment, now: datetime, terms: Terms) -> None:
    """One question at a time: the answer to the open one changes what may be asked."""
    question = payment.open
    if question is not None:
        left = question.asked_at + terms.in_flight - now
        raise OperationInProgress(question.operation, max(0.0, left.total_seconds()))


def _check_allowed(payment: Payment, event: IntentEvent) -> None:
    INTENT.next(payment.intent.state, event)


def _check_positive(amount: Money, payment: Payment) -> None:
    if not amount > Money(0, payment.intent.amount.currency):
        raise ValueError(f"amount must be above 0, got {amount}")
