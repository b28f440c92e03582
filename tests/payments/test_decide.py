"""What may be asked of a payment: one question at a time, in a state that allows it, of an amount that is there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lldkit.machine import InvalidTransition
from lldkit.payments import decide
from lldkit.payments.creation import blank
from lldkit.payments.errors import AmountExceeded, OperationInProgress
from lldkit.payments.interface import Capture, Operation
from lldkit.payments.payment import Asked, Payment, Question, Status
from lldkit.payments.tables import IntentState
from payments.helpers import usd

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = decide.Terms(timedelta(days=7), timedelta(hours=1), timedelta(minutes=1))
NEW = Payment(blank("pi_1", "acme", usd(100), tenant="", capture=Capture.MANUAL, now=NOW))
HELD = NEW._replace(intent=NEW.intent._replace(state=IntentState.AUTHORIZED, authorized=usd(100)))
PART = HELD._replace(intent=HELD.intent._replace(state=IntentState.PARTIALLY_CAPTURED, captured=usd(60)))
DONE = PART._replace(intent=PART.intent._replace(state=IntentState.CAPTURED, voided=usd(40)))
QUESTION = Question("pi_1:1", Operation.CAPTURE, 10, False, Status.ASKED, NOW)
VERBS: dict[str, Callable[[Payment, datetime], Asked]] = {
    "confirm": lambda payment, now: decide.confirm(payment, now, TERMS, ""),
    "increment": lambda payment, now: decide.increment(payment, usd(10), now, TERMS, ""),
    "capture": lambda payment, now: decide.capture(payment, usd(10), now, TERMS, "", final=False),
    "void": lambda payment, now: decide.void(payment, now, TERMS, ""),
    "refund": lambda payment, now: decide.refund(payment, usd(10), now, TERMS, ""),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("payment", [NEW, HELD, PART], ids=["new", "held", "part"])
def test_while_a_question_is_open_nothing_else_is_asked(verb: str, payment: Payment) -> None:
    busy = payment._replace(questions=(QUESTION,))
    for seconds, left in ((20, 40.0), (90, 0.0)):
        with pytest.raises(OperationInProgress) as caught:
            VERBS[verb](busy, NOW + timedelta(seconds=seconds))
        assert (caught.value.operation, caught.value.retry_after) == (Operation.CAPTURE, left)


@pytest.mark.parametrize(
    ("verb", "payment"),
    [
        ("confirm", HELD),
        ("increment", NEW),
        ("increment", PART),
        ("capture", NEW),
        ("capture", DONE),
        ("void", NEW),
        ("void", DONE),
    ],
)
def test_what_the_state_does_not_allow_is_not_asked(verb: str, payment: Payment) -> None:
    with pytest.raises(InvalidTransition):
        VERBS[verb](payment, NOW)


def test_a_challenge_may_be_called_off_while_it_is_open() -> None:
    challenged = Question("pi_1:1", Operation.AUTHORIZE, 100, True, Status.CHALLENGED, NOW)
    payment = NEW._replace(intent=NEW.intent._replace(state=IntentState.REQUIRES_ACTION), questions=(challenged,))
    asked = VERBS["void"](payment, NOW).question
    assert (asked.key, asked.operation, asked.amount) == ("pi_1:2", Operation.VOID, 0)


@pytest.mark.parametrize("cents", [0, -1])
def test_an_amount_is_above_0(cents: int) -> None:
    asks: list[Callable[[], Asked]] = [
        lambda: decide.increment(HELD, usd(cents), NOW, TERMS, ""),
        lambda: decide.capture(HELD, usd(cents), NOW, TERMS, "", final=True),
        lambda: decide.refund(DONE, usd(cents), NOW, TERMS, ""),
    ]
    for ask in asks:
        with pytest.raises(ValueError, match="above 0"):
            ask()


def test_no_more_is_asked_for_than_there_is() -> None:
    assert decide.capture(PART, None, NOW, TERMS, "", final=True).question.amount == 40
    assert decide.refund(DONE, None, NOW, TERMS, "").question.amount == 60
    asks: list[tuple[Callable[[], Asked], int]] = [
        (lambda: decide.capture(PART, usd(41), NOW, TERMS, "", final=True), 40),
        (lambda: decide.refund(DONE, usd(61), NOW, TERMS, ""), 60),
        (lambda: decide.refund(HELD, None, NOW, TERMS, ""), 0),
    ]
    for ask, cents in asks:
        with pytest.raises(AmountExceeded) as caught:
            ask()
        assert caught.value.available == usd(cents)
