"""What need not be kept for ever: idempotency keys past their time, and the ids of webhooks that came long ago."""

from lldkit.payments.ledger import repeated
from lldkit.payments.store import Change, Query, Store, Write

__all__ = ["prune"]

BATCH = 500
TABLES = ("keys", "seen")  # found by the time at which a key need not be kept any more, and at which a webhook came


def prune(store: Store, before: int) -> int:
    """Delete what was due by `before`, in microseconds since 1970, some rows in each transaction; how many."""
    return sum(_prune(store, Query(table, due=before, limit=BATCH)) for table in TABLES)


def _prune(store: Store, query: Query) -> int:
    def batch() -> int:
        rows = store.scan(query)
        if rows:
            store.commit(Change(tuple(Write(key, None, row.version) for key, row in rows)))
        return len(rows)

    deleted = 0
    while number := repeated(batch):
        deleted += number
    return deleted
