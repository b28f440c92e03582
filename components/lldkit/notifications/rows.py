"""What is kept: one named tuple for each kind of row, the keys, and the way to JSON and back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from lldkit.notifications.interface import Delivery, HistoryEntry, Priority, State
from lldkit.notifications.store import Key

__all__ = [
    "DedupeRow",
    "DeliveryRow",
    "DigestRow",
    "Place",
    "ProviderRow",
    "ReceiptRow",
    "Stored",
    "joined",
    "lane_of",
    "micros",
    "moment",
    "read",
    "seen",
    "suppression",
    "written",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
RELEASE, DIGESTS, DEDUPES, EARLY = "release", "digests", "dedupes", "early"
"""Lanes beside those of the channels: deferred until a time of day, open digests, dedupe windows, held receipts."""


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - EPOCH) // TICK


def moment(at: int) -> datetime:
    """The instant (UTC) of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at)


def joined(*parts: str) -> str:
    """The parts as one text, from which no other parts can be read."""
    return "".join([f"{len(part)}:{part}" for part in parts])


def suppression(channel: str, address: str) -> Key:
    """Where it is kept why nothing goes to an address any more, in a word: bounced, complained or refused."""
    return "suppressed", joined(channel, address)


def lane_of(channel: str, priority: Priority) -> str:
    """The lane in which deliveries wait for this channel."""
    return f"{priority}/{channel}"


class Place(NamedTuple):
    """Where a row is found: in a group, and in a lane until its time has come."""

    group: str = ""
    lane: str = ""
    due: int | None = None


class Stored(Protocol):
    """What the rows have in common."""

    @property
    def key(self) -> Key:
        """Where it is kept."""
        ...

    @property
    def place(self) -> Place:
        """Where it is found."""
        ...


NOWHERE = Place()


class ReceiptRow(NamedTuple):
    """What was asked for: times in microseconds since 1970, `labels` as pairs, `data` as JSON."""

    id: str
    recipient_id: str
    category: str
    priority: Priority
    labels: tuple[tuple[str, str], ...]
    data: str
    dedupe_key: str | None
    created_at: int
    expires_at: int | None
    deliveries: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return "receipt", self.id

    @property
    def place(self) -> Place:
        """Where it is found."""
        return NOWHERE


class DeliveryRow(NamedTuple):
    """A delivery. `chain` is the route whose fallback it belongs to, at `position`; `fence` the version of its claim.

    `delay` is the last backoff in seconds, `ack` the microseconds within which a fallback wants an acknowledgement, and
    `address` the one that the last attempt used. `data` is that of a digest, else the receipt's counts.
    """

    id: str
    receipt_id: str
    idempotency_key: str
    channel: str
    priority: Priority
    state: State
    reason: str
    rule: str
    lane: str = ""
    due: int | None = None
    group: str = ""
    chain: str = ""
    position: int = 0
    ack: int | None = None
    attempts: int = 0
    delay: float = 0.0
    fence: int = 0
    address: str | None = None
    provider_id: str | None = None
    locale: str = ""
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    data: str | None = None
    history: tuple[tuple[int, State, str], ...] = ()

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return "delivery", self.id

    @property
    def place(self) -> Place:
        """Where it is found."""
        return Place(self.group, self.lane, self.due)

    @property
    def channel_lane(self) -> str:
        """Where it waits for its channel."""
        return lane_of(self.channel, self.priority)


class DedupeRow(NamedTuple):
    """The receipt that holds a dedupe key, until its window ends."""

    id: str
    receipt_id: str
    due: int

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return "dedupe", self.id

    @property
    def place(self) -> Place:
        """Where it is found."""
        return Place("", DEDUPES, self.due)

    @staticmethod
    def at(category: str, recipient_id: str, dedupe_key: str) -> Key:
        """The key of a dedupe key."""
        return "dedupe", joined(category, recipient_id, dedupe_key)


class DigestRow(NamedTuple):
    """An open digest: `kept` events are deliveries of the group `members`, those `beyond` the most are only counted.

    `by` is the name in the data by whose value the events were brought together.
    """

    id: str
    members: str
    opened: int
    due: int
    kept: int
    beyond: int
    by: str | None
    lane: str = DIGESTS

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return "digest", self.id

    @property
    def place(self) -> Place:
        """Where it is found."""
        return Place("", self.lane, self.due)

    @staticmethod
    def at(recipient_id: str, category: str, channel: str, value: str) -> Key:
        """The key of the digest of these."""
        return "digest", joined(recipient_id, category, channel, value)


class ProviderRow(NamedTuple):
    """What a provider calls a delivery; or receipts that came before anything had that name, each (event, time)."""

    id: str
    delivery_id: str | None
    early: tuple[tuple[str, int], ...] = ()
    due: int | None = None

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return "provider", self.id

    @property
    def place(self) -> Place:
        """Only what is held is looked for."""
        return Place("", EARLY, self.due) if self.early else NOWHERE


def seen(row: DeliveryRow) -> Delivery:
    """A delivery as its owner sees it."""
    history = tuple(HistoryEntry(moment(at), state, reason) for at, state, reason in row.history)
    due = None if row.due is None else moment(row.due)
    return Delivery(
        row.id,
        row.receipt_id,
        row.channel,
        row.state,
        row.attempts,
        due,
        row.provider_id,
        row.reason,
        history,
    )


def _receipt(data: list[Any]) -> ReceiptRow:
    data[3], data[4], data[9] = Priority(data[3]), tuple((name, value) for name, value in data[4]), tuple(data[9])
    return ReceiptRow(*data)


def _delivery(data: list[Any]) -> DeliveryRow:
    data[4], data[5] = Priority(data[4]), State(data[5])
    data[-1] = tuple((at, State(state), reason) for at, state, reason in data[-1])
    return DeliveryRow(*data)


def _provider(data: list[Any]) -> ProviderRow:
    data[2] = tuple((event, at) for event, at in data[2])
    return ProviderRow(*data)


READERS: dict[str, Callable[[Any], Any]] = {
    "receipt": _receipt,
    "delivery": _delivery,
    "dedupe": lambda data: DedupeRow(*data),
    "digest": lambda data: DigestRow(*data),
    "suppressed": lambda data: data,
    "provider": _provider,
}
ENCODE = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode  # rows have no circles


def written(value: Stored | str) -> str:
    """A row as JSON text."""
    return ENCODE(value)


def read(kind: str, text: str) -> Any:
    """The row of that kind that was written so."""
    return READERS[kind](json.loads(text))
