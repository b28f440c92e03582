"""The gateway for tests: the well-known cards say what they say everywhere, and a key is done once."""

import pytest

from lldkit.payments.errors import CardDeclined
from lldkit.payments.interface import Capture, GatewayRequest, Operation
from lldkit.payments.tables import DisputeState, IntentState, RefundState
from payments.helpers import CARD, Shop, usd


@pytest.mark.parametrize(
    ("card", "code", "retryable"),
    [
        ("4000000000000002", "card_declined", False),
        ("4000000000009995", "insufficient_funds", False),
        ("4000000000009987", "lost_card", False),
        ("4000000000009979", "stolen_card", False),
        ("4000000000000069", "expired_card", False),
        ("4000000000000127", "incorrect_cvc", False),
        ("4000000000000119", "processing_error", True),
    ],
)
def test_each_bad_card_is_declined_with_its_code(card: str, code: str, retryable: bool) -> None:
    shop = Shop()
    intent = shop.created()
    with pytest.raises(CardDeclined) as caught:
        shop.payments.confirm(intent.id, method=card)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert shop.gateway.effects(intent.id).authorized == 0


@pytest.mark.parametrize(
    ("card", "state"),
    [
        (CARD, IntentState.AUTHORIZED),
        ("4000002760003184", IntentState.REQUIRES_ACTION),
        ("4000008400001629", IntentState.REQUIRES_ACTION),
        ("4000008260003178", IntentState.REQUIRES_ACTION),
        ("4000000000000259", IntentState.AUTHORIZED),
        ("4000000000005126", IntentState.AUTHORIZED),
    ],
)
def test_the_other_cards_are_taken_or_challenged(card: str, state: IntentState) -> None:
    shop = Shop()
    assert shop.payments.confirm(shop.created().id, method=card).state is state


def test_some_cards_make_trouble_later() -> None:
    shop = Shop()
    disputed = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method="4000000000000259").id
    shop.delivered()
    assert [dispute.state for dispute in shop.payments.disputes(disputed)] == [DisputeState.NEEDS_RESPONSE]
    failing = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method="4000000000005126").id
    shop.payments.refund(failing, usd(10))
    shop.delivered()
    assert [refund.state for refund in shop.payments.refunds(failing)] == [RefundState.FAILED]


def test_a_key_is_done_once_and_answered_again() -> None:
    gateway = Shop().gateway
    request = GatewayRequest("pi_1:1", Operation.AUTHORIZE, "pi_1", usd(100), CARD)
    assert gateway.query("pi_1:1") is None
    first = gateway.send(request)
    assert gateway.send(request) == gateway.query("pi_1:1") == first
    assert gateway.effects("pi_1").money_calls == 1
    assert len(gateway.deliveries()) == 1
