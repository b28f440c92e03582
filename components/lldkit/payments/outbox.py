"""Messages about payments, written with what they tell, and handed to relays at least once, in order per payment."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.payments.interface import Transition
from lldkit.payments.ledger import micros, repeated
from lldkit.payments.payment import Payment
from lldkit.payments.store import Change, Key, Query, Row, Store, Write

__all__ = ["Outbox", "OutboxMessage", "message_write"]

TABLE = "outbox"
MOST = 10_000  # messages of one payment


class OutboxMessage(NamedTuple):
    """What has happened to a payment, as JSON; `id` stays the same however often it is handed out."""

    id: str
    intent_id: str
    seq: int
    topic: str
    payload: str


def message_write(payment: Payment, line: Transition, now: int) -> Write:
    """The message about one line of a payment's history; `now` in microseconds."""
    intent = payment.intent
    totals = {
        name: getattr(intent, name).amount for name in ("authorized", "captured", "voided", "refunded", "disputed")
    }
    payload = {"intent": intent.id, "state": line.target, "at": line.at.isoformat(), "currency": intent.amount.currency}
    message = OutboxMessage(
        f"{intent.id}:{line.seq:08d}", intent.id, line.seq, f"intent.{line.event}", json.dumps({**payload, **totals})
    )
    return Write((TABLE, message.id), message, 0, intent.id, now)


class Outbox:
    """Hands out messages that were not acknowledged. Safe for threads and processes that share the store.

    The messages of one payment are handed to one relay at a time, the oldest first: while some are claimed, later ones
    wait. A relay that dies after publishing leads to the same message again, with the same id.
    """

    def __init__(self, *, store: Store, clock: Clock = SYSTEM) -> None:
        self._store = store
        self._clock = clock

    def claim(self, *, limit: int = 100, lease_seconds: float = 30) -> list[OutboxMessage]:
        """Up to `limit` messages, whose claim holds for `lease_seconds`."""
        check_count("limit", limit, least=1)
        lease = round(check_number("lease_seconds", lease_seconds, above=0) * MICRO)
        return repeated(lambda: self._claim(limit, lease))

    def _claim(self, limit: int, lease: int) -> list[OutboxMessage]:
        now = micros(self._store, self._clock)
        found: list[tuple[Key, Row]] = []
        for intent_id in self._payments(now, limit):
            if len(found) < limit:
                found += self._oldest(intent_id, now, limit - len(found))
        writes = [Write(key, row.value, row.version, row.value.intent_id, now + lease) for key, row in found]
        if writes:
            self._store.commit(Change(tuple(writes)))
        return [row.value for _, row in found]

    def _payments(self, now: int, limit: int) -> Iterable[str]:
        """The payments with messages that nobody has claimed, the longest waiting first."""
        return dict.fromkeys(row.value.intent_id for _, row in self._store.scan(Query(TABLE, due=now, limit=limit)))

    def _oldest(self, intent_id: str, now: int, limit: int) -> list[tuple[Key, Row]]:
        """The first messages of a payment; none while another relay is at work on them."""
        rows = list(self._store.scan(Query(TABLE, group=intent_id, limit=limit)))
        free = {key for key, _ in self._store.scan(Query(TABLE, group=intent_id, due=now, limit=MOST))}
        return rows if all(key in free for key, _ in rows) else []

    def ack(self, messages: Iterable[OutboxMessage]) -> None:
        """They were published; again changes nothing."""
        keys = [(TABLE, message.id) for message in messages]

        def attempt() -> None:
            known = self._store.read(keys)
            writes = tuple(Write(key, None, row.version) for key, row in known.items())
            if writes:
                self._store.commit(Change(writes))

        repeated(attempt)

    def pending(self) -> int:
        """How many messages were not acknowledged; counts up to 10,000."""
        return len(self._store.scan(Query(TABLE, limit=10_000)))
