"""Rows as text, for the stores that are databases: what each table holds, and the way there and back."""

from typing import Any

from lldkit.payments.codec import dumps, loads
from lldkit.payments.idempotency import Record
from lldkit.payments.interface import ReviewItem, Transition
from lldkit.payments.outbox import OutboxMessage
from lldkit.payments.payment import Payment
from lldkit.payments.transfers import Account, Balance, StoredTransfer

__all__ = ["KINDS", "read", "written"]

KINDS: dict[str, Any] = {
    "accounts": tuple[Account, Balance],
    "entries": str,
    "failed": bool,
    "history": Transition,
    "intents": Payment,
    "keys": Record,
    "outbox": OutboxMessage,
    "review": ReviewItem,
    "seen": str,
    "transfers": StoredTransfer,
}


def written(value: object) -> str:
    """A value as JSON text."""
    return dumps(value)


def read(table: str, text: str) -> Any:
    """The value that a table holds as this text."""
    return loads(KINDS[table], text)
