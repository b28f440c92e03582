"""What a person must look at: answers that nobody understands, and what a person makes of them."""

from collections.abc import Callable

import pytest

from lldkit.machine import InvalidTransition
from lldkit.payments.errors import CardDeclined
from lldkit.payments.interface import FactKind, GatewayReply, Intent, Operation, Received
from lldkit.payments.payments import Payments
from lldkit.payments.tables import IntentEvent, IntentState, RefundState
from lldkit.payments.transfers import Balance
from payments.helpers import CARD, Shop, usd

E, S = IntentEvent, IntentState
Verb = Callable[[Payments, str], object]


def puzzled(verb: Verb, *, part: bool = False, confirmed: bool = True) -> tuple[Shop, Intent]:
    """A payment of 100, perhaps with 60 captured, whose last question was answered by a riddle."""
    shop = Shop()
    intent = shop.authorized() if confirmed else shop.created()
    if part:
        shop.payments.capture(intent.id, usd(60), final=False)
    vars(shop.gateway)["_decide"] = lambda *_: GatewayReply("perhaps")
    verb(shop.payments, intent.id)
    del vars(shop.gateway)["_decide"]
    return shop, shop.payments.get(intent.id)


def capture(pay: Payments, intent_id: str) -> object:
    return pay.capture(intent_id)


def some(pay: Payments, intent_id: str) -> object:
    return pay.capture(intent_id, usd(30), final=False)


def confirm(pay: Payments, intent_id: str) -> object:
    return pay.confirm(intent_id, method=CARD)


def void(pay: Payments, intent_id: str) -> object:
    return pay.void(intent_id)


def test_an_answer_that_nobody_understands_is_for_a_person() -> None:
    shop, intent = puzzled(capture)
    assert intent.state is IntentState.NEEDS_REVIEW
    assert [item.intent_id for item in shop.payments.review()] == [intent.id]
    resolved = shop.payments.resolve(intent.id, IntentEvent.HOLD, actor="ana", reason="looked at the dashboard")
    assert resolved.state is IntentState.AUTHORIZED
    line = shop.payments.history(intent.id)[-1]
    assert (line.actor, line.cause) == ("ana", "looked at the dashboard")
    with pytest.raises(InvalidTransition):
        shop.payments.resolve(intent.id, IntentEvent.HOLD, actor="ana", reason="again")


@pytest.mark.parametrize(
    ("verb", "part", "event", "state", "merchant"),
    [
        (capture, False, E.HOLD, S.AUTHORIZED, Balance(0, 0, 100, 0)),
        (capture, False, E.COMPLETE, S.CAPTURED, Balance(0, 0, 0, 100)),
        (capture, False, E.RELEASE, S.VOIDED, Balance()),
        (capture, False, E.EXPIRE, S.EXPIRED, Balance()),
        (some, False, E.PART, S.PARTIALLY_CAPTURED, Balance(0, 0, 70, 30)),
        (capture, True, E.PART, S.PARTIALLY_CAPTURED, Balance(0, 0, 40, 60)),
        (capture, True, E.COMPLETE, S.CAPTURED, Balance(0, 0, 0, 100)),
        (some, True, E.PART, S.PARTIALLY_CAPTURED, Balance(0, 0, 40, 60)),
        (some, True, E.COMPLETE, S.CAPTURED, Balance(0, 0, 0, 60)),
        (void, False, E.RELEASE, S.VOIDED, Balance()),
        (void, False, E.HOLD, S.AUTHORIZED, Balance(0, 0, 100, 0)),
        (void, True, E.COMPLETE, S.CAPTURED, Balance(0, 0, 0, 60)),
    ],
)
def test_what_a_person_says_is_posted(
    verb: Verb, part: bool, event: IntentEvent, state: IntentState, merchant: Balance
) -> None:
    shop, intent = puzzled(verb, part=part)
    resolved = shop.payments.resolve(intent.id, event, actor="ana", reason="asked the bank")
    assert (resolved.state, resolved.pending, shop.balance()) == (state, None, merchant)


@pytest.mark.parametrize(("event", "state", "held"), [(E.HOLD, S.AUTHORIZED, 100), (E.DECLINE, S.CREATED, 0)])
def test_an_authorization_was_made_or_was_not(event: IntentEvent, state: IntentState, held: int) -> None:
    shop, intent = puzzled(confirm, confirmed=False)
    resolved = shop.payments.resolve(intent.id, event, actor="ana", reason="asked the bank")
    assert (resolved.state, resolved.held) == (state, usd(held))
    assert (resolved.authorized_until is not None) == bool(held)


@pytest.mark.parametrize("event", [E.PART, E.DECLINE, E.CONFIRM, E.LOSE])
def test_what_no_answer_leads_to_is_refused_with_what_is_possible(event: IntentEvent) -> None:
    shop, intent = puzzled(capture)
    with pytest.raises(InvalidTransition) as caught:
        shop.payments.resolve(intent.id, event, actor="ana", reason="a slip")
    assert caught.value.allowed == {E.HOLD, E.COMPLETE, E.RELEASE, E.EXPIRE}
    assert shop.payments.get(intent.id) == intent


def test_a_refund_that_nobody_understands_is_for_a_person_and_in_nobodys_way() -> None:
    shop, intent = puzzled(lambda pay, intent_id: pay.refund(intent_id, usd(10)), part=True)
    (refund,) = shop.payments.refunds(intent.id)
    assert (intent.state, refund.state) == (S.PARTIALLY_CAPTURED, RefundState.OUTCOME_UNKNOWN)
    assert [item.detail for item in shop.payments.review()] == [f"refund {refund.id}"]
    assert shop.payments.capture(intent.id).state is S.CAPTURED
    assert shop.payments.recover() == []


def test_a_challenge_can_only_be_the_answer_to_an_authorization() -> None:
    shop = Shop()
    intent = shop.authorized()
    vars(shop.gateway)["_decide"] = lambda *_: GatewayReply("action_required")
    assert shop.payments.capture(intent.id).state is S.NEEDS_REVIEW


def test_a_webhook_answers_what_a_riddle_did_not() -> None:
    shop, intent = puzzled(capture)
    shop.delivered()
    account = shop.gateway._accounts[intent.id]
    shop.gateway._apply(account, Operation.CAPTURE, 100, f"{intent.id}:2", final=True)
    shop.gateway._tell(intent.id, FactKind.CAPTURED, f"{intent.id}:2", 100, final=True)
    assert shop.delivered() == [Received.APPLIED]
    assert shop.payments.get(intent.id).state is S.CAPTURED


def test_a_challenge_that_the_gateway_does_not_call_off_is_still_the_payers_turn() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method="4000002760003184")
    vars(shop.gateway)["_decide"] = lambda *_: GatewayReply("declined", code="no")
    with pytest.raises(CardDeclined):
        shop.payments.void(intent.id)
    after = shop.payments.get(intent.id)
    assert (after.state, after.next_action) == (S.REQUIRES_ACTION, "https://bank.example/prove-it")
    del vars(shop.gateway)["_decide"]
    shop.clock.advance(3_600)
    assert [each.state for each in shop.payments.expire()] == [S.EXPIRED]
