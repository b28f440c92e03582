"""What a listener hears, and that it hears it once and after it is true."""

from collections.abc import Callable

import pytest

from lldkit.payments.errors import CardDeclined, OutcomeUnknown
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
from lldkit.payments.fake_gateway import SECRET
from lldkit.payments.interface import Capture, Fact, FactKind, Received
from lldkit.payments.receiving import Delivery
from lldkit.payments.tables import IntentState
from lldkit.payments.webhooks import event_body, parse_event
from lldkit.webhooks import StandardWebhooks
from payments.helpers import ALWAYS, CARD, NEVER, Shop, usd


def told(shop: Shop, intent_id: str, fact: Fact | None, message: str = "m1") -> Received:
    """A webhook of the gateway's about that fact; None is something that nobody here understands."""
    body = b'{"type": "news", "intent": "%s"}' % intent_id.encode() if fact is None else event_body(intent_id, fact)
    headers = StandardWebhooks(secrets=[SECRET]).sign(message, round(shop.clock.now().timestamp()), body)
    return shop.payments.receive(*Delivery(body, headers))


def heard(shop: Shop, kind: type[PaymentEvent]) -> list[PaymentEvent]:
    return [event for event in shop.events if isinstance(event, kind)]


def test_each_line_of_the_history_is_told_with_the_payment_as_it_is_by_then() -> None:
    shop = Shop()
    intent_id = shop.authorized().id
    lines = [(event.line.target, event.intent.state) for event in shop.events if isinstance(event, Transitioned)]
    assert lines == [(IntentState.PROCESSING, IntentState.PROCESSING), (IntentState.AUTHORIZED, IntentState.AUTHORIZED)]
    assert [event.line for event in shop.events if isinstance(event, Transitioned)] == shop.payments.history(intent_id)


def test_a_lost_answer_is_told_and_so_is_that_it_was_found() -> None:
    shop = Shop()
    intent_id = shop.created().id
    shop.gateway.faults = ALWAYS("timeout_after")
    with pytest.raises(OutcomeUnknown):
        shop.payments.confirm(intent_id, method=CARD)
    at, key = shop.clock.now(), f"{intent_id}:1"
    assert heard(shop, Unknown) == [Unknown(at, intent_id, key)]
    shop.gateway.faults = NEVER
    (intent,) = shop.payments.recover()
    assert heard(shop, Recovered) == [Recovered(at, intent, key)]


def test_a_fact_that_waits_is_told_as_held_and_one_that_contradicts_as_parked() -> None:
    shop = Shop()
    intent_id = shop.created().id
    assert told(shop, intent_id, Fact(FactKind.REFUNDED, "r", 10)) is Received.HELD
    assert heard(shop, Held) == [Held(shop.clock.now(), intent_id, "r")]
    shop.payments.confirm(intent_id, method=CARD)
    shop.payments.void(intent_id)
    assert told(shop, intent_id, Fact(FactKind.CAPTURED, "c", 60), "m2") is Received.PARKED
    assert told(shop, intent_id, None, "m3") is Received.PARKED
    details = [event.detail for event in shop.events if isinstance(event, Parked)]
    assert details == ["captured c", "not understood"]


def by_a_decline(shop: Shop) -> PaymentEvent:
    intent_id = shop.created().id
    with pytest.raises(CardDeclined):
        shop.payments.confirm(intent_id, method="4000000000000002")
    return Declined(shop.clock.now(), intent_id, "card_declined")


def by_others(shop: Shop) -> PaymentEvent:
    intent_id = shop.authorized().id
    told(shop, intent_id, Fact(FactKind.CAPTURED, "dashboard", 60))
    return External(shop.clock.now(), intent_id, "dashboard")


def by_a_dispute_after_a_refund(shop: Shop) -> PaymentEvent:
    intent_id = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method=CARD).id
    shop.payments.refund(intent_id, usd(30))
    told(shop, intent_id, Fact(FactKind.DISPUTE_OPENED, "d", 100))
    return Overdrawn(shop.clock.now(), intent_id, usd(30))


@pytest.mark.parametrize("story", [by_a_decline, by_others, by_a_dispute_after_a_refund])
def test_what_else_happens_is_told_once(story: Callable[[Shop], PaymentEvent]) -> None:
    shop = Shop()
    event = story(shop)
    assert heard(shop, type(event)) == [event]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"intent": ' * 100_000, b"[]", b"", b"\xff", b'{"intent": ["i"]}'])
def test_what_is_no_webhook_is_a_value_error_however_it_is_written(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_event(body)


@pytest.mark.parametrize("kind", ['["captured"]', "{}", "null", "7", '"news"'])
def test_a_kind_that_is_not_known_makes_an_event_without_a_fact(kind: str) -> None:
    event = parse_event(f'{{"intent": "i", "kind": {kind}, "key": "k"}}'.encode())
    assert (event.intent_id, event.fact) == ("i", None)
