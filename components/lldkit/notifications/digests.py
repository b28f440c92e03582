"""What becomes of a digest whose time has come: one message, or none, or it stays open while nothing may be sent."""

import json
from typing import NamedTuple

from lldkit.notifications.draft import Draft
from lldkit.notifications.events import Dead, Deferred, Suppressed
from lldkit.notifications.interface import Decision, NotificationError, Reason, State, Verdict
from lldkit.notifications.machine import DeliveryEvent as Event
from lldkit.notifications.moves import end, move, waiting_lane
from lldkit.notifications.rows import DIGESTS, DeliveryRow, DigestRow, micros, moment
from lldkit.notifications.templates import Rendered, Templates, digest_data

__all__ = ["Flush", "expire_members", "flush"]


class Flush(NamedTuple):
    """A digest, those of its deliveries that still count, and what was decided as of now."""

    head: DigestRow
    members: list[DeliveryRow]
    decision: Decision


def expire_members(draft: Draft, members: list[DeliveryRow], now: int) -> list[DeliveryRow]:
    """Those that still count; the others end."""
    draft.load([("receipt", row.receipt_id) for row in members])
    left: list[DeliveryRow] = []
    for row in members:
        receipt = draft.receipt(row.receipt_id)
        if row.state is not State.DIGESTING or receipt is None:
            continue
        if receipt.expires_at is not None and receipt.expires_at <= now:
            _end(draft, row, Event.EXPIRE, Reason.EXPIRED, now)
        else:
            left.append(row)
    return left


def flush(draft: Draft, closing: Flush, templates: Templates, locale: str, now: int) -> None:
    """Close a digest: its first delivery carries what all have to say, in one transaction with the others' end.

    A digest of one says what the event alone would have said. While quiet hours or a window hold it up it stays open.
    """
    head, members, decision = closing
    if members and decision.verdict is Verdict.DEFER and decision.until is not None:
        lane = waiting_lane(decision, DIGESTS)
        draft.put(head._replace(due=micros(decision.until), lane=lane))
        first = members[0]
        draft.events.append(Deferred(moment(now), first.id, first.channel, decision.reason.value, decision.until))
        return
    draft.drop(head.key)
    if decision.verdict is Verdict.SUPPRESS:
        for row in members:
            _end(draft, row, Event.SUPPRESS, decision.reason, now)
        return
    if members:
        _carry(draft, head, members, templates, locale, now)


def _carry(
    draft: Draft, head: DigestRow, members: list[DeliveryRow], templates: Templates, locale: str, now: int
) -> None:
    first, *others = members
    carrier = move(draft, first, Event.START, now, "digest closed", lane=first.channel_lane, due=now)
    for row in others:
        move(draft, row, Event.MERGE, now, f"in the digest of {first.id}")
    if head.events == 1:
        return
    data = [json.loads(receipt.data) for row in members if (receipt := draft.receipt(row.receipt_id)) is not None]
    lines = [row.text or row.subject or "" for row in members]
    told = digest_data(data, lines, head.events, head.by)
    receipt = draft.receipt(first.receipt_id)
    try:
        category = "" if receipt is None else receipt.category
        text: Rendered = templates.render_digest(category, first.channel, locale, told)
    except NotificationError as error:  # the templates are others than when it was stored
        draft.events.append(Dead(moment(now), first.id, first.channel, 0, str(error)))
        end(draft, carrier, Event.GIVE_UP, now, str(error))
        return
    draft.put(carrier._replace(**text._asdict(), data=json.dumps(told, ensure_ascii=False)))


def _end(draft: Draft, row: DeliveryRow, event: Event, reason: Reason, now: int) -> None:
    draft.events.append(Suppressed(moment(now), row.id, row.channel, reason.value))
    end(draft, row, event, now, reason.value)
