"""Verbs for tasks: cancellation loses nothing, and no store holds up the loop."""

import asyncio
import threading

import pytest

from lldkit.payments.errors import IdempotencyInProgress
from lldkit.payments.fake_gateway import FakeGateway
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest, Intent, Received
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.store import Change
from lldkit.payments.tables import IntentState
from payments.helpers import CARD, Shop, usd

CHALLENGED = "4000002760003184"


def orders(shop: Shop) -> list[Intent]:
    """Two orders that are to be captured at once."""
    return [shop.created(capture=Capture.AUTOMATIC) for _ in range(2)]


class Hanging:
    """An asynchronous gateway that does what it is asked for, and never answers."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        self.sent = asyncio.Event()

    async def asend(self, request: GatewayRequest, /) -> GatewayReply:
        self.gateway.send(request)
        self.sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def aquery(self, request_key: str, /) -> GatewayReply | None:
        return self.gateway.query(request_key)


def over(shop: Shop, gateway: Hanging) -> Payments:
    return Payments(store=shop.store, async_gateway=gateway, clock=shop.clock)


@pytest.mark.parametrize("verb", ["aconfirm", "acapture", "avoid", "arefund"])
async def test_whoever_is_cancelled_after_sending_leaves_an_unknown_outcome(verb: str) -> None:
    shop = Shop()
    intent = {"aconfirm": shop.created, "arefund": shop.captured}.get(verb, shop.authorized)()
    before = shop.gateway.effects(intent.id).money_calls
    gateway = Hanging(shop.gateway)
    payments = over(shop, gateway)
    options = {"method": CARD} if verb == "aconfirm" else {}
    task = asyncio.create_task(getattr(payments, verb)(intent.id, **options))
    await gateway.sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    question = payments._journal.load(intent.id).open
    assert question is not None
    assert question.status == "unknown"
    if verb == "arefund":
        assert [refund.state for refund in payments.refunds(intent.id)] == ["outcome_unknown"]
    else:
        assert payments.get(intent.id).state is IntentState.OUTCOME_UNKNOWN
    (recovered,) = await payments.arecover()
    assert recovered.state in (IntentState.AUTHORIZED, IntentState.CAPTURED, IntentState.VOIDED)
    assert shop.gateway.effects(intent.id).money_calls == before + 1


class Gated(MemoryStore):
    """A store whose commits wait for a gate that only the event loop opens."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def commit(self, change: Change, /) -> None:
        self.entered.set()
        assert self.gate.wait(30), "the loop was held up, and could not open the gate"
        super().commit(change)


async def test_a_store_that_is_slow_does_not_hold_up_the_loop() -> None:
    shop = Shop(store := Gated())
    intent = shop.authorized()
    store.entered.clear()
    store.gate.clear()
    task = asyncio.create_task(shop.payments.acapture(intent.id))
    assert await asyncio.to_thread(store.entered.wait, 30)
    store.gate.set()
    assert (await task).captured == usd(100)


async def test_whoever_is_cancelled_while_the_question_is_written_down_leaves_it_for_recover() -> None:
    shop = Shop(store := Gated())
    intent = shop.authorized()
    store.entered.clear()
    store.gate.clear()
    task = asyncio.create_task(shop.payments.acapture(intent.id, idempotency_key="k"))
    assert await asyncio.to_thread(store.entered.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.gate.set()
    while shop.payments.get(intent.id).state is not IntentState.CAPTURING:
        await asyncio.to_thread(lambda: None)
    with pytest.raises(IdempotencyInProgress):
        await shop.payments.acapture(intent.id, idempotency_key="k")
    shop.clock.advance(61)
    (recovered,) = await shop.payments.arecover()
    assert recovered.state is IntentState.CAPTURED
    assert shop.gateway.effects(intent.id).money_calls == 2
    assert await shop.payments.acapture(intent.id, idempotency_key="k") == recovered


async def test_eight_tasks_with_one_key_are_one_capture() -> None:
    shop = Shop()
    intent = shop.authorized()

    async def capture() -> str:
        try:
            return (await shop.payments.acapture(intent.id, idempotency_key="k")).state
        except IdempotencyInProgress:
            return "in progress"

    outcomes = await asyncio.gather(*(capture() for _ in range(8)))
    assert set(outcomes) <= {"captured", "in progress"}
    assert "captured" in outcomes
    assert shop.gateway.effects(intent.id).captured == 100


async def test_who_has_an_asynchronous_gateway_only_needs_no_other() -> None:
    shop = Shop()
    payments = shop.restarted(gateway=None, async_gateway=shop.gateway)
    passed, abandoned = [(await payments.aconfirm(order.id, method=CHALLENGED)).id for order in orders(shop)]
    shop.gateway.complete_action(passed)
    assert [await payments.areceive(*delivery) for delivery in shop.gateway.deliveries()] == [Received.APPLIED]
    assert payments.get(passed).state is IntentState.CAPTURED
    shop.clock.advance(3_600)
    assert [intent.state for intent in await payments.aexpire()] == [IntentState.EXPIRED]
    assert shop.gateway.effects(abandoned).money_calls == 1


async def test_the_plain_verbs_leave_to_recover_what_only_a_task_can_ask() -> None:
    shop = Shop()
    payments = shop.restarted(gateway=None, async_gateway=shop.gateway)
    passed, abandoned = [(await payments.aconfirm(order.id, method=CHALLENGED)).id for order in orders(shop)]
    shop.gateway.complete_action(passed)
    assert [payments.receive(*delivery) for delivery in shop.gateway.deliveries()] == [Received.APPLIED]
    assert payments.get(passed).state is IntentState.CAPTURING
    shop.clock.advance(3_600)
    assert [intent.state for intent in payments.expire()] == [IntentState.VOIDING]
    shop.clock.advance(60)
    assert {intent.id for intent in await payments.arecover()} == {passed, abandoned}
    assert payments.get(passed).state is IntentState.CAPTURED
    assert payments.get(abandoned).state is IntentState.EXPIRED


async def test_without_any_gateway_a_verb_is_refused_before_anything_is_written() -> None:
    shop = Shop()
    intent = shop.authorized()
    payments = shop.restarted(gateway=None)
    with pytest.raises(ValueError, match="give Payments one"):
        payments.capture(intent.id)
    with pytest.raises(ValueError, match="give Payments one"):
        await payments.acapture(intent.id)
    assert payments.get(intent.id) == intent
