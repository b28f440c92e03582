"""The double-entry ledger, decided: what a batch of transfers does to the accounts, and why one of them is refused.

Every transfer adds the same amount to the debits of one account and to the credits of another, so their sums are equal
at all times. It happens at once, or in two phases: a PENDING one holds the amount, and then a POST turns what is needed
of it into a transfer, a VOID lets it go, or its time is over. A chain of linked transfers happens as a whole or not at
all. The rules and the order of the checks are those of TigerBeetle.

Pure: `apply` reads and changes a `Sheet`, the rows that a store has read for the batch; the store writes them back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lldkit.clock import MICRO
from lldkit.payments.transfers import (
    AMOUNT_MAX,
    Account,
    AccountLimit,
    Balance,
    PendingState,
    StoredTransfer,
    Transfer,
    TransferKind,
    TransferStatus,
)

__all__ = ["Row", "Sheet", "apply", "expire"]

FAILED_FOR_GOOD: Final = frozenset(
    {
        # What may pass with time must not make an id that was refused succeed when it is sent again.
        TransferStatus.DEBIT_ACCOUNT_NOT_FOUND,
        TransferStatus.CREDIT_ACCOUNT_NOT_FOUND,
        TransferStatus.PENDING_NOT_FOUND,
        TransferStatus.EXCEEDS_CREDITS,
        TransferStatus.EXCEEDS_DEBITS,
    }
)
NOTHING: Final = Balance()
SETTLED: Final = {
    PendingState.POSTED: TransferStatus.PENDING_ALREADY_POSTED,
    PendingState.VOIDED: TransferStatus.PENDING_ALREADY_VOIDED,
    PendingState.EXPIRED: TransferStatus.PENDING_EXPIRED,
}


class Row:
    """An account and its four counters."""

    __slots__ = ("account", "credits_pending", "credits_posted", "debits_pending", "debits_posted")

    def __init__(self, account: Account, balance: Balance = NOTHING) -> None:
        self.account = account
        self.debits_pending, self.debits_posted, self.credits_pending, self.credits_posted = balance

    @property
    def balance(self) -> Balance:
        """The counters, as a value."""
        return Balance(self.debits_pending, self.debits_posted, self.credits_pending, self.credits_posted)


@dataclass(slots=True)
class Sheet:
    """All rows that a batch may need: the accounts and transfers that it names, and the ids that failed for good."""

    rows: dict[str, Row] = field(default_factory=dict)
    transfers: dict[str, StoredTransfer] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


def apply(sheet: Sheet, transfers: Sequence[Transfer], now: int) -> list[TransferStatus]:
    """Make the transfers in order, and say of each what became of it; `now` is in whole microseconds.

    Pending transfers of these accounts whose time is over must have been let go by `expire` before.
    """
    statuses: list[TransferStatus] = []
    chain: _Chain | None = None
    for transfer in transfers:
        if chain is None and not transfer.linked:
            statuses.append(_make(sheet, transfer, now))
            continue
        chain = chain or _Chain(sheet, len(statuses))
        statuses.append(chain.add(transfer, now, statuses))
        if not transfer.linked:
            chain = None
    if chain is not None:
        chain.break_off(statuses)
        statuses[-1] = TransferStatus.LINKED_CHAIN_OPEN
    return statuses


def expire(sheet: Sheet, ids: Iterable[str]) -> None:
    """Let go what these pending transfers hold; the caller knows that their time is over."""
    for each in ids:
        stored = sheet.transfers[each]
        if stored.pending is PendingState.PENDING:
            _release(sheet, stored, PendingState.EXPIRED)


class _Chain:
    """Linked transfers: each is made when its turn comes, and all are taken back when one is refused."""

    def __init__(self, sheet: Sheet, start: int) -> None:
        self._sheet = sheet
        self._start = start
        self._before = Sheet()  # what was there before the chain; a transfer that was not there has no entry
        self._made: list[str] = []
        self._broken = False

    def add(self, transfer: Transfer, now: int, statuses: list[TransferStatus]) -> TransferStatus:
        """Make the next member; where it is refused, all before it become LINKED_FAILED, and all after it too."""
        if self._broken:
            return TransferStatus.LINKED_FAILED
        self._remember(transfer)
        status = _make(self._sheet, transfer, now)
        if status is TransferStatus.CREATED:
            self._made.append(transfer.id)
        else:
            self.break_off(statuses)
        return status

    def break_off(self, statuses: list[TransferStatus]) -> None:
        """Take back what the chain has done; the statuses of its members are the last ones of the list."""
        if self._broken:
            return
        self._broken = True
        statuses[self._start :] = [TransferStatus.LINKED_FAILED] * (len(statuses) - self._start)
        self._sheet.rows.update(self._before.rows)
        for each in self._made:
            del self._sheet.transfers[each]
        self._sheet.transfers.update(self._before.transfers)

    def _remember(self, transfer: Transfer) -> None:
        """Keep copies of the rows that this transfer may change, as they were before the chain."""
        names = [transfer.debit, transfer.credit]
        if transfer.pending_id in self._sheet.transfers:
            pending = self._sheet.transfers[transfer.pending_id]
            names += [pending.transfer.debit, pending.transfer.credit]
            if transfer.pending_id not in self._made:
                self._before.transfers.setdefault(transfer.pending_id, pending)
        for name in names:
            if name in self._sheet.rows and name not in self._before.rows:
                row = self._sheet.rows[name]
                self._before.rows[name] = Row(row.account, row.balance)


def _make(sheet: Sheet, transfer: Transfer, now: int) -> TransferStatus:
    """Make one transfer, or say why not."""
    stored = sheet.transfers.get(transfer.id)
    if stored is not None:
        return _compare(sheet, transfer, stored)
    if transfer.id in sheet.failed:
        return TransferStatus.ID_ALREADY_FAILED
    if transfer.pending_id is None:
        status = _first_phase(sheet, transfer, now)
    else:
        status = _second_phase(sheet, transfer, transfer.pending_id, now)
    if status is not TransferStatus.CREATED and status in FAILED_FOR_GOOD:
        sheet.failed.add(transfer.id)
    return status


def _first_phase(sheet: Sheet, transfer: Transfer, now: int) -> TransferStatus:
    debit, credit = sheet.rows.get(transfer.debit or ""), sheet.rows.get(transfer.credit or "")
    if debit is None:
        return TransferStatus.DEBIT_ACCOUNT_NOT_FOUND
    if credit is None:
        return TransferStatus.CREDIT_ACCOUNT_NOT_FOUND
    if not transfer.currency == debit.account.currency == credit.account.currency:
        same = debit.account.currency == credit.account.currency
        return (
            TransferStatus.CURRENCY_DIFFERS_FROM_ACCOUNTS if same else TransferStatus.ACCOUNTS_HAVE_DIFFERENT_CURRENCIES
        )
    amount = _capped(transfer, debit, credit) if transfer.cap_debit or transfer.cap_credit else transfer.amount or 0
    is_pending = transfer.kind is TransferKind.PENDING
    if (refusal := _no_room(debit, credit, amount, is_pending=is_pending)) is not None:
        return refusal
    if is_pending:
        debit.debits_pending += amount
        credit.credits_pending += amount
        expires = None if transfer.timeout_seconds is None else now + transfer.timeout_seconds * MICRO
        sheet.transfers[transfer.id] = StoredTransfer(transfer, amount, now, expires, PendingState.PENDING)
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
        sheet.transfers[transfer.id] = StoredTransfer(transfer, amount, now)
    return TransferStatus.CREATED


def _capped(transfer: Transfer, debit: Row, credit: Row) -> int:
    """As much of the amount as its caps let through."""
    amount = transfer.amount or 0
    if transfer.cap_debit:
        amount = min(amount, max(0, debit.credits_posted - debit.debits_posted - debit.debits_pending))
    if transfer.cap_credit:
        amount = min(amount, max(0, credit.debits_posted - credit.credits_posted - credit.credits_pending))
    return amount


def _no_room(debit: Row, credit: Row, amount: int, *, is_pending: bool) -> TransferStatus | None:
    """Which counter or which limit the amount would exceed."""
    debits = debit.debits_pending + debit.debits_posted + amount
    credits_ = credit.credits_pending + credit.credits_posted + amount
    if debits > AMOUNT_MAX or credits_ > AMOUNT_MAX:
        return next(_overflows(debit, credit, amount, is_pending=is_pending))
    if debit.account.limit is AccountLimit.DEBITS_WITHIN_CREDITS and debits > debit.credits_posted:
        return TransferStatus.EXCEEDS_CREDITS
    if credit.account.limit is AccountLimit.CREDITS_WITHIN_DEBITS and credits_ > credit.debits_posted:
        return TransferStatus.EXCEEDS_DEBITS
    return None


def _overflows(debit: Row, credit: Row, amount: int, *, is_pending: bool) -> Iterator[TransferStatus]:
    """Which counters, or sums of two, would hold more than they can."""
    room = AMOUNT_MAX - amount
    if is_pending and debit.debits_pending > room:
        yield TransferStatus.OVERFLOWS_DEBITS_PENDING
    if is_pending and credit.credits_pending > room:
        yield TransferStatus.OVERFLOWS_CREDITS_PENDING
    if debit.debits_posted > room:
        yield TransferStatus.OVERFLOWS_DEBITS_POSTED
    if credit.credits_posted > room:
        yield TransferStatus.OVERFLOWS_CREDITS_POSTED
    if debit.debits_pending + debit.debits_posted > room:
        yield TransferStatus.OVERFLOWS_DEBITS
    yield TransferStatus.OVERFLOWS_CREDITS


def _second_phase(sheet: Sheet, transfer: Transfer, pending_id: str, now: int) -> TransferStatus:
    pending = sheet.transfers.get(pending_id)
    if pending is None:
        return TransferStatus.PENDING_NOT_FOUND
    if pending.pending is None:
        return TransferStatus.PENDING_NOT_PENDING
    amount = pending.amount if transfer.amount is None else transfer.amount
    if (refusal := _differs_from_pending(transfer, pending, amount)) is not None:
        return refusal
    if pending.pending is not PendingState.PENDING:
        return SETTLED[pending.pending]
    if transfer.kind is TransferKind.VOID:
        _release(sheet, pending, PendingState.VOIDED)
    else:
        debit, credit = _release(sheet, pending, PendingState.POSTED)
        debit.debits_posted += amount
        credit.credits_posted += amount
    first = pending.transfer
    whole = replace(transfer, debit=first.debit, credit=first.credit, currency=first.currency, code=first.code)
    sheet.transfers[transfer.id] = StoredTransfer(whole, amount, now)
    return TransferStatus.CREATED


def _differs_from_pending(transfer: Transfer, pending: StoredTransfer, amount: int) -> TransferStatus | None:
    """The first thing that a second phase says otherwise than the first; what it leaves open is as there."""
    first = pending.transfer
    different = {
        TransferStatus.PENDING_HAS_DIFFERENT_DEBIT: transfer.debit not in (None, first.debit),
        TransferStatus.PENDING_HAS_DIFFERENT_CREDIT: transfer.credit not in (None, first.credit),
        TransferStatus.PENDING_HAS_DIFFERENT_CURRENCY: transfer.currency not in (None, first.currency),
        TransferStatus.PENDING_HAS_DIFFERENT_CODE: transfer.code not in (None, first.code),
        TransferStatus.EXCEEDS_PENDING_AMOUNT: amount > pending.amount,
        TransferStatus.PENDING_HAS_DIFFERENT_AMOUNT: transfer.kind is TransferKind.VOID and amount != pending.amount,
    }
    return _first(different)


def _first(different: dict[TransferStatus, bool]) -> TransferStatus | None:
    return next((status for status, differs in different.items() if differs), None)


def _release(sheet: Sheet, pending: StoredTransfer, state: PendingState) -> tuple[Row, Row]:
    """Let go what a pending transfer holds, and return the rows of its accounts."""
    debit, credit = sheet.rows[pending.transfer.debit or ""], sheet.rows[pending.transfer.credit or ""]
    debit.debits_pending -= pending.amount
    credit.credits_pending -= pending.amount
    sheet.transfers[pending.transfer.id] = pending._replace(pending=state)
    return debit, credit


def _compare(sheet: Sheet, transfer: Transfer, stored: StoredTransfer) -> TransferStatus:
    """EXISTS for the same transfer again, else the first thing that differs; what is left open counts as equal."""
    first = stored.transfer
    whole = sheet.transfers[first.pending_id].amount if first.pending_id is not None else stored.amount
    amount = whole if transfer.amount is None else transfer.amount
    capped = first.cap_debit or first.cap_credit
    different = {
        TransferStatus.EXISTS_WITH_DIFFERENT_KIND: (transfer.kind, transfer.cap_debit, transfer.cap_credit)
        != (first.kind, first.cap_debit, first.cap_credit),
        TransferStatus.EXISTS_WITH_DIFFERENT_PENDING_ID: transfer.pending_id != first.pending_id,
        TransferStatus.EXISTS_WITH_DIFFERENT_TIMEOUT: transfer.timeout_seconds != first.timeout_seconds,
        TransferStatus.EXISTS_WITH_DIFFERENT_DEBIT: transfer.debit not in (None, first.debit),
        TransferStatus.EXISTS_WITH_DIFFERENT_CREDIT: transfer.credit not in (None, first.credit),
        TransferStatus.EXISTS_WITH_DIFFERENT_AMOUNT: amount < stored.amount if capped else amount != stored.amount,
        TransferStatus.EXISTS_WITH_DIFFERENT_REFERENCE: transfer.reference != first.reference,
        TransferStatus.EXISTS_WITH_DIFFERENT_CURRENCY: transfer.currency not in (None, first.currency),
        TransferStatus.EXISTS_WITH_DIFFERENT_CODE: transfer.code not in (None, first.code),
    }
    return _first(different) or TransferStatus.EXISTS
