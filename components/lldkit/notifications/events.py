"""What a notifier tells: frozen values with the time first, and never an address or a content."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lldkit.notifications.interface import Decision

__all__ = [
    "Bounced",
    "Dead",
    "Decided",
    "Deferred",
    "Delivered",
    "FallbackStarted",
    "NotificationEvent",
    "Retried",
    "Sent",
    "Suppressed",
]


@dataclass(frozen=True, slots=True)
class Decided:
    """A notification was stored; or not, because `duplicate_of` is the same."""

    at: datetime
    receipt_id: str
    recipient_id: str
    category: str
    decisions: tuple[Decision, ...]
    duplicate_of: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A provider has taken a message."""

    at: datetime
    delivery_id: str
    channel: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A provider has told how far a message came: `state` is delivered, read or acknowledged."""

    at: datetime
    delivery_id: str
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt has failed; the next is `due`."""

    at: datetime
    delivery_id: str
    channel: str
    attempt: int
    reason: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Deferred:
    """A message waits until then, without an attempt."""

    at: datetime
    delivery_id: str
    channel: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A message will not be sent after all."""

    at: datetime
    delivery_id: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """A message came back; nothing goes to its address any more."""

    at: datetime
    delivery_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A message was given up: see `Notifier.dead_letters`."""

    at: datetime
    delivery_id: str
    channel: str
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class FallbackStarted:
    """Another channel's turn has come, because of what is said of the one before it."""

    at: datetime
    receipt_id: str
    failed: str
    channel: str


NotificationEvent: TypeAlias = (
    Decided | Sent | Delivered | Retried | Deferred | Suppressed | Bounced | Dead | FallbackStarted
)
