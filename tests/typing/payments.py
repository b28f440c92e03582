"""Payments keep their types; checked, never run."""

from typing import assert_type

from lldkit.payments import (
    INTENT,
    Account,
    Claim,
    FakeGateway,
    Idempotency,
    Intent,
    IntentEvent,
    IntentState,
    Ledger,
    MemoryStore,
    Money,
    OutboxMessage,
    Payments,
    Received,
    Reconciliation,
    Refund,
    Replay,
    Store,
    StoredTransfer,
    Transfer,
    TransferStatus,
    Transition,
    explore,
)
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.sqlite import SQLiteStore
from lldkit.simulation import CrashReport

stores: list[Store] = [MemoryStore(), SQLiteStore("shop.db"), PostgresStore("postgresql://")]
payments = Payments(store=stores[0], gateway=FakeGateway(), async_gateway=FakeGateway())
price = Money.parse("10.50", "USD")


def buy(pay: Payments) -> None:
    pay.create(price, merchant="acme")


async def use() -> None:
    assert_type(payments.create(price, merchant="acme"), Intent)
    assert_type(payments.confirm("pi", method="card"), Intent)
    assert_type(await payments.aconfirm("pi", method="card"), Intent)
    assert_type(payments.capture("pi", price, final=False), Intent)
    assert_type(await payments.arefund("pi"), Refund)
    assert_type(payments.receive(b"{}", {}), Received)
    assert_type(await payments.arecover(limit=3), list[Intent])
    assert_type(payments.history("pi"), list[Transition])
    assert_type(payments.reconcile([]), Reconciliation)
    assert_type(payments.outbox.claim(limit=1, lease_seconds=1), list[OutboxMessage])
    assert_type(INTENT.next(IntentState.CREATED, IntentEvent.CONFIRM), IntentState)
    assert_type(explore(buy, store=MemoryStore, crashes=2), CrashReport)
    payments.capture("pi", 60)  # type: ignore[arg-type]
    payments.confirm("pi")  # type: ignore[call-arg]
    INTENT.next("created", IntentEvent.CONFIRM)  # type: ignore[arg-type]


def alone() -> None:
    ledger = Ledger(store=MemoryStore())
    ledger.open(Account("a", "USD"))
    transfer = Transfer("t", debit="a", credit="b", amount=1, currency="USD")
    assert_type(ledger.apply([transfer]), list[TransferStatus])
    assert_type(ledger.transfer("t"), StoredTransfer | None)
    keys = Idempotency(store=MemoryStore())
    assert_type(keys.begin("k", scope=("shop", "pay"), fingerprint=""), Claim | Replay)
    keys.complete(Replay(b""), b"")  # type: ignore[arg-type]
