"""What may be asked of a payment, and what the gateway's answer means: commands and replies in, events out. Pure."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from typing import NamedTuple

from lldkit.machine import InvalidTransition
from lldkit.money import Money
from lldkit.payments.errors import AmountExceeded, OperationInProgress
from lldkit.payments.evolve import evolve
from lldkit.payments.interface import GatewayReply, Operation
from lldkit.payments.payment import Answered, Asked, Challenged, Event, Expired, Outside, Payment, Question, Status
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
    "resolve",
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
    if reply.status == "action_required" and question.operation is Operation.AUTHORIZE:
        return Challenged(now, question.key, reply.next_action or "", now + terms.action)
    status = _KNOWN.get(reply.status, Status.PUZZLING)
    amount = question.amount if reply.amount is None else reply.amount.amount
    return Answered(now, question.key, status, amount, reply.reference, _until(question, now, terms))


def _until(question: Question, now: datetime, terms: Terms) -> datetime | None:
    """Until when what the question asks for is held."""
    return now + terms.authorization if question.operation is Operation.AUTHORIZE else None


def resolve(payment: Payment, event: IntentEvent, now: datetime, terms: Terms) -> tuple[Event, ...]:
    """What must have happened at the gateway, if it holds what a person says that it holds.

    The open question was refused, or done, or it was refused and what was held was let go, by somebody or by time;
    the first of these that leads there. InvalidTransition where none does.
    """
    state, ways = payment.intent.state, dict[IntentState, tuple[Event, ...]]()
    for events in _ways(payment, now, terms):
        with suppress(InvalidTransition):
            ways.setdefault(reduce(evolve, events, payment).intent.state, events)
    possible = frozenset(each for each in INTENT.allowed(state) if INTENT.next(state, each) in ways)
    if event not in possible:
        raise InvalidTransition("intent", state, event, possible)
    return ways[INTENT.next(state, event)]


def _ways(payment: Payment, now: datetime, terms: Terms) -> Iterator[tuple[Event, ...]]:
    question = payment.open
    if payment.intent.state is not IntentState.NEEDS_REVIEW or question is None:
        return
    refused = Answered(now, question.key, Status.DECLINED)
    until = _until(question, now, terms)
    yield (refused,)
    yield (Answered(now, question.key, Status.APPROVED, question.amount, until=until),)
    yield refused, Outside(now, f"{payment.next_key}:seen", Operation.VOID, payment.intent.held.amount, final=True)
    yield refused, Expired(now)


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
