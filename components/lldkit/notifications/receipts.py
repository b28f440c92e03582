"""What becomes of a delivery when its provider, or its owner, says something about it: receipts, cancel, replay."""

from lldkit.notifications.draft import Draft
from lldkit.notifications.events import Bounced, Delivered
from lldkit.notifications.interface import ReceiptEvent, Recorded, State, UnknownDelivery
from lldkit.notifications.machine import DELIVERY, REACHED, UNSENT
from lldkit.notifications.machine import DeliveryEvent as Event
from lldkit.notifications.moves import end, free, move, stand_down, suppress
from lldkit.notifications.rows import DeliveryRow, ProviderRow, moment

__all__ = ["cancel", "name_of_provider", "receive", "record", "replay"]

MOST_HELD = 16
CAUSES = {ReceiptEvent.BOUNCED: "bounced", ReceiptEvent.COMPLAINED: "complained"}


def record(draft: Draft, provider_id: str, event: ReceiptEvent, at: int) -> Recorded:
    """A receipt under the provider's name of a message; held when nothing has that name yet."""
    known: ProviderRow = draft.get(("provider", provider_id)) or ProviderRow(provider_id, None)
    if known.delivery_id is not None:
        row = draft.delivery(known.delivery_id)
        return Recorded.STALE if row is None else receive(draft, row, event, at)
    if (event.value, at) in known.early or len(known.early) == MOST_HELD:
        return Recorded.STALE
    draft.put(known._replace(early=(*known.early, (event.value, at)), due=draft.now))
    return Recorded.HELD


def name_of_provider(draft: Draft, row: DeliveryRow, provider_id: str) -> None:
    """Remember what the provider calls a delivery, and hear what it has said of that name before."""
    known: ProviderRow | None = draft.get(("provider", provider_id))
    draft.put(ProviderRow(provider_id, row.id))
    for event, at in known.early if known is not None else ():
        latest = draft.delivery(row.id)
        if latest is not None:
            receive(draft, latest, ReceiptEvent(event), at)


def receive(draft: Draft, row: DeliveryRow, event: ReceiptEvent, at: int) -> Recorded:
    """A receipt for a delivery. It moves it only forwards; a bounce or a complaint marks the address in any state."""
    is_news = event in CAUSES and suppress(draft, row, CAUSES[event])
    move_by = Event.of(event)
    if move_by not in DELIVERY.allowed(row.state):
        return Recorded.APPLIED if is_news else Recorded.STALE
    if move_by is Event.BOUNCE:
        end(draft, row, move_by, event.value)
        draft.events.append(Bounced(draft.at, row.id, row.channel))
        return Recorded.APPLIED
    moved = move(draft, row, move_by, event.value, at=at)
    if moved.state in REACHED:
        stand_down(draft, moved)
    draft.events.append(Delivered(moment(at), row.id, row.channel, moved.state.value))
    return Recorded.APPLIED


def cancel(draft: Draft, receipt_id: str) -> int:
    """Take back what has not been sent."""
    receipt = draft.receipt(receipt_id)
    if receipt is None:
        return 0
    rows = [row for each in receipt.deliveries if (row := draft.delivery(each)) is not None]
    taken = [row for row in rows if row.state in UNSENT]
    for row in taken:
        move(draft, row, Event.CANCEL, "cancelled")
    for row in taken:
        free(draft, row)
    return len(taken)


def replay(draft: Draft, delivery_id: str) -> DeliveryRow:
    """A new series of attempts for a dead letter, under the idempotency key of the first; the same if asked again."""
    row = draft.delivery(delivery_id)
    if row is None:
        raise UnknownDelivery(delivery_id)
    receipt = draft.receipt(row.receipt_id)
    if row.state is not State.DEAD or receipt is None:
        raise ValueError(f"only dead letters can be replayed, and {delivery_id!r} is {row.state}")
    name = f"{row.id}-again"
    if (known := draft.delivery(name)) is not None:
        return known
    again = row._replace(
        id=name,
        state=State.QUEUED,
        reason="replayed",
        lane=row.channel_lane,
        due=draft.now,
        group="",
        chain="",
        attempts=0,
        delay=0.0,
        fence=0,
        provider_id=None,
        history=((draft.now, State.QUEUED, "replayed"),),
    )
    draft.put(again)
    draft.put(row._replace(group="", history=(*row.history, (draft.now, row.state, f"replayed as {name}"))))
    draft.put(receipt._replace(deliveries=(*receipt.deliveries, name)))
    return again
