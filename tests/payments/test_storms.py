"""Payments in a storm: verbs, webhooks, others' moves, lost answers and riddles in random order, and what must hold."""

import os
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from lldkit.machine import InvalidTransition
from lldkit.payments.errors import PaymentError
from lldkit.payments.fake_gateway import Faults
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest
from lldkit.payments.receiving import Delivery
from lldkit.payments.tables import IntentEvent, IntentState, RefundState
from payments.helpers import CARD, NEVER, Shop, usd

SEEDS = int(os.environ.get("LLDKIT_SEEDS", "100"))
CARDS = (CARD, "4000002760003184", "4000008400001629", "4000000000009995", "4000000000000259", "4000000000005126")


class Storm:
    """One payment, and everybody who does something about it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.shop = Shop(options={"authorization_seconds": 5_000})
        self.gateway = self.shop.gateway
        self.gateway._asynchronous = self.rng.random() < 0.3
        self.intent_id = self.shop.created(capture=self.rng.choice(list(Capture))).id
        self.inbox: list[Delivery] = []
        if self.rng.random() < 0.2:
            self.puzzle()

    def puzzle(self) -> None:
        """Let the gateway say at times what nobody understands."""
        real = self.gateway._decide

        def decide(account: object, request: GatewayRequest) -> GatewayReply:
            return GatewayReply("perhaps") if self.rng.random() < 0.3 else real(account, request)  # type: ignore[arg-type]

        vars(self.gateway)["_decide"] = decide

    # --- verbs, which may be refused ---

    def verb(self) -> None:
        pay, some = self.shop.payments, usd(self.rng.randint(1, 90))
        part = self.rng.choice([None, some])
        key = self.rng.choice([None, None, "k1", "k2", "k3"])
        final = self.rng.random() < 0.4
        verbs: list[Callable[[], object]] = [
            lambda: pay.confirm(self.intent_id, method=self.rng.choice(CARDS), idempotency_key=key),
            lambda: pay.increment(self.intent_id, some, idempotency_key=key),
            lambda: pay.capture(self.intent_id, part, final=final, idempotency_key=key),
            lambda: pay.void(self.intent_id, idempotency_key=key),
            lambda: pay.refund(self.intent_id, part, idempotency_key=key),
            lambda: pay.resolve(self.intent_id, self.rng.choice(list(IntentEvent)), actor="ana", reason="seen"),
        ]
        with suppress(PaymentError, InvalidTransition):
            self.rng.choice(verbs)()

    # --- what nobody asks for, and what may not fail ---

    def upkeep(self) -> None:
        self.rng.choice([self.shop.payments.recover, self.shop.payments.expire])()

    def deliver(self) -> None:
        self.inbox += self.gateway.deliveries()
        self.rng.shuffle(self.inbox)
        cut = self.rng.randint(0, len(self.inbox))
        batch, self.inbox = self.inbox[:cut], self.inbox[cut:]
        if self.rng.random() < 0.5:
            self.shop.payments.receive_many(batch)
        else:
            for delivery in batch:
                self.shop.payments.receive(*delivery)

    def others(self) -> None:
        """The payer, his bank, and somebody at the gateway's dashboard."""
        gateway, effects = self.gateway, self.gateway.effects(self.intent_id)
        held, taken = effects.authorized - effects.captured - effects.voided, effects.captured - effects.refunded
        final = self.rng.random() < 0.3
        with suppress(KeyError, ValueError):  # there is no challenge
            gateway.complete_action(self.intent_id, success=self.rng.random() < 0.7)
        if held and self.rng.random() < 0.5:
            gateway.capture_outside(self.intent_id, self.rng.randint(1, held), final=final)
        if taken and self.rng.random() < 0.3:
            gateway.refund_outside(self.intent_id, self.rng.randint(1, taken))
        if effects.captured and self.rng.random() < 0.3:
            gateway.open_dispute(self.intent_id, self.rng.randint(1, effects.captured))
        if gateway._disputes and self.rng.random() < 0.5:
            gateway.close_dispute(self.rng.choice(list(gateway._disputes)), won=final)

    def time(self) -> None:
        self.shop.clock.advance(self.rng.choice([1, 61, 3_600]))

    def step(self) -> None:
        before, after, away = (self.rng.choice([0, 0, 0, 0.5]) for _ in range(3))
        self.gateway.faults = Faults(before, after, away, duplicate_webhooks=0.3)
        self.rng.choice([self.verb, self.verb, self.verb, self.upkeep, self.deliver, self.others, self.time])()

    def calm(self) -> None:
        """Nothing fails any more, and all that is open is closed."""
        self.gateway.faults = NEVER
        vars(self.gateway).pop("_decide", None)
        for _ in range(6):
            self.shop.clock.advance(61)
            self.shop.payments.recover()
            for delivery in [*self.inbox, *self.gateway.deliveries()]:
                self.shop.payments.receive(*delivery)
            self.inbox = []

    def check(self) -> None:
        """The payment makes sense, and the ledger says the same."""
        pay, intent = self.shop.payments, self.shop.payments.get(self.intent_id)
        assert intent.captured + intent.voided <= intent.authorized
        assert intent.refunded <= intent.captured
        if not intent.authorized.amount:
            return
        refunds, balance = pay.refunds(self.intent_id), self.shop.balance()
        under_way = (RefundState.PENDING, RefundState.OUTCOME_UNKNOWN)
        paid_back = sum(each.amount.amount for each in refunds if each.state is RefundState.SUCCEEDED)
        assert balance.credits_posted - balance.debits_posted == (intent.captured - intent.disputed).amount - paid_back
        assert balance.debits_pending == sum(each.amount.amount for each in refunds if each.state in under_way)
        if intent.authorized_until is None or intent.authorized_until > self.shop.clock.now():
            assert balance.credits_pending == intent.held.amount

    def check_end(self) -> None:
        """Nothing hangs; and where no person has to look, the gateway says the same."""
        payment = self.shop.payments._journal.load(self.intent_id)
        waits_for_others = payment.intent.state in (IntentState.REQUIRES_ACTION, IntentState.NEEDS_REVIEW)
        assert waits_for_others or payment.open is None
        resolved = any(line.actor == "ana" for line in self.shop.payments.history(self.intent_id))
        if self.shop.payments.review() or resolved:
            return
        intent, effects = payment.intent, self.gateway.effects(self.intent_id)
        assert (intent.captured.amount, intent.refunded.amount) == (effects.captured, effects.refunded)


@pytest.mark.parametrize("start", range(0, SEEDS, 10))
def test_whatever_happens_in_whatever_order_payment_ledger_and_gateway_agree(start: int) -> None:
    for seed in range(start, start + 10):
        storm = Storm(seed)
        for _ in range(storm.rng.randint(5, 30)):
            storm.step()
            storm.check()
        storm.calm()
        storm.check()
        storm.check_end()
