"""Payments by hand: each road through the states, with the books that belong to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lldkit.machine import InvalidTransition
from lldkit.money import CurrencyMismatch, Money
from lldkit.payments.errors import (
    AmountExceeded,
    CardDeclined,
    GatewayUnavailable,
    IdempotencyInProgress,
    IdempotencyMismatch,
    OperationInProgress,
    OutcomeUnknown,
    UnknownIntent,
)
from lldkit.payments.events import Declined, External, Overdrawn, Transitioned, Unknown
from lldkit.payments.fake_gateway import Effects
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest, Received
from lldkit.payments.tables import DisputeState, IntentEvent, IntentState, RefundState
from lldkit.payments.transfers import Balance
from payments.helpers import ALWAYS, CARD, NEVER, Shop, usd


def test_an_automatic_payment_is_authorized_and_captured_at_once() -> None:
    shop = Shop()
    intent = shop.captured()
    assert (intent.state, intent.captured, intent.held) == (IntentState.CAPTURED, usd(100), usd(0))
    assert shop.balance() == Balance(0, 0, 0, 100)
    assert shop.balance("gateway", "") == Balance(0, 100, 0, 0)
    assert shop.gateway.effects(intent.id) == Effects(100, 100, 0, 0, 2)


def test_a_manual_payment_is_held_until_it_is_captured() -> None:
    shop = Shop()
    intent = shop.authorized()
    assert (intent.state, intent.held) == (IntentState.AUTHORIZED, usd(100))
    assert shop.balance() == Balance(0, 0, 100, 0)


def test_captures_in_parts_release_the_rest_with_the_last() -> None:
    shop = Shop()
    intent = shop.authorized()
    intent = shop.payments.capture(intent.id, usd(60), final=False)
    assert (intent.state, intent.held) == (IntentState.PARTIALLY_CAPTURED, usd(40))
    assert shop.balance() == Balance(0, 0, 40, 60)
    intent = shop.payments.capture(intent.id, usd(30))
    assert (intent.state, intent.captured, intent.voided) == (IntentState.CAPTURED, usd(90), usd(10))
    assert shop.balance() == Balance(0, 0, 0, 90)


def test_a_void_lets_go_what_is_held() -> None:
    shop = Shop()
    intent = shop.payments.void(shop.authorized().id)
    assert (intent.state, intent.voided) == (IntentState.VOIDED, usd(100))
    assert shop.balance() == Balance()


def test_an_increment_holds_more() -> None:
    shop = Shop()
    intent = shop.payments.increment(shop.authorized().id, usd(50))
    assert (intent.state, intent.authorized) == (IntentState.AUTHORIZED, usd(150))
    assert shop.balance() == Balance(0, 0, 150, 0)


def test_refunds_take_from_the_merchant_what_was_captured() -> None:
    shop = Shop()
    intent = shop.captured()
    refund = shop.payments.refund(intent.id, usd(30))
    assert (refund.state, refund.amount) == (RefundState.SUCCEEDED, usd(30))
    assert shop.payments.refund(intent.id).amount == usd(70)
    assert shop.payments.get(intent.id).refunded == usd(100)
    assert shop.balance() == Balance(0, 100, 0, 100)
    with pytest.raises(AmountExceeded) as caught:
        shop.payments.refund(intent.id, usd(1))
    assert (caught.value.requested, caught.value.available) == (usd(1), usd(0))


@pytest.mark.parametrize("succeeded_first", [True, False])
def test_a_refund_that_fails_gives_the_money_back_to_the_merchant(succeeded_first: bool) -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method="4000000000005126")
    shop.delivered()
    refund = shop.payments.refund(intent.id, usd(40))
    assert refund.state is RefundState.SUCCEEDED
    failed, succeeded = sorted(shop.gateway.deliveries(), key=lambda each: b"refund_failed" not in each.body)
    for delivery in (succeeded, failed) if succeeded_first else (failed, succeeded):
        shop.payments.receive(*delivery)
    assert shop.payments.refunds(intent.id)[0].state is RefundState.FAILED
    assert shop.payments.get(intent.id).refunded == usd(0)
    balance = shop.balance()
    assert balance.credits_posted - balance.debits_posted == 100


def test_a_decline_leads_back_so_that_another_card_may_be_tried() -> None:
    shop = Shop()
    intent = shop.created()
    for _ in range(2):  # the old key tells the old outcome
        with pytest.raises(CardDeclined) as caught:
            shop.payments.confirm(intent.id, method="4000000000009995", idempotency_key="first")
        assert (caught.value.code, caught.value.retryable) == ("insufficient_funds", False)
        assert (caught.value.intent.state, caught.value.intent.attempts) == (IntentState.CREATED, 1)
    assert shop.payments.confirm(intent.id, method=CARD, idempotency_key="second").state is IntentState.AUTHORIZED
    with pytest.raises(CardDeclined):
        shop.payments.confirm(intent.id, method="4000000000009995", idempotency_key="first")
    declined = [(event.intent_id, event.code) for event in shop.events if isinstance(event, Declined)]
    assert declined == [(intent.id, "insufficient_funds")]


@pytest.mark.parametrize(("success", "state"), [(True, IntentState.AUTHORIZED), (False, IntentState.CREATED)])
def test_a_challenge_is_decided_by_webhook(success: bool, state: IntentState) -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method="4000002760003184")
    assert (intent.state, intent.next_action) == (IntentState.REQUIRES_ACTION, "https://bank.example/prove-it")
    shop.gateway.complete_action(intent.id, success=success)
    assert shop.delivered() == [Received.APPLIED]
    after = shop.payments.get(intent.id)
    assert (after.state, after.next_action) == (state, None)
    assert shop.delivered() == []


@pytest.mark.parametrize("card", ["4000008400001629", "4000008260003178"])
def test_a_challenge_may_be_passed_and_the_card_declined(card: str) -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method=card)
    shop.gateway.complete_action(intent.id)
    assert shop.delivered() == [Received.APPLIED]
    assert shop.payments.get(intent.id).attempts == 1


def test_an_automatic_payment_is_captured_when_its_challenge_is_passed() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method="4000002760003184")
    shop.gateway.complete_action(intent.id)
    shop.delivered()
    assert shop.payments.get(intent.id).state is IntentState.CAPTURED


def test_the_gateway_is_asked_under_its_own_name_for_the_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, names = Shop(), list[str | None]()
    send = shop.gateway.send

    def sent(request: GatewayRequest, /) -> GatewayReply:
        names.append(request.reference)
        return send(request)

    monkeypatch.setattr(shop.gateway, "send", sent)
    intent = shop.authorized()
    shop.gateway.faults = ALWAYS("timeout_before")
    with pytest.raises(OutcomeUnknown):
        shop.payments.capture(intent.id)
    shop.gateway.faults = NEVER
    shop.payments.recover()  # a lost answer does not take the name away
    assert names == [None, "gw_1", "gw_1"]


def test_an_automatic_capture_that_is_declined_is_told_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    real = shop.gateway._decide

    def no_capture(account: Any, request: GatewayRequest) -> GatewayReply:
        return GatewayReply("declined", code="no") if request.operation == "capture" else real(account, request)

    monkeypatch.setattr(shop.gateway, "_decide", no_capture)
    with pytest.raises(CardDeclined) as caught:
        shop.captured()
    assert (caught.value.code, caught.value.intent.state) == ("no", IntentState.AUTHORIZED)
    assert shop.payments.recover() == []
    monkeypatch.undo()
    assert shop.payments.capture(caught.value.intent.id).state is IntentState.CAPTURED


@pytest.mark.parametrize("again", ["verb", "recover"])
def test_an_automatic_capture_waits_for_a_gateway_that_is_away(again: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    intent = shop.created(capture=Capture.AUTOMATIC)
    send = shop.gateway.send

    def away(request: GatewayRequest, /) -> GatewayReply:
        if request.operation == "capture":
            raise GatewayUnavailable(1)
        return send(request)

    monkeypatch.setattr(shop.gateway, "send", away)
    with pytest.raises(GatewayUnavailable):
        shop.payments.confirm(intent.id, method=CARD, idempotency_key="k")
    assert shop.payments.get(intent.id).state is IntentState.CAPTURING
    monkeypatch.undo()
    if again == "recover":
        shop.clock.advance(60)
        assert [each.state for each in shop.payments.recover()] == [IntentState.CAPTURED]
    assert shop.payments.confirm(intent.id, method=CARD, idempotency_key="k").state is IntentState.CAPTURED
    assert shop.gateway.effects(intent.id) == Effects(100, 100, 0, 0, 2)


def test_what_others_do_while_a_question_is_open_changes_totals_and_leaves_the_question_in_view() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.delivered()
    shop.gateway.faults = ALWAYS("timeout_before")
    with pytest.raises(OutcomeUnknown):
        shop.payments.capture(intent.id, usd(50), final=False)
    shop.gateway.capture_outside(intent.id, 100, final=True)
    assert shop.delivered() == [Received.APPLIED]
    during = shop.payments.get(intent.id)
    assert (during.state, during.captured) == (IntentState.OUTCOME_UNKNOWN, usd(100))
    shop.gateway.faults = NEVER
    assert [each.state for each in shop.payments.recover()] == [IntentState.CAPTURED]
    assert shop.balance() == Balance(0, 0, 0, 100)


def test_an_abandoned_challenge_expires_and_a_late_success_is_parked() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method="4000002760003184")
    shop.clock.advance(3_599)
    assert shop.payments.expire() == []
    shop.clock.advance(1)
    assert [each.state for each in shop.payments.expire()] == [IntentState.EXPIRED]
    assert shop.gateway.effects(intent.id).money_calls == 1
    shop.gateway.deliveries()
    shop.gateway.capture_outside(intent.id, 100, final=True)
    assert shop.delivered() == [Received.PARKED]
    assert shop.payments.get(intent.id).captured == usd(0)
    assert [item.intent_id for item in shop.payments.review()] == [intent.id]


def test_a_challenge_that_was_passed_in_time_and_told_too_late_is_voided_and_parked() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method="4000002760003184")
    shop.gateway.complete_action(intent.id)
    late = shop.gateway.deliveries()
    shop.clock.advance(3_600)
    assert [each.state for each in shop.payments.expire()] == [IntentState.EXPIRED]
    assert shop.gateway.effects(intent.id) == Effects(100, 0, 100, 0, 2)
    assert shop.payments.receive_many(late) == [Received.PARKED]
    assert (shop.payments.get(intent.id).state, shop.payments.get(intent.id).held) == (IntentState.EXPIRED, usd(0))


def test_what_is_held_expires_to_the_microsecond_unmoved_by_captures() -> None:
    shop = Shop(options={"authorization_seconds": 100})
    intent = shop.authorized()
    shop.clock.advance(50)
    shop.payments.capture(intent.id, usd(60), final=False)
    shop.clock.advance(50 - 1e-6)
    assert shop.payments.expire() == []
    assert shop.balance() == Balance(0, 0, 40, 60)
    shop.clock.advance(1e-6)
    assert shop.balance() == Balance(0, 0, 0, 60)
    (expired,) = shop.payments.expire()
    assert (expired.state, expired.voided) == (IntentState.CAPTURED, usd(40))


def test_from_the_instant_at_which_it_is_over_nothing_held_can_be_captured_though_nobody_has_swept() -> None:
    shop = Shop(options={"authorization_seconds": 100})
    whole, part = shop.authorized(), shop.authorized()
    shop.payments.capture(part.id, usd(60), final=False)
    shop.clock.advance(100)
    for intent, state in ((whole, IntentState.EXPIRED), (part, IntentState.CAPTURED)):
        with pytest.raises(InvalidTransition) as caught:
            shop.payments.capture(intent.id, usd(10))
        assert caught.value.state is state
    assert shop.payments.refund(part.id, usd(60)).state is RefundState.SUCCEEDED
    assert [line.event for line in shop.payments.history(part.id)][-3:] == ["expired", "asked", "answered"]
    assert (shop.gateway.effects(whole.id).captured, shop.gateway.effects(part.id).captured) == (0, 60)


def test_a_dispute_takes_the_money_and_gives_it_back_when_it_is_won() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method="4000000000000259")
    shop.delivered()
    (dispute,) = shop.payments.disputes(intent.id)
    assert (dispute.state, dispute.amount) == (DisputeState.NEEDS_RESPONSE, usd(100))
    assert shop.balance("dispute") == Balance(0, 0, 0, 100)
    shop.gateway.close_dispute(dispute.id, won=True)
    shop.delivered()
    assert shop.payments.disputes(intent.id)[0].state is DisputeState.WON
    assert shop.payments.get(intent.id).disputed == usd(0)
    assert shop.balance() == Balance(0, 100, 0, 200)


def test_a_full_refund_and_a_dispute_are_both_recorded() -> None:
    shop = Shop()
    intent = shop.captured()
    shop.payments.refund(intent.id)
    shop.gateway.open_dispute(intent.id, 100)
    shop.delivered()
    assert [event.amount for event in shop.events if isinstance(event, Overdrawn)] == [usd(100)]
    assert shop.balance() == Balance(0, 200, 0, 100)


def test_money_that_others_moved_is_recorded_as_theirs() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.gateway.capture_outside(intent.id, 60, final=False)
    shop.gateway.refund_outside(intent.id, 10)
    shop.delivered()
    after = shop.payments.get(intent.id)
    assert (after.state, after.captured, after.refunded) == (IntentState.PARTIALLY_CAPTURED, usd(60), usd(10))
    assert len([event for event in shop.events if isinstance(event, External)]) == 2
    assert shop.balance() == Balance(0, 10, 40, 60)


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_a_lost_answer_is_found_out_and_nothing_is_done_twice(fault: str) -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.gateway.faults = ALWAYS(fault)
    with pytest.raises(OutcomeUnknown) as caught:
        shop.payments.capture(intent.id, idempotency_key="k")
    assert shop.payments.get(intent.id).state is IntentState.OUTCOME_UNKNOWN
    assert caught.value.request_key == f"{intent.id}:2"
    assert [event.request_key for event in shop.events if isinstance(event, Unknown)] == [caught.value.request_key]
    shop.gateway.faults = NEVER
    with pytest.raises(OperationInProgress):
        shop.payments.capture(intent.id)
    assert [each.state for each in shop.payments.recover()] == [IntentState.CAPTURED]
    assert shop.gateway.effects(intent.id) == Effects(100, 100, 0, 0, 2)
    assert shop.payments.capture(intent.id, idempotency_key="k").state is IntentState.CAPTURED
    assert shop.payments.recover() == []


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_the_verb_again_finds_the_outcome_out_itself(fault: str) -> None:
    shop = Shop()
    intent = shop.created()
    shop.gateway.faults = ALWAYS(fault)
    with pytest.raises(OutcomeUnknown):
        shop.payments.confirm(intent.id, method=CARD, idempotency_key="k")
    shop.gateway.faults = NEVER
    assert shop.payments.confirm(intent.id, method=CARD, idempotency_key="k").state is IntentState.AUTHORIZED
    assert shop.gateway.effects(intent.id).money_calls == 1


def test_a_card_that_nobody_knows_any_more_is_not_asked_again() -> None:
    shop = Shop()
    intent = shop.created()
    shop.gateway.faults = ALWAYS("timeout_before")
    with pytest.raises(OutcomeUnknown):
        shop.payments.confirm(intent.id, method=CARD)
    shop.gateway.faults = NEVER
    assert [each.state for each in shop.payments.recover()] == [IntentState.CREATED]
    assert shop.payments.get(intent.id).attempts == 0


def test_an_unavailable_gateway_leaves_everything_as_it_was_and_the_key_free() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.gateway.faults = ALWAYS("unavailable")
    with pytest.raises(GatewayUnavailable):
        shop.payments.capture(intent.id, usd(60), idempotency_key="k")
    assert shop.payments.get(intent.id).state is IntentState.AUTHORIZED
    shop.gateway.faults = NEVER
    assert shop.payments.capture(intent.id, usd(50), idempotency_key="k").captured == usd(50)


def test_recovery_waits_while_the_gateway_is_away() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.gateway.faults = ALWAYS("timeout_after")
    with pytest.raises(OutcomeUnknown):
        shop.payments.capture(intent.id)
    shop.gateway.faults = ALWAYS("unavailable")
    assert shop.payments.recover() == []
    assert shop.payments.get(intent.id).state is IntentState.OUTCOME_UNKNOWN


def test_an_asynchronous_gateway_decides_by_webhook() -> None:
    shop = Shop()
    shop.gateway._asynchronous = True
    intent = shop.payments.confirm(shop.created(capture=Capture.AUTOMATIC).id, method=CARD)
    assert intent.state is IntentState.PROCESSING
    shop.delivered()
    assert shop.payments.get(intent.id).state is IntentState.CAPTURING
    shop.delivered()
    assert shop.payments.get(intent.id).state is IntentState.CAPTURED
    assert shop.gateway.effects(intent.id).money_calls == 2


def test_one_key_is_one_request() -> None:
    shop = Shop()
    first = shop.payments.create(usd(100), merchant="acme", idempotency_key="k")
    assert shop.payments.create(usd(100), merchant="acme", idempotency_key="k") == first
    with pytest.raises(IdempotencyMismatch):
        shop.payments.create(usd(101), merchant="acme", idempotency_key="k")
    other = shop.payments.create(usd(101), merchant="acme", tenant="t", idempotency_key="k")
    assert other.id != first.id
    assert shop.payments.confirm(first.id, method=CARD, idempotency_key="k").state is IntentState.CAPTURED


def test_a_live_claim_is_left_alone_until_its_lease_is_over() -> None:
    shop = Shop()
    intent = shop.authorized()

    class Dying(BaseException):
        """The process ends in the middle of a call."""

    def die(*_: Any) -> None:
        raise Dying

    send, shop.gateway.send = shop.gateway.send, die  # type: ignore[method-assign, assignment]
    real = shop.payments._asking._lose
    shop.payments._asking._lose = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(Dying):
        shop.payments.capture(intent.id, idempotency_key="k")
    shop.payments._asking._lose, shop.gateway.send = real, send  # type: ignore[method-assign]
    shop.clock.advance(30 - 1e-6)
    with pytest.raises(IdempotencyInProgress) as caught:
        shop.payments.capture(intent.id, idempotency_key="k")
    assert caught.value.retry_after == pytest.approx(1e-6)
    shop.clock.advance(1e-6)
    assert shop.payments.capture(intent.id, idempotency_key="k").state is IntentState.CAPTURED
    assert shop.gateway.effects(intent.id).money_calls == 2


def test_a_failed_check_does_not_burn_the_key() -> None:
    shop = Shop()
    intent = shop.authorized()
    with pytest.raises(AmountExceeded):
        shop.payments.capture(intent.id, usd(101), idempotency_key="k")
    assert shop.payments.capture(intent.id, usd(100), idempotency_key="k").captured == usd(100)


def test_what_the_state_does_not_allow_is_refused_and_noted() -> None:
    shop = Shop()
    intent = shop.created()
    with pytest.raises(InvalidTransition) as caught:
        shop.payments.capture(intent.id)
    assert IntentEvent.CONFIRM in caught.value.allowed
    assert shop.payments.get(intent.id).version == intent.version
    (line,) = shop.payments.history(intent.id)
    assert (line.event, line.source, line.target) == ("refused", IntentState.CREATED, IntentState.CREATED)


def test_a_webhook_is_applied_once() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method="4000002760003184")
    shop.gateway.complete_action(intent.id)
    (delivery,) = shop.gateway.deliveries()
    assert [shop.payments.receive(*delivery) for _ in range(2)] == [Received.APPLIED, Received.DUPLICATE]
    assert shop.payments.receive_many([delivery, delivery]) == [Received.DUPLICATE, Received.DUPLICATE]


def test_many_webhooks_of_one_payment_are_one_transaction() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.delivered()
    shop.gateway.capture_outside(intent.id, 30, final=False)
    shop.gateway.capture_outside(intent.id, 20, final=False)
    assert shop.payments.receive_many(shop.gateway.deliveries()) == [Received.APPLIED, Received.APPLIED]
    assert shop.payments.capture(intent.id).captured == usd(100)
    assert shop.balance() == Balance(0, 0, 0, 100)


def test_the_statement_of_a_gateway_agrees() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.payments.capture(intent.id, usd(60), final=False)
    shop.payments.capture(intent.id, usd(40))
    shop.payments.refund(intent.id, usd(10))
    found = shop.payments.reconcile(shop.gateway.statement())
    assert found.agrees
    assert len(found.matched) == 3


def test_a_listener_that_raises_or_calls_back_breaks_nothing() -> None:
    shop = Shop()
    seen = []

    def listen(event: Any) -> None:
        seen.append(event)
        if isinstance(event, Transitioned) and event.intent.state is IntentState.AUTHORIZED and len(seen) < 10:
            shop.payments.capture(event.intent.id)
        raise ValueError("a listener's own fault")

    shop.restarted(on_event=listen)
    intent = shop.authorized()
    assert shop.payments.get(intent.id).state is IntentState.CAPTURED
    assert shop.payments._telling._emit.failures == len(seen)


@pytest.mark.parametrize(
    "verb",
    [
        lambda pay, intent: pay.capture(intent.id, Money(1, "EUR")),
        lambda pay, intent: pay.increment(intent.id, Money(1, "EUR")),
        lambda pay, intent: pay.refund(intent.id, Money(1, "EUR")),
    ],
    ids=["capture", "increment", "refund"],
)
def test_another_currency_is_refused(verb: Callable[[Any, Any], object]) -> None:
    shop = Shop()
    with pytest.raises(CurrencyMismatch):
        verb(shop.payments, shop.authorized())


@pytest.mark.parametrize("amount", [0, -1])
def test_amounts_are_above_nothing(amount: int) -> None:
    shop = Shop()
    with pytest.raises(ValueError, match="above 0"):
        shop.payments.create(usd(amount), merchant="acme")
    with pytest.raises(ValueError, match="above 0"):
        shop.payments.capture(shop.authorized().id, usd(amount))


def test_an_unknown_intent_is_named() -> None:
    with pytest.raises(UnknownIntent, match="pi_none"):
        Shop().payments.get("pi_none")


def test_no_card_number_is_kept() -> None:
    shop = Shop()
    intent = shop.payments.confirm(shop.created().id, method=CARD)
    kept = [repr(shop.events), repr(shop.payments.history(intent.id)), repr(intent), repr(vars(shop.store))]
    assert not any(CARD in text for text in kept)


def test_no_error_shows_a_card_number() -> None:
    shop, bad = Shop(), "4000000000000002"
    with pytest.raises(CardDeclined) as declined:
        shop.payments.confirm(shop.created().id, method=bad)
    shop.gateway.faults = ALWAYS("timeout_after")
    with pytest.raises(OutcomeUnknown) as unknown:
        shop.payments.confirm(shop.created().id, method=CARD)
    for error in (declined.value, unknown.value):
        assert not any(card in f"{error} {error!r} {vars(error)}" for card in (bad, CARD))


async def test_verbs_for_tasks_do_the_same() -> None:
    shop = Shop()
    intent = shop.created()
    intent = await shop.payments.aconfirm(intent.id, method=CARD)
    intent = await shop.payments.aincrement(intent.id, usd(20))
    intent = await shop.payments.acapture(intent.id, usd(50), final=False)
    intent = await shop.payments.avoid(intent.id)
    assert (intent.state, intent.captured, intent.voided) == (IntentState.CAPTURED, usd(50), usd(70))
    refund = await shop.payments.arefund(intent.id, usd(5))
    assert refund.state is RefundState.SUCCEEDED
    assert await shop.payments.arecover() == []


def test_times_are_seconds_above_0() -> None:
    with pytest.raises(ValueError, match="in_flight_seconds"):
        Shop(options={"in_flight_seconds": 0})
    assert timedelta(seconds=60) == Shop().payments._journal.terms.in_flight
