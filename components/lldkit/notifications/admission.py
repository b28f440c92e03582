"""How a notification is stored: one receipt, and one delivery for every channel that was decided about."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lldkit.clock import MICRO
from lldkit.notifications.decide import Choice
from lldkit.notifications.digest import closes_at
from lldkit.notifications.draft import Draft
from lldkit.notifications.interface import Mode, Reason, State, Verdict
from lldkit.notifications.moves import waiting_lane
from lldkit.notifications.rows import DedupeRow, DeliveryRow, DigestRow, ReceiptRow, lane_of, micros
from lldkit.notifications.templates import Rendered

__all__ = ["Admission", "admit", "digest_key"]

STATES = {
    Verdict.SEND: State.QUEUED,
    Verdict.DEFER: State.DEFERRED,
    Verdict.DIGEST: State.DIGESTING,
    Verdict.STANDBY: State.STANDBY,
    Verdict.SUPPRESS: State.SUPPRESSED,
}
NOT_RENDERED = Rendered("", None, None, None)


class Admission(NamedTuple):
    """A notification, what was decided, and how it reads on each channel that may send it."""

    asked: ReceiptRow
    choices: Sequence[Choice]
    rendered: Mapping[str, Rendered]
    dedupe_until: int


def digest_key(asked: ReceiptRow, channel: str, value: str) -> tuple[str, str]:
    """The key of the digest that collects this; `value` is what the data have under the digest's key."""
    return DigestRow.at(asked.recipient_id, asked.category, channel, value)


def admit(draft: Draft, admission: Admission, digest_values: Mapping[str, str]) -> None:
    """Store a notification that is no duplicate; its dedupe key is held if anything may be sent."""
    asked, choices, rendered, dedupe_until = admission
    rows = [
        _delivery(asked, number, choice, rendered.get(choice.decision.channel, NOT_RENDERED))
        for number, choice in enumerate(choices, start=1)
    ]
    for row, choice in zip(rows, choices, strict=True):
        if row.state is State.DIGESTING:
            draft.put(_collect(draft, asked, row, choice, digest_values[row.channel]))
        else:
            draft.put(row)
    draft.put(asked._replace(deliveries=tuple(row.id for row in rows)))
    if asked.dedupe_key is not None and any(choice.decision.verdict is not Verdict.SUPPRESS for choice in choices):
        _, name = DedupeRow.at(asked.category, asked.recipient_id, asked.dedupe_key)
        draft.put(DedupeRow(name, asked.id, dedupe_until))


def _delivery(asked: ReceiptRow, number: int, choice: Choice, rendered: Rendered) -> DeliveryRow:
    """The first row of a delivery."""
    decision, node, position = choice
    state = State.EXPIRED if decision.reason is Reason.EXPIRED else STATES[decision.verdict]
    lane, due = "", None
    if state is State.QUEUED:
        lane, due = lane_of(decision.channel, asked.priority), asked.created_at
    elif state is State.DEFERRED and decision.until is not None:
        lane = waiting_lane(decision, lane_of(decision.channel, asked.priority))
        due = micros(decision.until)
    is_chain = node.route.mode is Mode.FALLBACK
    ack = node.route.ack_timeout_seconds if is_chain else None
    name, reason = f"{asked.id}-{number}", str(decision.reason)
    return DeliveryRow(
        id=name,
        receipt_id=asked.id,
        idempotency_key=name,
        channel=decision.channel,
        priority=asked.priority,
        state=state,
        reason=reason,
        rule=decision.rule,
        lane=lane,
        due=due,
        chain=node.path if is_chain else "",
        position=position,
        ack=None if ack is None else round(ack * MICRO),
        locale=rendered.locale,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        history=((asked.created_at, state, reason),),
    )


def _collect(draft: Draft, asked: ReceiptRow, row: DeliveryRow, choice: Choice, value: str) -> DeliveryRow:
    """Put an event into its digest, or open one; beyond the most items it is only counted."""
    terms, key, now = choice.node.route.digest, digest_key(asked, row.channel, value), asked.created_at
    assert terms is not None  # noqa: S101 - else it would not have been decided so
    head: DigestRow | None = draft.get(key)
    if head is None:
        head = DigestRow(key[1], row.id, now, now, 0, 0, terms.key)
    head = head._replace(due=max(head.due, closes_at(terms, head.opened, now)))
    if head.kept == terms.max_items:
        draft.put(head._replace(beyond=head.beyond + 1))
        return row._replace(state=State.MERGED, history=((now, State.MERGED, row.reason),))
    draft.put(head._replace(kept=head.kept + 1))
    return row._replace(group=head.members)
