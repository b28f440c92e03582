"""Which transfers a change of a payment posts. Pure.

They follow from its totals. What is held is a pending transfer from the gateway's account to the merchant's; a capture
posts it, or is a transfer beside a smaller one that is held anew. A refund is pending the other way until it has
succeeded. A dispute moves money into an account of its own.
"""

import json
import math
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from lldkit.payments.interface import Intent
from lldkit.payments.payment import Payment
from lldkit.payments.tables import RefundState
from lldkit.payments.transfers import Account, Transfer, TransferKind

__all__ = ["account_id", "accounts_of", "transfers_of"]


def account_id(role: str, owner: str, currency: str) -> str:
    """The account of an owner in a role ("gateway", "merchant" or "dispute"); two owners never share one.

    >>> account_id("merchant", "acme", "USD")
    '["merchant","acme","USD"]'
    """
    return json.dumps([role, owner, currency], separators=(",", ":"))


def accounts_of(intent: Intent) -> tuple[Account, Account, Account]:
    """The accounts that a payment moves money between: the gateway's, the merchant's, and that of disputes."""
    return _accounts(intent.merchant, intent.amount.currency)


@lru_cache(maxsize=1_024)
def _accounts(owner: str, currency: str) -> tuple[Account, Account, Account]:
    owners = (("gateway", ""), ("merchant", owner), ("dispute", owner))
    gateway, merchant, dispute = (Account(account_id(role, owner, currency), currency) for role, owner in owners)
    return gateway, merchant, dispute


def transfers_of(before: Payment, after: Payment, now: datetime) -> list[Transfer]:
    """What to post for the step from one to the other, as chains that the ledger takes whole or not at all."""
    gateway, merchant, dispute = (account.id for account in accounts_of(after.intent))
    book = _Book(after.intent, now)
    book.hold_and_capture(before.intent, gateway, merchant)
    book.refunds(before, after, merchant, gateway)
    book.disputes(before.intent, merchant, dispute)
    return book.transfers


class _Book:
    """Collects the transfers of one step."""

    def __init__(self, intent: Intent, now: datetime) -> None:
        self._intent = intent
        self._now = now
        self.transfers: list[Transfer] = []

    def hold_and_capture(self, before: Intent, gateway: str, merchant: str) -> None:
        """From what was held to what is held and captured now. A hold whose time is over is gone by itself."""
        intent = self._intent
        captured = intent.captured.amount - before.captured.amount
        held, was = intent.held.amount, before.held.amount
        if held == was and not captured:
            return
        old = _hold_id(before) if was and not _is_over(before, self._now) else None
        if old is not None and not held and 0 < captured <= was:
            self._add(f"{old}:post", captured, pending_id=old, kind=TransferKind.POST)
            return
        chain = len(self.transfers)
        if old is not None:
            self._add(f"{old}:void", pending_id=old, kind=TransferKind.VOID)
        if captured:
            self._add(f"{intent.id}:captured:{intent.captured.amount}", captured, gateway, merchant)
        if held and not _is_over(intent, self._now):
            left = _seconds_until(intent, self._now)
            self._add(_hold_id(intent), held, gateway, merchant, kind=TransferKind.PENDING, timeout_seconds=left)
        self._link(chain)

    def refunds(self, before: Payment, after: Payment, merchant: str, gateway: str) -> None:
        """Refunds that are new, or that have moved."""
        known = {refund.id: refund.state for refund in before.refunds}
        for refund in after.refunds:
            was, amount = known.get(refund.id), refund.amount.amount
            if refund.state is was:
                continue
            if was is None:
                kind = TransferKind.SINGLE if refund.state is RefundState.SUCCEEDED else TransferKind.PENDING
                self._add(refund.id, amount, merchant, gateway, kind=kind)
            elif refund.state is RefundState.SUCCEEDED:
                self._add(f"{refund.id}:post", pending_id=refund.id, kind=TransferKind.POST)
            elif refund.state is RefundState.FAILED and was is RefundState.SUCCEEDED:
                self._add(f"{refund.id}:back", amount, gateway, merchant)
            elif refund.state is RefundState.FAILED:
                self._add(f"{refund.id}:void", pending_id=refund.id, kind=TransferKind.VOID)

    def disputes(self, before: Intent, merchant: str, dispute: str) -> None:
        """Money that disputes have taken, or have given back."""
        taken = self._intent.disputed.amount - before.disputed.amount
        transfer = f"{self._intent.id}:disputed:{self._intent.version}"
        if taken > 0:
            self._add(transfer, taken, merchant, dispute)
        elif taken < 0:
            self._add(transfer, -taken, dispute, merchant)

    def _add(
        self,
        transfer_id: str,
        amount: int | None = None,
        debit: str | None = None,
        credit: str | None = None,
        *,
        pending_id: str | None = None,
        kind: TransferKind = TransferKind.SINGLE,
        timeout_seconds: int | None = None,
    ) -> None:
        self.transfers.append(
            Transfer(
                transfer_id,
                debit=debit,
                credit=credit,
                amount=amount,
                currency=self._intent.amount.currency,
                kind=kind,
                pending_id=pending_id,
                timeout_seconds=timeout_seconds,
                reference=self._intent.id,
            )
        )

    def _link(self, start: int) -> None:
        for index in range(start, len(self.transfers) - 1):
            self.transfers[index] = replace(self.transfers[index], linked=True)


def _hold_id(intent: Intent) -> str:
    """The name of what is held; it is held anew whenever one of the two totals has grown."""
    return f"{intent.id}:hold:{intent.authorized.amount}:{intent.captured.amount}"


def _is_over(intent: Intent, now: datetime) -> bool:
    return intent.authorized_until is not None and intent.authorized_until <= now


def _seconds_until(intent: Intent, now: datetime) -> int | None:
    """How long what is held stays so, in whole seconds."""
    until = intent.authorized_until
    return None if until is None else max(1, math.ceil((until - now).total_seconds()))
