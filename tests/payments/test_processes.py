"""Two processes over one store."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lldkit.money import Money
from lldkit.payments.books import account_id
from lldkit.payments.fake_gateway import FakeGateway
from lldkit.payments.interface import Capture
from lldkit.payments.payments import Payments
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.store import Change, Write
from payments.helpers import CARD, together

CAPTURES = """
import sys
from lldkit.payments import AmountExceeded, GatewayReply, Money, OperationInProgress, Payments
from lldkit.payments.postgres import PostgresStore
from lldkit.payments.sqlite import SQLiteStore

class Bank:
    def send(self, request):
        return GatewayReply("approved")

    def query(self, request_key):
        return None

kind, where, *intents = sys.argv[1:]
payments = Payments(store=globals()[kind](where), gateway=Bank())
print("ready", flush=True)
sys.stdin.readline()
for intent in intents:
    try:
        payments.capture(intent, Money(60, "USD"), final=False)
        print("captured", flush=True)
    except (OperationInProgress, AmountExceeded):
        print("refused", flush=True)
"""


@pytest.mark.parametrize("kind", ["SQLiteStore", "PostgresStore"])
def test_of_two_processes_that_capture_60_of_100_one_does(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where = str(tmp_path / "shop.db") if kind == "SQLiteStore" else request.getfixturevalue("postgres_dsn")
    store: Any = SQLiteStore(where) if kind == "SQLiteStore" else PostgresStore(where)
    with closing(store):
        payments = Payments(store=store, gateway=FakeGateway())
        orders = [payments.create(Money(100, "USD"), merchant="acme", capture=Capture.MANUAL).id for _ in range(10)]
        for order in orders:
            payments.confirm(order, method=CARD)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", CAPTURES, kind, where, *orders],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate(timeout=120)[0].split() for process in processes]
        assert [sorted(pair) for pair in zip(*outcomes, strict=True)] == [["captured", "refused"]] * 10
        assert {payments.get(order).captured.amount for order in orders} == {60}
        assert payments.ledger.balance(account_id("merchant", "acme", "USD")).credits_posted == 600


@pytest.mark.parametrize("kind", ["SQLiteStore", "PostgresStore"])
def test_ten_that_begin_with_an_empty_store_at_once_make_one_schema(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where = str(tmp_path / "shop.db") if kind == "SQLiteStore" else request.getfixturevalue("postgres_dsn")

    def start(number: int) -> None:
        store: Any = SQLiteStore(where, synchronous="NORMAL") if kind == "SQLiteStore" else PostgresStore(where)
        with closing(store):
            store.commit(Change((Write(("seen", str(number)), "here", 0),)))
            assert store.read([("seen", str(number))])

    together(start, threads=10)
