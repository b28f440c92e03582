"""What moves do beyond the delivery itself: the next channel starts or stands down, dedupe keys come free."""

from typing import Any

from lldkit.notifications.draft import Draft
from lldkit.notifications.events import FallbackStarted
from lldkit.notifications.fallback import later_ones, successor
from lldkit.notifications.interface import Decision, Reason, State
from lldkit.notifications.machine import DELIVERY, REACHED, UNSENT
from lldkit.notifications.machine import DeliveryEvent as Event
from lldkit.notifications.rows import RELEASE, DedupeRow, DeliveryRow, suppression

__all__ = ["DEAD", "arm", "end", "free", "move", "siblings", "stand_down", "start_next", "suppress", "waiting_lane"]

DEAD = "dead"
"""The group of the dead letters."""
MOST_HISTORY = 50
OF_THE_DAY = {Reason.QUIET_HOURS, Reason.OUTSIDE_WINDOW}
IN_THE_WAY = frozenset({State.DEAD, State.BOUNCED, State.CANCELLED})
"""What ends so has told nobody anything."""


def move(
    draft: Draft, row: DeliveryRow, event: Event, reason: str, *, at: int | None = None, **changes: Any
) -> DeliveryRow:
    """Move a delivery, as of now or of `at`; it waits nowhere unless `changes` say so."""
    state = DELIVERY.next(row.state, event)
    history = (*row.history[1 - MOST_HISTORY :], (draft.now if at is None else at, state, reason))
    place = {"lane": "", "due": None, "group": "", **changes}
    moved = row._replace(state=state, reason=reason, history=history, **place)
    draft.put(moved)
    return moved


def waiting_lane(decision: Decision, channel_lane: str) -> str:
    """Where a deferred delivery waits: those that a time of day lets go all at once are spread out first."""
    return RELEASE if decision.reason in OF_THE_DAY else channel_lane


def siblings(draft: Draft, row: DeliveryRow) -> list[DeliveryRow]:
    """All deliveries of the same receipt."""
    receipt = draft.receipt(row.receipt_id)
    if receipt is None:
        return [row]
    draft.load([("delivery", each) for each in receipt.deliveries])
    return [found for each in receipt.deliveries if (found := draft.delivery(each)) is not None]


def end(draft: Draft, row: DeliveryRow, event: Event, reason: str) -> DeliveryRow:
    """End a delivery that has reached nobody: the next channel of its fallback starts, its dedupe key comes free."""
    ended = move(draft, row, event, reason)
    if ended.state is State.DEAD:
        ended = ended._replace(group=DEAD)
        draft.put(ended)
    if ended.state not in {State.CANCELLED, State.EXPIRED}:
        start_next(draft, ended)
    if ended.state in IN_THE_WAY:
        free(draft, ended)
    return ended


def start_next(draft: Draft, row: DeliveryRow) -> DeliveryRow | None:
    """Start the next channel of a fallback, if there is one and the time is not over."""
    receipt = draft.receipt(row.receipt_id) if row.chain else None
    if receipt is None or (receipt.expires_at is not None and receipt.expires_at <= draft.now):
        return None
    following = successor(siblings(draft, row), row)
    if following is None:
        return None
    reason, lane = f"{row.channel}: {row.reason}", following.channel_lane
    started = move(draft, following, Event.START, reason, lane=lane, due=draft.now)
    draft.events.append(FallbackStarted(draft.at, receipt.id, row.channel, started.channel))
    return started


def arm(draft: Draft, row: DeliveryRow) -> None:
    """Let the next channel of a fallback start by itself when no acknowledgement comes in time."""
    following = successor(siblings(draft, row), row) if row.ack is not None else None
    if following is not None and row.ack is not None:
        draft.put(following._replace(lane=following.channel_lane, due=draft.now + row.ack))


def stand_down(draft: Draft, row: DeliveryRow) -> None:
    """The recipient has it: the later channels of the fallback need not be tried, as far as they have not been."""
    if not row.chain:
        return
    for later in later_ones(siblings(draft, row), row):
        if later.state in UNSENT:
            move(draft, later, Event.SUPERSEDE, f"{row.channel}: {row.state}")


def free(draft: Draft, row: DeliveryRow) -> None:
    """Give back the dedupe key, unless another delivery of the receipt has reached somebody or may still."""
    receipt = draft.receipt(row.receipt_id)
    if receipt is None or receipt.dedupe_key is None:
        return
    others = [each for each in siblings(draft, row) if each.id != row.id]
    if any(each.state in REACHED | UNSENT | {State.SENDING, State.SENT, State.MERGED} for each in others):
        return
    key = DedupeRow.at(receipt.category, receipt.recipient_id, receipt.dedupe_key)
    holder: DedupeRow | None = draft.get(key)
    if holder is not None and holder.receipt_id == receipt.id:
        draft.drop(key)


def suppress(draft: Draft, row: DeliveryRow, cause: str) -> bool:
    """Put the address of a delivery on the suppression list; whether that is news. A bounce outweighs a complaint."""
    if row.address is None:
        return False
    key = suppression(row.channel, row.address)
    known: str | None = draft.get(key)
    if known is not None and cause in {known, "complained"}:
        return False
    draft.put_word(key, cause)
    return True
