"""Processes that die at every point of their way, and again while they recover: everything happens once."""

from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from lldkit.payments.errors import GatewayUnavailable, IdempotencyInProgress, OperationInProgress, OutcomeUnknown
from lldkit.payments.explore import explore
from lldkit.payments.fake_gateway import FakeGateway, Faults
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.tables import IntentState
from payments.helpers import CARD, NEVER, Shop, usd

Scenario: TypeAlias = Callable[[Payments], None]


def buy(pay: Payments) -> None:
    order = pay.create(usd(100), merchant="acme", idempotency_key="order")
    pay.confirm(order.id, method=CARD, idempotency_key="pay")


def two_captures_and_a_refund(pay: Payments) -> None:
    order = pay.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key="order")
    pay.confirm(order.id, method=CARD, idempotency_key="pay")
    pay.capture(order.id, usd(60), final=False, idempotency_key="some")
    pay.capture(order.id, usd(30), idempotency_key="rest")
    pay.refund(order.id, usd(10), idempotency_key="back")


def challenge(pay: Payments) -> None:
    order = pay.create(usd(100), merchant="acme", idempotency_key="order")
    pay.confirm(order.id, method="4000002760003184", idempotency_key="pay")
    if pay.get(order.id).state is IntentState.REQUIRES_ACTION:
        with suppress(ValueError):  # the payer has done so before the crash
            pay.gateway.complete_action(order.id)  # type: ignore[union-attr]


def dispute(pay: Payments) -> None:
    order = pay.create(usd(100), merchant="acme", idempotency_key="order")
    pay.confirm(order.id, method="4000000000000259", idempotency_key="pay")


SCENARIOS = [buy, two_captures_and_a_refund, challenge, dispute]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_crash_anywhere_leaves_one_charge(scenario: Scenario) -> None:
    report = explore(scenario, store=MemoryStore)
    assert report.points > 60
    assert report.runs == report.points + 1
    assert report.violations == ()


def test_two_crashes_in_a_row_leave_one_charge() -> None:
    report = explore(create_and_hold, store=MemoryStore, crashes=2)
    assert report.runs > 500
    assert report.violations == ()


def create_and_hold(pay: Payments) -> None:
    order = pay.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key="order")
    pay.confirm(order.id, method=CARD, idempotency_key="pay")


def test_one_crash_anywhere_over_sqlite(tmp_path: Path) -> None:
    numbers = count()
    report = explore(buy, store=lambda: SQLiteStore(tmp_path / f"{next(numbers)}.db", synchronous="NORMAL"))
    assert report.violations == ()


def test_one_crash_anywhere_over_postgres(postgres_dsn: str) -> None:
    with closing(PostgresStore(postgres_dsn, server_time=False)) as store:

        def empty() -> PostgresStore:
            with store._connection() as connection:
                connection.execute("TRUNCATE payments_rows")
            return store

        assert explore(buy, store=empty).violations == ()


def test_the_explorer_sees_a_gateway_that_does_not_know_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeGateway.send

    def forgetful(gateway: FakeGateway, request: GatewayRequest) -> GatewayReply:
        gateway._replies.clear()
        return real(gateway, request)

    monkeypatch.setattr(FakeGateway, "send", forgetful)
    monkeypatch.setattr(FakeGateway, "query", lambda *_: None)
    report = explore(two_captures_and_a_refund, store=MemoryStore)
    assert any("operations of" in violation.message for violation in report.violations)


@pytest.mark.parametrize("seed", range(40))
def test_a_seeded_day_with_lost_answers_ends_with_every_cent_explained(seed: int) -> None:
    rng, shop = Random(seed), Shop()
    faults = Faults(timeout_before=0.15, timeout_after=0.15, unavailable=0.1, duplicate_webhooks=0.3)
    orders = []
    for number in range(8):
        shop.gateway.faults = NEVER
        orders.append(
            shop.payments.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key=f"o{number}")
        )
    steps = [(order.id, step) for order in orders for step in ("confirm", "some", "rest", "back")]
    while steps:
        shop.gateway.faults = faults
        intent_id, step = steps[0]
        try:
            act(shop.payments, intent_id, step)
            steps.pop(0)
        except (OutcomeUnknown, GatewayUnavailable, OperationInProgress, IdempotencyInProgress):
            shop.clock.advance(rng.choice([1, 61]))
            shop.payments.recover()
        if rng.random() < 0.3:
            shop.delivered()
        if rng.random() < 0.2:
            shop.restarted()
    shop.gateway.faults = NEVER
    shop.clock.advance(61)
    shop.payments.recover()
    shop.delivered()
    for order in orders:
        intent, effects = shop.payments.get(order.id), shop.gateway.effects(order.id)
        assert intent.state is IntentState.CAPTURED
        assert (effects.captured, effects.refunded, effects.money_calls) == (90, 10, 4)
        assert (intent.captured, intent.refunded) == (usd(90), usd(10))
    assert shop.payments.reconcile(shop.gateway.statement()).agrees
    balance = shop.balance()
    assert balance == (0, 8 * 10, 0, 8 * 90)


def act(pay: Payments, intent_id: str, step: str) -> None:
    if step == "confirm":
        pay.confirm(intent_id, method=CARD, idempotency_key=f"{intent_id} confirm")
    elif step == "some":
        pay.capture(intent_id, usd(60), final=False, idempotency_key=f"{intent_id} some")
    elif step == "rest":
        pay.capture(intent_id, usd(30), idempotency_key=f"{intent_id} rest")
    else:
        pay.refund(intent_id, usd(10), idempotency_key=f"{intent_id} back")
