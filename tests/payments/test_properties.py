"""The ledger against a naive one, which keeps a list of what was made and adds everything up anew."""

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lldkit.clock import ManualClock
from lldkit.payments.ledger import Ledger
from lldkit.payments.memory import MemoryStore
from lldkit.payments.transfers import Account, AccountLimit, Balance, Transfer, TransferKind, TransferStatus

SINGLE, PENDING, POST, VOID = TransferKind
ACCOUNTS = {
    "a": Account("a", "USD"),
    "b": Account("b", "USD", limit=AccountLimit.DEBITS_WITHIN_CREDITS),
    "c": Account("c", "USD", limit=AccountLimit.CREDITS_WITHIN_DEBITS),
    "x": Account("x", "EUR"),
    "y": Account("y", "EUR"),
}


@dataclass
class Made:
    """A transfer that the naive ledger has made; `held` while it is pending and was neither posted nor voided."""

    debit: str
    credit: str
    amount: int
    is_pending: bool
    held: bool
    until: float


class Naive:
    """Says of each transfer whether it is made."""

    def __init__(self) -> None:
        self.made: dict[str, Made] = {}
        self.now = 0.0

    def balance(self, account: str) -> Balance:
        held = [each for each in self.made.values() if each.held and self.now < each.until]
        moved = [each for each in self.made.values() if not each.is_pending]
        sums = [
            sum(each.amount for each in which if getattr(each, side) == account)
            for side in ("debit", "credit")
            for which in (held, moved)
        ]
        return Balance(*sums)

    def apply(self, batch: list[Transfer]) -> list[bool]:
        """A chain is tried on a copy; the ledger goes on with the copy if all of it was made."""
        outcomes: list[bool] = []
        while batch:
            length = next(index for index, each in enumerate(batch) if not each.linked) + 1
            chain, batch = batch[:length], batch[length:]
            before = {name: Made(**vars(made)) for name, made in self.made.items()}
            whole = all(self.make(each) for each in chain)
            if not whole:
                self.made = before
            outcomes += [whole] * length
        return outcomes

    def make(self, transfer: Transfer) -> bool:
        if transfer.kind in (POST, VOID):
            return self.settle(transfer)
        debit, credit = transfer.debit or "", transfer.credit or ""
        if not ACCOUNTS[debit].currency == ACCOUNTS[credit].currency == transfer.currency:
            return False
        payer, payee, amount = self.balance(debit), self.balance(credit), transfer.amount or 0
        room = payer.credits_posted - payer.debits_posted - payer.debits_pending
        welcome = payee.debits_posted - payee.credits_posted - payee.credits_pending
        amount = min(amount, max(0, room)) if transfer.cap_debit else amount
        amount = min(amount, max(0, welcome)) if transfer.cap_credit else amount
        if ACCOUNTS[debit].limit is AccountLimit.DEBITS_WITHIN_CREDITS and amount > room:
            return False
        if ACCOUNTS[credit].limit is AccountLimit.CREDITS_WITHIN_DEBITS and amount > welcome:
            return False
        is_pending = transfer.kind is PENDING
        until = self.now + (transfer.timeout_seconds or float("inf"))
        self.made[transfer.id] = Made(debit, credit, amount, is_pending, is_pending, until)
        return True

    def settle(self, transfer: Transfer) -> bool:
        held = self.made.get(transfer.pending_id or "")
        if held is None or not held.held or self.now >= held.until:
            return False
        amount = held.amount if transfer.amount is None else transfer.amount
        if amount > held.amount or (transfer.kind is VOID and amount != held.amount):
            return False
        held.held = False
        moved = amount if transfer.kind is POST else 0
        self.made[transfer.id] = Made(held.debit, held.credit, moved, False, False, 0)
        return True


class Ledgers(RuleBasedStateMachine):
    """Batches, time and replays, told to both."""

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(store=MemoryStore(), clock=self.clock)
        self.ledger.open(*ACCOUNTS.values())
        self.naive = Naive()
        self.batches: list[list[Transfer]] = []
        self.pending: list[str] = ["nothing"]
        self.numbers = 0

    def transfer(self, data: Any, *, last: bool) -> Transfer:
        self.numbers += 1
        kind = data.draw(st.sampled_from([SINGLE, SINGLE, PENDING, POST, VOID]))
        linked = not last and data.draw(st.booleans())
        amount = data.draw(st.integers(0, 9))
        if kind in (POST, VOID):
            pending = data.draw(st.sampled_from(self.pending))
            given = data.draw(st.sampled_from([None, amount]))
            return Transfer(
                f"t{self.numbers}",
                debit=None,
                credit=None,
                currency=None,
                amount=given,
                kind=kind,
                pending_id=pending,
                linked=linked,
            )
        debit, credit = data.draw(st.permutations(list(ACCOUNTS)))[:2]
        if kind is PENDING:
            self.pending.append(f"t{self.numbers}")
        return Transfer(
            f"t{self.numbers}",
            debit=debit,
            credit=credit,
            amount=amount,
            currency=data.draw(st.sampled_from(["USD", "USD", "EUR"])),
            kind=kind,
            timeout_seconds=data.draw(st.sampled_from([None, 1, 3])) if kind is PENDING else None,
            cap_debit=data.draw(st.integers(0, 3)) == 0,
            cap_credit=data.draw(st.integers(0, 3)) == 0,
            linked=linked,
        )

    @rule(data=st.data(), length=st.integers(1, 4))
    def apply(self, data: Any, length: int) -> None:
        batch = [self.transfer(data, last=number == length - 1) for number in range(length)]
        self.batches.append(batch)
        statuses = self.ledger.apply(batch)
        assert [status is TransferStatus.CREATED for status in statuses] == self.naive.apply(batch)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def send_again(self, data: Any) -> None:
        statuses = self.ledger.apply(data.draw(st.sampled_from(self.batches)))
        assert TransferStatus.CREATED not in statuses

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.naive.now += seconds

    @invariant()
    def agree(self) -> None:
        balances = {name: self.ledger.balance(name) for name in ACCOUNTS}
        assert balances == {name: self.naive.balance(name) for name in ACCOUNTS}
        for currency in ("USD", "EUR"):
            here = [balances[name] for name, account in ACCOUNTS.items() if account.currency == currency]
            assert sum(each.debits_posted for each in here) == sum(each.credits_posted for each in here)
            assert sum(each.debits_pending for each in here) == sum(each.credits_pending for each in here)
        assert min(min(balance) for balance in balances.values()) >= 0
        limited, other = balances["b"], balances["c"]
        assert limited.debits_posted + limited.debits_pending <= limited.credits_posted
        assert other.credits_posted + other.credits_pending <= other.debits_posted


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
