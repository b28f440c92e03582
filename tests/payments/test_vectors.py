"""What nobody here wrote: scenarios of a two-phase ledger on every store, canonical JSON, header strings."""

import json
from typing import Any

import pytest

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.payments.canonical import canonical_json, parse_idempotency_key
from lldkit.payments.errors import IdempotencyKeyInvalid
from lldkit.payments.ledger import Ledger
from lldkit.payments.store import Store
from lldkit.payments.transfers import (
    AMOUNT_MAX,
    Account,
    AccountLimit,
    Balance,
    Transfer,
    TransferKind,
    TransferStatus,
)


def test_given_canonical_forms(vectors: Vectors) -> None:
    cases = vectors.json("canonical-json", "canonical.json")
    assert len(cases) == 4
    for case in cases:
        assert canonical_json(json.loads(case["input"])).hex() == case["canonical_hex"], case["name"]


def test_given_header_strings(vectors: Vectors) -> None:
    cases = vectors.json("structured-field-string", "string.json")
    assert len(cases) == 13
    for case in cases:
        if case.get("refused"):
            with pytest.raises(IdempotencyKeyInvalid):
                parse_idempotency_key(case["raw"])
        else:
            assert parse_idempotency_key(case["raw"]) == case["value"]


def test_given_scenarios(vectors: Vectors, store: Store) -> None:
    scenarios = vectors.json("ledger-two-phase", "ledger.json")
    assert len(scenarios) == 8
    assert sum(Scenario(store, number).play(each["steps"]) for number, each in enumerate(scenarios)) == 181


class Scenario:
    """Plays one scenario, under names of its own; counts the cases."""

    def __init__(self, store: Store, number: int) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(store=store, clock=self.clock)
        self.number = number
        self.accounts: dict[str, Account] = {}
        self.helpers = 0

    def play(self, steps: list[dict[str, Any]]) -> int:
        return sum(getattr(self, step["op"])(step) for step in steps)

    def name(self, given: str | None) -> str | None:
        return None if given is None else f"{self.number}/{given}"

    def account(self, step: dict[str, Any]) -> int:
        limit = AccountLimit(step["limit"] or "none")
        account = Account(f"{self.number}/{step['id']}", step["currency"], code=step["code"], limit=limit)
        self.accounts[step["id"]] = account
        self.ledger.open(account)
        return 0

    def setup(self, step: dict[str, Any]) -> int:
        """Bring the account to these counters, by transfers against fresh accounts."""
        account = self.accounts[step["id"]]
        sides = (
            ["credits", "debits"] if account.limit is not AccountLimit.CREDITS_WITHIN_DEBITS else ["debits", "credits"]
        )
        for kind, phase in ((TransferKind.SINGLE, "posted"), (TransferKind.PENDING, "pending")):
            for side in sides:
                missing = amount(step[f"{side}_{phase}"]) - getattr(self.ledger.balance(account.id), f"{side}_{phase}")
                if missing:
                    self.move(account, side, missing, kind)
        return 0

    def move(self, account: Account, side: str, missing: int, kind: TransferKind) -> None:
        self.helpers += 1
        helper = f"{self.number}/helper {self.helpers}"
        self.ledger.open(Account(helper, account.currency))
        debit, credit = (account.id, helper) if side == "debits" else (helper, account.id)
        currency = account.currency
        self.ledger.post(
            Transfer(f"{helper}!", debit=debit, credit=credit, amount=missing, currency=currency, kind=kind)
        )

    def advance(self, step: dict[str, Any]) -> int:
        self.clock.advance(step["seconds"])
        return 0

    def apply(self, step: dict[str, Any]) -> int:
        transfers = [self.transfer_of(dict(each)) for each in step["transfers"]]
        expected = [TransferStatus(each["expect"]) for each in step["transfers"]]
        assert self.ledger.apply(transfers) == expected
        return len(expected)

    def transfer_of(self, given: dict[str, Any]) -> Transfer:
        del given["expect"]
        for field in ("id", "debit", "credit", "pending_id"):
            given[field] = self.name(given.get(field))
        given["kind"] = TransferKind(given["kind"])
        given["amount"] = None if given.get("amount") is None else amount(given["amount"])
        return Transfer(given.pop("id"), **{"currency": None, "code": None, **given})

    def balance(self, step: dict[str, Any]) -> int:
        found = self.ledger.balance(f"{self.number}/{step['id']}")
        assert found == Balance(*(amount(step[field]) for field in Balance._fields))
        return 1

    def transfer(self, step: dict[str, Any]) -> int:
        found = self.ledger.transfer(f"{self.number}/{step['id']}")
        if "exists" in step:
            assert (found is not None) == step["exists"]
        else:
            assert found is not None
            assert found.amount == amount(step["amount"])
        return 1


def amount(given: Any) -> int:
    """A number, or so much below the most."""
    number: int = AMOUNT_MAX - given["max_minus"] if isinstance(given, dict) else given
    return number
