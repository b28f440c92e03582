"""What a store needs from time to time: forgetting."""

from functools import partial

from lldkit.notifications.draft import Draft
from lldkit.notifications.interface import State
from lldkit.notifications.machine import UNSENT
from lldkit.notifications.rows import DEDUPES, EARLY, ReceiptRow
from lldkit.notifications.sending import Sender
from lldkit.notifications.store import Key, Query, Store

__all__ = ["prune"]

PAGE = 500
UNDER_WAY = (UNSENT - {State.STANDBY}) | {State.SENDING}


def prune(store: Store, sender: Sender, before: int) -> int:
    """Forget receipts from before, unless something of them is still under way; how many they were."""
    forgotten, after = 0, ""
    while page := store.find(Query("receipt", after=after, limit=PAGE)):
        old = [key for key, row in page.items() if row.value.created_at < before]
        if old:
            forgotten += sender.change(partial(_forget, old))
        if len(old) < len(page):
            break
        after = max(key[1] for key in page)
    for lane in (DEDUPES, EARLY):
        while page := store.find(Query(lane=lane, due=min(before, sender.now()) - 1, limit=PAGE)):
            sender.change(partial(_drop, list(page)))
    return forgotten


def _drop(keys: list[Key], draft: Draft) -> None:
    draft.load(keys)
    for key in keys:
        draft.drop(key)


def _forget(receipts: list[Key], draft: Draft) -> int:
    draft.load(receipts)
    found: list[ReceiptRow] = [receipt for key in receipts if (receipt := draft.get(key)) is not None]
    draft.load([("delivery", each) for receipt in found for each in receipt.deliveries])
    forgotten = 0
    for receipt in found:
        rows = [row for each in receipt.deliveries if (row := draft.delivery(each)) is not None]
        if all(row.state not in UNDER_WAY for row in rows):
            forgotten += 1
            draft.drop(receipt.key)
            for row in rows:
                draft.drop(row.key)
                if row.provider_id is not None:
                    draft.load([("provider", row.provider_id)])
                    draft.drop(("provider", row.provider_id))
    return forgotten
