"""The words of notifications: what a user says, what channels and stores answer, what is told, and how it can fail."""

import copyreg
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from lldkit.errors import LldkitError

__all__ = [
    "Accepted",
    "AddressError",
    "AsyncChannel",
    "Channel",
    "Decision",
    "Delivery",
    "HeaderInjection",
    "HistoryEntry",
    "JsonValue",
    "Later",
    "MatcherSyntaxError",
    "Message",
    "MissingVariable",
    "Mode",
    "NotificationError",
    "Outcome",
    "Priority",
    "Reason",
    "Receipt",
    "ReceiptEvent",
    "Recorded",
    "Refused",
    "RunReport",
    "State",
    "StoreUnavailable",
    "TargetRefused",
    "Unclear",
    "UnknownDelivery",
    "UnknownTemplate",
    "Verdict",
]

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None


class Priority(StrEnum):
    """How urgent a notification is; each has a lane of its own."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Mode(StrEnum):
    """What several channels of a route are: all of them, or each for when the one before it has failed."""

    ALL = "all"
    FALLBACK = "fallback"


class Verdict(StrEnum):
    """What was decided for one channel."""

    SEND = "send"
    DEFER = "defer"
    DIGEST = "digest"
    STANDBY = "standby"
    SUPPRESS = "suppress"


class Reason(StrEnum):
    """Why it was decided so."""

    ROUTED = "routed"
    QUIET_HOURS = "quiet_hours"
    OUTSIDE_WINDOW = "outside_window"
    RATE_LIMITED = "rate_limited"
    IN_DIGEST = "in_digest"
    FALLBACK = "fallback"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    SUPPRESSED_ADDRESS = "suppressed_address"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    BREAKER_OPEN = "breaker_open"


class State(StrEnum):
    """Where a delivery stands; `lldkit.notifications.DELIVERY` has the moves."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    DIGESTING = "digesting"
    STANDBY = "standby"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """Another channel of a fallback has reached the recipient."""
    DEAD = "dead"
    MERGED = "merged"
    """Sent as part of a digest."""


class ReceiptEvent(StrEnum):
    """What a provider, or the recipient through it, tells about a message that was sent."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """It came back for good: the address is suppressed."""
    READ = "read"
    ACKNOWLEDGED = "acknowledged"
    COMPLAINED = "complained"
    """Reported as unwanted: the address is suppressed."""


class Recorded(StrEnum):
    """What became of a provider's receipt."""

    APPLIED = "applied"
    STALE = "stale"
    """It tells what is known, or what was true before."""
    HELD = "held"
    """Nothing sent has this id yet; it is applied as soon as something has."""


# --- what a channel gets, and what it answers ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel brings to one address; `repr` shows neither address nor content.

    `id` is the delivery's and the same on every attempt, as is `idempotency_key`, by which a provider knows
    repetitions; `attempt` counts from 1. `headers` are for the channels that have any.
    """

    id: str
    idempotency_key: str
    channel: str
    category: str
    priority: Priority
    recipient_id: str
    address: str = field(repr=False)
    locale: str = "en"
    subject: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    data: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the message, under its name `provider_id`."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not sent; it may work in `retry_after` seconds (None: nobody knows)."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not sent, and never will be; with `bad_address` nothing else will be either."""

    reason: str
    bad_address: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """Perhaps sent: no answer came, or one that nobody understands."""

    reason: str


Outcome: TypeAlias = Accepted | Later | Refused | Unclear


class Channel(Protocol):
    """Brings messages to people or machines. What it raises counts as `Unclear`. Called by several threads."""

    @property
    def name(self) -> str:
        """What routes and templates call it."""
        ...

    def send(self, message: Message, /) -> Outcome:
        """Send once; the same idempotency key again is the same message."""
        ...


class AsyncChannel(Protocol):
    """A `Channel` for tasks."""

    @property
    def name(self) -> str:
        """What routes and templates call it."""
        ...

    async def asend(self, message: Message, /) -> Outcome:
        """As `Channel.send`."""
        ...


# --- what the notifier answers ---


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for a channel, and why: `until` when it waits, and the `rule` that said so."""

    channel: str
    verdict: Verdict
    reason: Reason
    until: datetime | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one `notify`; `duplicate_of` is the receipt that had the same dedupe key before."""

    id: str
    decisions: tuple[Decision, ...]
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A step in the life of a delivery."""

    at: datetime
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient over one channel, and where it stands; `due_at` is when it is looked at next."""

    id: str
    receipt_id: str
    channel: str
    state: State
    attempts: int
    due_at: datetime | None
    provider_id: str | None
    reason: str
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """How many deliveries one `run_due` brought where."""

    sent: int = 0
    retried: int = 0
    deferred: int = 0
    suppressed: int = 0
    dead: int = 0


# --- errors ---


class NotificationError(LldkitError):
    """Base of the errors of this room."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UnknownTemplate(NotificationError):
    """There is no template for this category on this channel."""

    def __init__(self, category: str, channel: str) -> None:
        super().__init__(f"no template for category {category!r} on channel {channel!r}")
        self.category = category
        self.channel = channel


class MissingVariable(NotificationError):
    """A template names a variable that the data lack; nothing was stored."""

    def __init__(self, name: str, template: str) -> None:
        super().__init__(f"the template {template!r} needs the variable {name!r}, which the data lack")
        self.name = name
        self.template = template


class MatcherSyntaxError(NotificationError, ValueError):
    """A text that is no list of matchers, and the position (from 0) where that shows."""

    def __init__(self, text: str, position: int, problem: str = "expected name=value") -> None:
        super().__init__(f"{text!r} at character {position}: {problem}")
        self.text = text
        self.position = position


class AddressError(NotificationError, ValueError):
    """A text that is no mail address, and the position (from 0) where that shows; the message does not quote it."""

    def __init__(self, text: str, position: int, problem: str = "not an address") -> None:
        super().__init__(f"character {position} of {len(text)}: {problem}; expected one such as user@example.com")
        self.text = text
        self.position = position


class TargetRefused(NotificationError):
    """A webhook must not go to this `url`; the message names the `reason` only, because a URL may hold secrets."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the target is refused: {reason}")
        self.url = url
        self.reason = reason


class HeaderInjection(NotificationError, ValueError):
    """The header `field` would hold a line break or another control character, by which more headers could be added."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the header {field!r} must not hold line breaks or control characters")
        self.field = field


class UnknownDelivery(NotificationError):
    """The store has no such delivery; it may have been pruned."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the field is called so everywhere
        super().__init__(f"there is no delivery {id!r}; it may have been pruned")
        self.id = id


class StoreUnavailable(NotificationError):
    """The store cannot answer now; ask again in `retry_after` seconds."""

    def __init__(self, store: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{store} cannot answer now; try again in {retry_after:g} s")
        self.store = store
        self.retry_after = retry_after
