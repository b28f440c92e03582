"""The seams of payments, and the values that cross them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from lldkit.money import Money
from lldkit.payments.tables import DisputeState, IntentState, RefundState

__all__ = [
    "AsyncGateway",
    "Capture",
    "Dispute",
    "Fact",
    "FactKind",
    "Gateway",
    "GatewayEvent",
    "GatewayReply",
    "GatewayRequest",
    "Intent",
    "Operation",
    "Received",
    "Refund",
    "ReviewItem",
    "Transition",
]


class Capture(StrEnum):
    """When money is taken: with the confirmation, or when `capture` is called."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Operation(StrEnum):
    """What a gateway can be asked for."""

    AUTHORIZE = "authorize"
    INCREMENT = "increment"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class Received(StrEnum):
    """What a webhook came to."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    """It has been delivered before."""
    STALE = "stale"
    """It says what is known, or what was true before."""
    HELD = "held"
    """Its cause has not been told yet; it is applied when it has been."""
    PARKED = "parked"
    """It contradicts what is known, or nobody here understands it: for a person to look at. It moves nothing."""


class FactKind(StrEnum):
    """What a gateway tells."""

    AUTHORIZED = "authorized"
    INCREMENTED = "incremented"
    DECLINED = "declined"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    INQUIRY_OPENED = "inquiry_opened"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_ESCALATED = "dispute_escalated"
    DISPUTE_ANSWERED = "dispute_answered"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


class Fact(NamedTuple):
    """Something that has happened at the gateway, under the key of the question, refund or dispute."""

    kind: FactKind
    key: str
    amount: int = 0
    final: bool = False


class GatewayEvent(NamedTuple):
    """A webhook, read: a fact about a payment. `fact` is None for what nobody here understands."""

    intent_id: str
    fact: Fact | None


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A question to the gateway. The same `request_key` is the same question, however often it is sent.

    `method` stands for a card and is given for AUTHORIZE only; `reference` is the gateway's name for the payment, from
    its first answer on. `final` ends the authorization with a CAPTURE.
    """

    request_key: str
    operation: Operation
    intent_id: str
    amount: Money
    method: str | None = field(default=None, repr=False)
    reference: str | None = None
    final: bool = True


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """The gateway's answer: `status` is approved, declined, action_required or pending; anything else needs a person.

    `amount` is what was approved (None: all). A decline has a `code`, and is `retryable` if the same card may succeed
    later. `next_action` is what the payer must do.
    """

    status: str
    reference: str | None = None
    amount: Money | None = None
    code: str | None = None
    retryable: bool = False
    next_action: str | None = None


class Gateway(Protocol):
    """Who moves the money. Both methods may raise GatewayTimeout and GatewayUnavailable."""

    def send(self, request: GatewayRequest, /) -> GatewayReply:
        """Do it, once however often the same key is sent."""
        ...

    def query(self, request_key: str, /) -> GatewayReply | None:
        """What was answered to this key; None if it was never seen."""
        ...


class AsyncGateway(Protocol):
    """A `Gateway` for tasks."""

    async def asend(self, request: GatewayRequest, /) -> GatewayReply:
        """As `Gateway.send`."""
        ...

    async def aquery(self, request_key: str, /) -> GatewayReply | None:
        """As `Gateway.query`."""
        ...


class Intent(NamedTuple):
    """The intention that a merchant gets an amount, and what has come of it.

    `authorized`, `captured`, `voided`, `refunded` (refunds that are under way included) and `disputed` are totals.
    `pending` is the operation that the gateway was asked for and has not answered. `attempts` counts declined cards.
    """

    id: str
    tenant: str
    merchant: str
    state: IntentState
    version: int
    amount: Money
    authorized: Money
    captured: Money
    voided: Money
    refunded: Money
    disputed: Money
    capture: Capture
    pending: Operation | None
    next_action: str | None
    authorized_until: datetime | None
    created_at: datetime
    attempts: int

    @property
    def held(self) -> Money:
        """What the gateway holds and has not taken."""
        left = self.authorized.amount - self.captured.amount - self.voided.amount
        return Money(left, self.amount.currency)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back to the payer."""

    id: str
    intent_id: str
    amount: Money
    state: RefundState


@dataclass(frozen=True, slots=True)
class Dispute:
    """Money that the payer's bank has taken back, or asks about."""

    id: str
    intent_id: str
    amount: Money
    state: DisputeState


class Transition(NamedTuple):
    """A line of a payment's history: what happened, by whom, and because of what (the key of a question, say)."""

    seq: int
    source: IntentState
    event: str
    target: IntentState
    at: datetime
    actor: str
    cause: str


class ReviewItem(NamedTuple):
    """Something for a person to look at: of which payment, what, and when it came."""

    intent_id: str
    detail: str
    at: datetime
