"""The ledger alone, to the microsecond."""

import pytest

from lldkit.clock import ManualClock
from lldkit.payments.errors import AccountConflict, LedgerRefused, UnknownAccount
from lldkit.payments.ledger import Ledger
from lldkit.payments.memory import MemoryStore
from lldkit.payments.store import Store
from lldkit.payments.transfers import Account, AccountLimit, Balance, Transfer, TransferKind, TransferStatus


class Books:
    """A bank, and a purse that holds 10 and may not spend more."""

    def __init__(self, store: Store) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(store=store, clock=self.clock)
        self.ledger.open(Account("bank", "USD"), Account("purse", "USD", limit=AccountLimit.DEBITS_WITHIN_CREDITS))
        self.ledger.post(self.spending("in", 10, debit="bank", credit="purse"))

    def spending(self, name: str, amount: int, debit: str = "purse", credit: str = "bank", **more: object) -> Transfer:
        return Transfer(name, debit=debit, credit=credit, amount=amount, currency="USD", **more)  # type: ignore[arg-type]

    def hold(self, name: str = "hold", amount: int = 10) -> Transfer:
        return self.spending(name, amount, kind=TransferKind.PENDING, timeout_seconds=1)

    def settle(self, kind: TransferKind) -> Transfer:
        return Transfer("end", debit=None, credit=None, amount=None, currency=None, kind=kind, pending_id="hold")


@pytest.fixture
def books(store: Store) -> Books:
    return Books(store)


def test_a_pending_transfer_may_be_posted_until_one_microsecond_before_its_time_is_over(books: Books) -> None:
    books.ledger.post(books.hold())
    books.clock.advance(1 - 1e-6)
    books.ledger.post(books.settle(TransferKind.POST))
    assert books.ledger.balance("purse") == Balance(0, 10, 0, 10)


@pytest.mark.parametrize("kind", [TransferKind.POST, TransferKind.VOID])
def test_a_pending_transfer_is_over_at_exactly_its_time(books: Books, kind: TransferKind) -> None:
    books.ledger.post(books.hold())
    books.clock.advance(1)
    assert books.ledger.apply([books.settle(kind)]) == [TransferStatus.PENDING_EXPIRED]
    assert books.ledger.balance("purse") == Balance(0, 0, 0, 10)


@pytest.mark.parametrize("kind", [TransferKind.POST, TransferKind.VOID])
def test_a_pending_transfer_of_nothing_is_over_at_its_time_too(books: Books, kind: TransferKind) -> None:
    books.ledger.post(books.hold(amount=0))
    books.clock.advance(1)
    assert books.ledger.apply([books.settle(kind)]) == [TransferStatus.PENDING_EXPIRED]


def test_what_has_expired_is_neither_shown_nor_in_the_way_though_nobody_sweeps(books: Books) -> None:
    books.ledger.post(books.hold())
    books.clock.advance(1 - 1e-6)
    assert books.ledger.balance("purse") == Balance(10, 0, 0, 10)
    assert books.ledger.apply([books.spending("early", 1)]) == [TransferStatus.EXCEEDS_CREDITS]
    books.clock.advance(1e-6)
    assert books.ledger.balance("purse") == Balance(0, 0, 0, 10)
    assert books.ledger.balance("bank") == Balance(0, 10, 0, 0)
    assert books.ledger.apply([books.spending("late", 10)]) == [TransferStatus.CREATED]


def test_a_cap_sees_what_has_expired_as_free(books: Books) -> None:
    books.ledger.post(books.hold(amount=7))
    books.ledger.post(books.spending("first", 10, cap_debit=True))
    books.clock.advance(1)
    books.ledger.post(books.spending("second", 10, cap_debit=True))
    moved = [books.ledger.transfer(name) for name in ("first", "second")]
    assert [each.amount for each in moved if each is not None] == [3, 7]


def test_a_refused_post_names_the_transfer_and_leaves_nothing(books: Books) -> None:
    with pytest.raises(LedgerRefused) as caught:
        books.ledger.post(books.spending("one", 6), books.spending("two", 6))
    assert (caught.value.status, caught.value.transfer.id) == (TransferStatus.EXCEEDS_CREDITS, "two")
    assert books.ledger.transfer("one") is None
    assert books.ledger.balance("purse") == Balance(0, 0, 0, 10)


def test_a_statement_is_read_in_parts_by_time(books: Books) -> None:
    for number in range(5):
        books.clock.advance(1)
        books.ledger.post(books.spending(f"t{9 - number}", 1))
    first = books.ledger.statement("purse", limit=4)
    assert [each.transfer.id for each in first] == ["in", "t9", "t8", "t7"]
    rest = books.ledger.statement("purse", after=first[-1].transfer.id)
    assert [each.transfer.id for each in rest] == ["t6", "t5"]


def test_an_account_is_opened_once_and_known_by_its_name() -> None:
    books = Books(MemoryStore())
    books.ledger.open(Account("bank", "USD"))
    with pytest.raises(AccountConflict, match="another currency"):
        books.ledger.open(Account("bank", "EUR"))
    with pytest.raises(UnknownAccount, match="nobody"):
        books.ledger.balance("nobody")
