"""Processes that die at every point of their way, and again while they recover: everything happens once."""

import os
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from lldkit.payments.explore import explore
from lldkit.payments.fake_gateway import FakeGateway
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.scenarios import SCENARIOS, buy, capture
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.tables import IntentState
from payments.helpers import CARD, faulty_day, usd

# A purchase: recover looks once; create reads and writes; confirm writes the question (3 calls), asks, and writes the
# answer (4), and the same for the capture (1 and 4); each of two webhooks is looked up, decided and written.
LEAST_CALLS = 1 + 2 + (3 + 1 + 4) + (1 + 4) + 2 * 3
PAIRS = int(os.environ.get("LLDKIT_SEEDS", "25"))  # for each scenario; 2,500 are 10,000 in all


@pytest.mark.parametrize("name", SCENARIOS)
def test_one_crash_anywhere_or_two_by_chance_leave_one_charge(name: str) -> None:
    report = explore(SCENARIOS[name], store=MemoryStore, crashes=2, sample=PAIRS)
    assert report.points >= 2 * LEAST_CALLS
    assert report.runs == 1 + report.points + PAIRS
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
    report = explore(capture, store=MemoryStore)
    assert any("operations of" in violation.message for violation in report.violations)


@pytest.mark.parametrize("seed", range(40))
def test_a_seeded_day_with_lost_answers_ends_with_every_cent_explained(seed: int) -> None:
    shop, orders = faulty_day(seed)
    for order in orders:
        intent, effects = shop.payments.get(order), shop.gateway.effects(order)
        assert intent.state is IntentState.CAPTURED
        assert (effects.captured, effects.refunded, effects.money_calls) == (90, 10, 4)
        assert (intent.captured, intent.refunded) == (usd(90), usd(10))
    assert shop.payments.reconcile(shop.gateway.statement()).agrees
    assert shop.balance() == (0, 8 * 10, 0, 8 * 90)
