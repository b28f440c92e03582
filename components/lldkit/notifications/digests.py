"""What becomes of a digest whose time has come: one message, or none, or it stays open while nothing may be sent."""

import json
from typing import NamedTuple

from lldkit.notifications.draft import Draft
from lldkit.notifications.events import Dead, Deferred, Suppressed
from lldkit.notifications.interface import Decision, NotificationError, Reason, State, Verdict
from lldkit.notifications.machine import DeliveryEvent as Event
from lldkit.notifications.moves import end, move, waiting_lane
from lldkit.notifications.rows import DIGESTS, DeliveryRow, DigestRow, micros
from lldkit.notifications.templates import Rendered, Templates, digest_data

__all__ = ["Flush", "expire_members", "flush"]


class Flush(NamedTuple):
    """A digest, those of its deliveries that still count, and what was decided as of now."""

    head: DigestRow
    members: list[DeliveryRow]
    decision: Decision


def expire_members(draft: Draft, members: list[DeliveryRow]) -> list[DeliveryRow]:
    """Those that still count; the others end."""
    draft.load([("receipt", row.receipt_id) for row in members])
    left: list[DeliveryRow] = []
    for row in members:
        receipt = draft.receipt(row.receipt_id)
        if row.state is not State.DIGESTING or receipt is None:
            continue
        if receipt.expires_at is not None and receipt.expires_at <= draft.now:
            _end(draft, row, Event.EXPIRE, Reason.EXPIRED)
        else:
            left.append(row)
    return left


def flush(draft: Draft, closing: Flush, templates: Templates, locale: str) -> None:
    """Close a digest: its first delivery carries what all have to say, in one transaction with the others' end.

    A digest of one says what the event alone would have said. While quiet hours or a window hold it up it stays open.
    """
    head, members, decision = closing
    if members and decision.verdict is Verdict.DEFER and decision.until is not None:
        lane = waiting_lane(decision, DIGESTS)
        draft.put(head._replace(due=micros(decision.until), lane=lane))
        first = members[0]
        draft.events.append(Deferred(draft.at, first.id, first.channel, decision.reason.value, decision.until))
        return
    draft.drop(head.key)
    if decision.verdict is Verdict.SUPPRESS:
        for row in members:
            _end(draft, row, Event.SUPPRESS, decision.reason)
        return
    if members:
        _carry(draft, head, members, templates, locale)


def _carry(draft: Draft, head: DigestRow, members: list[DeliveryRow], templates: Templates, locale: str) -> None:
    first, *others = members
    carrier = move(draft, first, Event.START, "digest closed", lane=first.channel_lane, due=draft.now)
    for row in others:
        move(draft, row, Event.MERGE, f"in the digest of {first.id}")
    if len(members) + head.beyond == 1:
        return
    data = [json.loads(receipt.data) for row in members if (receipt := draft.receipt(row.receipt_id)) is not None]
    lines = [row.text or row.subject or "" for row in members]
    told = digest_data(data, lines, head.beyond, head.by)
    receipt = draft.receipt(first.receipt_id)
    try:
        category = "" if receipt is None else receipt.category
        text: Rendered = templates.render_digest(category, first.channel, locale, told)
    except Exception as error:  # noqa: BLE001 - a template that is another than when it was stored costs its own digest
        reason = str(error) if isinstance(error, NotificationError) else type(error).__name__
        draft.events.append(Dead(draft.at, first.id, first.channel, 0, reason))
        end(draft, carrier, Event.GIVE_UP, reason)
        return
    draft.put(carrier._replace(**text._asdict(), data=json.dumps(told, ensure_ascii=False)))


def _end(draft: Draft, row: DeliveryRow, event: Event, reason: Reason) -> None:
    draft.events.append(Suppressed(draft.at, row.id, row.channel, reason.value))
    end(draft, row, event, reason.value)
