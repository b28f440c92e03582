"""A new payment: the intention alone."""

from datetime import datetime

from lldkit.money import Money
from lldkit.payments.codec import dumps, loads
from lldkit.payments.idempotency import Replay, Terms, decide, record_write
from lldkit.payments.interface import Capture, Intent
from lldkit.payments.journal import Journal
from lldkit.payments.ledger import micros, repeated
from lldkit.payments.payment import Payment
from lldkit.payments.store import Key, Write
from lldkit.payments.tables import INTENT

__all__ = ["blank", "created", "created_once"]


def blank(intent_id: str, merchant: str, amount: Money, *, tenant: str, capture: Capture, now: datetime) -> Intent:
    """An intent of which nothing has come yet."""
    nothing = Money(0, amount.currency)
    if not amount > nothing:
        raise ValueError(f"amount must be above 0, got {amount}")
    if not merchant:
        raise ValueError("merchant must not be empty")
    return Intent(
        id=intent_id,
        tenant=tenant,
        merchant=merchant,
        state=INTENT.initial,
        version=1,
        amount=amount,
        authorized=nothing,
        captured=nothing,
        voided=nothing,
        refunded=nothing,
        disputed=nothing,
        capture=capture,
        pending=None,
        next_action=None,
        authorized_until=None,
        created_at=now,
        attempts=0,
    )


def created(journal: Journal, intent: Intent) -> Intent:
    """Keep a new intent."""
    journal.create(Payment(intent))
    return intent


def created_once(journal: Journal, terms: Terms, intent: Intent, key: Key, fingerprint: str) -> Intent:
    """Keep a new intent with its idempotency record; the first one of the key, if there was one before."""

    def attempt() -> Intent:
        stored = journal.store.read([key]).get(key)
        record = None if stored is None else stored.value
        decided = decide(key, record, fingerprint, micros(journal.store, journal.clock), terms)
        if isinstance(decided, Replay):
            return loads(Intent, decided.response.decode())
        done: Write = record_write(key, decided[0]._replace(response=dumps(intent).encode()), stored)
        journal.create(Payment(intent), [done])
        return intent

    return repeated(attempt)
