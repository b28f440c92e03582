"""What a ledger holds and is told: accounts, transfers at once or in two phases, and what became of each."""

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from lldkit.arguments import check_count
from lldkit.money import minor_units

__all__ = [
    "AMOUNT_MAX",
    "Account",
    "AccountLimit",
    "Balance",
    "PendingState",
    "StoredTransfer",
    "Transfer",
    "TransferKind",
    "TransferStatus",
]

AMOUNT_MAX: Final = 2**63 - 1
"""The most minor units that an amount, or a counter of an account, can hold."""


class AccountLimit(StrEnum):
    """What may never exceed what on an account, pending amounts included on the side that is limited."""

    NONE = "none"
    DEBITS_WITHIN_CREDITS = "debits_within_credits"
    CREDITS_WITHIN_DEBITS = "credits_within_debits"


class TransferKind(StrEnum):
    """A transfer at once, or in two phases: reserve an amount, then post what is needed of it or void it."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class PendingState(StrEnum):
    """What became of a pending transfer."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class TransferStatus(StrEnum):
    """What became of a transfer that was asked for; every refusal says exactly what is in the way."""

    CREATED = "created"
    EXISTS = "exists"
    EXISTS_WITH_DIFFERENT_KIND = "exists_with_different_kind"
    EXISTS_WITH_DIFFERENT_PENDING_ID = "exists_with_different_pending_id"
    EXISTS_WITH_DIFFERENT_TIMEOUT = "exists_with_different_timeout"
    EXISTS_WITH_DIFFERENT_DEBIT = "exists_with_different_debit"
    EXISTS_WITH_DIFFERENT_CREDIT = "exists_with_different_credit"
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    EXISTS_WITH_DIFFERENT_REFERENCE = "exists_with_different_reference"
    EXISTS_WITH_DIFFERENT_CURRENCY = "exists_with_different_currency"
    EXISTS_WITH_DIFFERENT_CODE = "exists_with_different_code"
    ID_ALREADY_FAILED = "id_already_failed"
    PENDING_NOT_FOUND = "pending_not_found"
    PENDING_NOT_PENDING = "pending_not_pending"
    PENDING_HAS_DIFFERENT_DEBIT = "pending_has_different_debit"
    PENDING_HAS_DIFFERENT_CREDIT = "pending_has_different_credit"
    PENDING_HAS_DIFFERENT_CURRENCY = "pending_has_different_currency"
    PENDING_HAS_DIFFERENT_CODE = "pending_has_different_code"
    EXCEEDS_PENDING_AMOUNT = "exceeds_pending_amount"
    PENDING_HAS_DIFFERENT_AMOUNT = "pending_has_different_amount"
    PENDING_ALREADY_POSTED = "pending_already_posted"
    PENDING_ALREADY_VOIDED = "pending_already_voided"
    PENDING_EXPIRED = "pending_expired"
    DEBIT_ACCOUNT_NOT_FOUND = "debit_account_not_found"
    CREDIT_ACCOUNT_NOT_FOUND = "credit_account_not_found"
    ACCOUNTS_HAVE_DIFFERENT_CURRENCIES = "accounts_have_different_currencies"
    CURRENCY_DIFFERS_FROM_ACCOUNTS = "currency_differs_from_accounts"
    OVERFLOWS_DEBITS_PENDING = "overflows_debits_pending"
    OVERFLOWS_CREDITS_PENDING = "overflows_credits_pending"
    OVERFLOWS_DEBITS_POSTED = "overflows_debits_posted"
    OVERFLOWS_CREDITS_POSTED = "overflows_credits_posted"
    OVERFLOWS_DEBITS = "overflows_debits"
    OVERFLOWS_CREDITS = "overflows_credits"
    EXCEEDS_CREDITS = "exceeds_credits"
    EXCEEDS_DEBITS = "exceeds_debits"
    LINKED_FAILED = "linked_failed"
    LINKED_CHAIN_OPEN = "linked_chain_open"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of one currency; `code` is yours, as the number of a kind of account."""

    id: str
    currency: str
    _: KW_ONLY
    code: int = 1
    limit: AccountLimit = AccountLimit.NONE

    def __post_init__(self) -> None:
        _check_id("id", self.id)
        minor_units(self.currency)
        check_count("code", self.code, least=1)


class Balance(NamedTuple):
    """The four counters of an account, in minor units; all grow, but for the pending ones, which also fall."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """An amount that leaves one account and reaches another, in minor units; or the second phase of a pending one.

    A POST or VOID names the pending transfer; what it leaves None is as there, and an amount of None is all of it.
    `timeout_seconds` ends a PENDING one by itself. `linked` joins it to the next transfer of the batch: all or none.
    `cap_debit` moves at most what keeps the debit account's debits, pending included, within its posted credits;
    `cap_credit` the same on the other side. `reference` is yours.
    """

    id: str
    _: KW_ONLY
    debit: str | None
    credit: str | None
    amount: int | None
    currency: str | None
    code: int | None = 1
    kind: TransferKind = TransferKind.SINGLE
    pending_id: str | None = None
    timeout_seconds: int | None = None
    linked: bool = False
    cap_debit: bool = False
    cap_credit: bool = False
    reference: str | None = None

    def __post_init__(self) -> None:
        _check_id("id", self.id)
        if self.amount is not None:
            check_count("amount", self.amount, most=AMOUNT_MAX)
        if self.currency is not None:
            minor_units(self.currency)
        if self.code is not None:
            check_count("code", self.code, least=1)
        if self.timeout_seconds is not None:
            check_count("timeout_seconds", self.timeout_seconds, least=1)
        if self.kind in (TransferKind.POST, TransferKind.VOID):
            self._check_second_phase()
        else:
            self._check_first_phase()

    def _check_first_phase(self) -> None:
        for name in ("debit", "credit", "amount", "currency", "code"):
            if getattr(self, name) is None:
                raise ValueError(f"a {self.kind} transfer needs {name}, got None")
        if self.debit == self.credit:
            raise ValueError(f"debit and credit must be two accounts, got {self.debit!r} twice")
        if self.pending_id is not None:
            raise ValueError(f"a {self.kind} transfer has no pending_id, got {self.pending_id!r}")
        if self.timeout_seconds is not None and self.kind is TransferKind.SINGLE:
            raise ValueError(f"only a pending transfer has timeout_seconds, got {self.timeout_seconds!r}")

    def _check_second_phase(self) -> None:
        if self.pending_id is None or self.pending_id == self.id:
            raise ValueError(f"a {self.kind} transfer needs the pending_id of another one, got {self.pending_id!r}")
        if self.timeout_seconds is not None or self.cap_debit or self.cap_credit:
            raise ValueError(f"a {self.kind} transfer has neither timeout_seconds nor caps, got {self!r}")


class StoredTransfer(NamedTuple):
    """A transfer that was made: as asked for, with nothing left None but `pending_id` and the like.

    `amount` is what it moves; `at` and `expires_at` are instants in whole microseconds of Unix time. `pending` says
    what became of a pending one, and is None for the others.
    """

    transfer: Transfer
    amount: int
    at: int
    expires_at: int | None = None
    pending: PendingState | None = None


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {value!r}")
    if not value:
        raise ValueError(f"{name} must not be empty")
