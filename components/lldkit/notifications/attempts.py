"""An attempt: everything is asked again, it is written down, the channel is asked, and its outcome is written down."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from lldkit.clock import MICRO
from lldkit.notifications.draft import Draft
from lldkit.notifications.events import Dead, Deferred, FallbackStarted, Retried, Sent, Suppressed
from lldkit.notifications.fallback import is_before, successor
from lldkit.notifications.interface import (
    Accepted,
    Decision,
    Later,
    Message,
    Outcome,
    Reason,
    Refused,
    State,
    Unclear,
    Verdict,
)
from lldkit.notifications.machine import DeliveryEvent as Event
from lldkit.notifications.moves import arm, end, move, siblings, suppress, waiting_lane
from lldkit.notifications.receipts import name_of_provider
from lldkit.notifications.rows import DeliveryRow, ReceiptRow, micros, moment

__all__ = ["Attempt", "Settlement", "begin", "message_of", "postpone", "put_back", "settle"]

LONGEST_DELAY = 86_400.0
"""However long a provider wants to be left alone, it is asked again after a day."""


class Attempt(NamedTuple):
    """An attempt that is written down: its delivery, the fence by which its outcome is known, and the message."""

    delivery_id: str
    fence: int
    message: Message


class Settlement(NamedTuple):
    """An outcome, the backoff in seconds should there be another attempt, and how many there may be."""

    outcome: Outcome
    delay: float
    max_attempts: int


def begin(draft: Draft, row: DeliveryRow, decision: Decision, address: str | None, max_attempts: int) -> DeliveryRow:
    """Write down what was decided as of now: an attempt begins, or the delivery waits, or it ends."""
    if decision.verdict is Verdict.DEFER and decision.until is not None:
        return _defer(draft, row, decision)
    if decision.verdict is Verdict.SUPPRESS:
        return _end(draft, row, decision.reason)
    if row.attempts >= max_attempts:  # nobody has lived to settle the last one
        return _die(draft, row, Event.GIVE_UP, "no outcome, and no attempts left")
    if row.state is State.STANDBY:  # nobody has acknowledged in time what the channel before it has sent
        before = max((each for each in siblings(draft, row) if is_before(each, row)), key=lambda each: each.position)
        draft.events.append(FallbackStarted(draft.at, row.receipt_id, before.channel, row.channel))
    fence = draft.version(row.key)
    attempts = row.attempts + 1
    lane = row.channel_lane
    return move(
        draft, row, Event.CLAIM, f"attempt {attempts}", attempts=attempts, fence=fence, address=address, lane=lane
    )


def _defer(draft: Draft, row: DeliveryRow, decision: Decision) -> DeliveryRow:
    """Wait without an attempt; but a fallback does not wait for a breaker, it goes on."""
    if decision.reason is Reason.BREAKER_OPEN and row.chain and successor(siblings(draft, row), row) is not None:
        return _end(draft, row, decision.reason)
    assert decision.until is not None  # noqa: S101 - a deferral has a time
    draft.events.append(Deferred(draft.at, row.id, row.channel, decision.reason.value, decision.until))
    if row.state is State.SENDING:  # its worker was lost
        row = move(draft, row, Event.RETRY, "no outcome")
    lane, due = waiting_lane(decision, row.channel_lane), micros(decision.until)
    return move(draft, row, Event.WAIT, decision.reason.value, lane=lane, due=due)


def _end(draft: Draft, row: DeliveryRow, reason: Reason) -> DeliveryRow:
    draft.events.append(Suppressed(draft.at, row.id, row.channel, reason.value))
    return end(draft, row, Event.EXPIRE if reason is Reason.EXPIRED else Event.SUPPRESS, reason.value)


def _die(draft: Draft, row: DeliveryRow, event: Event, reason: str) -> DeliveryRow:
    draft.events.append(Dead(draft.at, row.id, row.channel, row.attempts, reason))
    return end(draft, row, event, reason)


def message_of(row: DeliveryRow, asked: ReceiptRow, address: str, headers: Mapping[str, str]) -> Message:
    """What the channel gets."""
    return Message(
        id=row.id,
        idempotency_key=row.idempotency_key,
        channel=row.channel,
        category=asked.category,
        priority=asked.priority,
        recipient_id=asked.recipient_id,
        address=address,
        locale=row.locale,
        subject=row.subject,
        text=row.text,
        html=row.html,
        headers=headers,
        data=json.loads(row.data or asked.data),
        attempt=row.attempts,
    )


def settle(draft: Draft, delivery_id: str, fence: int, settlement: Settlement) -> bool:
    """Write an outcome down; False if the delivery belongs to another attempt by now, whose outcome counts."""
    row = draft.delivery(delivery_id)
    if row is None or row.fence != fence:
        return False
    outcome = settlement.outcome
    if isinstance(outcome, Accepted):
        _accept(draft, row, outcome)
    elif row.state is not State.SENDING:
        return True  # a receipt came first, and says more
    elif isinstance(outcome, Refused):
        if outcome.bad_address:
            suppress(draft, row, "refused")
        _die(draft, row, Event.REFUSE, outcome.reason)
    elif row.attempts >= settlement.max_attempts:
        _die(draft, row, Event.GIVE_UP, outcome.reason)
    else:
        _retry(draft, row, outcome, settlement.delay)
    return True


def _accept(draft: Draft, row: DeliveryRow, outcome: Accepted) -> None:
    if row.state is State.SENDING:
        row = move(draft, row, Event.ACCEPT, "accepted", provider_id=outcome.provider_id)
        draft.events.append(Sent(draft.at, row.id, row.channel, row.attempts))
        arm(draft, row)
    else:
        row = row._replace(provider_id=outcome.provider_id)
        draft.put(row)
    name_of_provider(draft, row, outcome.provider_id)


def _retry(draft: Draft, row: DeliveryRow, outcome: Later | Unclear, delay: float) -> None:
    wanted = outcome.retry_after if isinstance(outcome, Later) else None
    seconds = min(max(delay, wanted or 0.0), LONGEST_DELAY)
    due = draft.now + round(seconds * MICRO)
    retried = move(draft, row, Event.RETRY, outcome.reason, lane=row.channel_lane, due=due, delay=delay)
    draft.events.append(Retried(draft.at, row.id, row.channel, row.attempts, outcome.reason, moment(due)))
    if isinstance(outcome, Unclear) and row.attempts == 1:
        arm(draft, retried)


def postpone(draft: Draft, row: DeliveryRow, reason: str, seconds: float) -> None:
    """Nobody can say what to do with it now, so it waits, without an attempt."""
    if row.state is State.SENDING:
        row = move(draft, row, Event.RETRY, "no outcome")
    due = draft.now + round(seconds * MICRO)
    draft.events.append(Deferred(draft.at, row.id, row.channel, reason, moment(due)))
    move(draft, row, Event.WAIT, reason, lane=row.channel_lane, due=due)


def put_back(draft: Draft, delivery_id: str, fence: int) -> None:
    """Break off what was claimed with that fence, perhaps after it was sent: the next attempt may begin at once."""
    row = draft.delivery(delivery_id)
    if row is None:
        return
    if row.fence == fence and row.state is State.SENDING:
        move(draft, row, Event.RETRY, "broken off", lane=row.channel_lane, due=draft.now)
    elif draft.version(row.key) == fence:
        draft.put(row)
