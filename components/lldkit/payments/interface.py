"""The seams of payments, the values that cross them, and its errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from lldkit.errors import LldkitError
from lldkit.money import Money
from lldkit.payments.tables import DisputeState, IntentState, RefundState
from lldkit.payments.transfers import Transfer, TransferStatus

__all__ = [
    "AccountConflict",
    "AmountExceeded",
    "AsyncGateway",
    "Capture",
    "CardDeclined",
    "Dispute",
    "Fact",
    "FactKind",
    "Gateway",
    "GatewayEvent",
    "GatewayReply",
    "GatewayRequest",
    "GatewayTimeout",
    "GatewayUnavailable",
    "IdempotencyInProgress",
    "IdempotencyKeyInvalid",
    "IdempotencyMismatch",
    "Intent",
    "LeaseLost",
    "LedgerRefused",
    "Operation",
    "OperationInProgress",
    "OutcomeUnknown",
    "PaymentError",
    "Received",
    "Refund",
    "StaleVersion",
    "StoreUnavailable",
    "Transition",
    "UnknownAccount",
    "UnknownIntent",
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


@dataclass(frozen=True, slots=True)
class Intent:
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
        return self.authorized - self.captured - self.voided


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


@dataclass(frozen=True, slots=True)
class Transition:
    """A line of a payment's history: what happened, by whom, and because of what (the key of a question, say)."""

    seq: int
    source: IntentState
    event: str
    target: IntentState
    at: datetime
    actor: str
    cause: str


class PaymentError(LldkitError):
    """Whatever a payment refuses."""


class AmountExceeded(PaymentError):
    """More was `requested` than is `available`."""

    def __init__(self, requested: Money, available: Money) -> None:
        super().__init__(f"{requested} was requested, {available} is available")
        self.requested = requested
        self.available = available

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.requested, self.available)


class GatewayTimeout(PaymentError):
    """No answer came in time: the gateway has done it, or it has not."""


class GatewayUnavailable(PaymentError):
    """The gateway has not taken the question; it may in `retry_after` seconds (None: nobody knows)."""

    def __init__(self, retry_after: float | None = None) -> None:
        hint = "" if retry_after is None else f"; try again in {retry_after:g} s"
        super().__init__(f"the gateway is unavailable{hint}")
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.retry_after,)


class OperationInProgress(PaymentError):
    """The gateway was asked for another `operation` and has not answered; try again in `retry_after` seconds."""

    def __init__(self, operation: Operation, retry_after: float) -> None:
        super().__init__(f"{operation} is under way; try again in {retry_after:g} s")
        self.operation = operation
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.operation, self.retry_after)


class IdempotencyKeyInvalid(PaymentError, ValueError):
    """A header that holds no idempotency key."""


class IdempotencyMismatch(PaymentError):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was used with other parameters; a new request needs a new key")


class IdempotencyInProgress(PaymentError):
    """Somebody is at work on this request; its outcome is known in `retry_after` seconds at the latest."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"this request is under way; try again in {retry_after:g} s")
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.retry_after,)


class LeaseLost(PaymentError):
    """Somebody else has taken over, because the lease of `fence` was over: what was done here does not count."""

    def __init__(self, fence: int) -> None:
        super().__init__(f"another owner has taken over from fence {fence}")
        self.fence = fence

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.fence,)


class UnknownIntent(PaymentError):
    """There is no intent of this id."""

    def __init__(self, intent_id: str) -> None:
        super().__init__(f"there is no intent {intent_id!r}")
        self.intent_id = intent_id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.intent_id,)


class CardDeclined(PaymentError):
    """The gateway has declined, with a `code`; `retryable` if the same card may succeed later."""

    def __init__(self, code: str, retryable: bool, intent: Intent) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.retryable = retryable
        self.intent = intent

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.code, self.retryable, self.intent)


class OutcomeUnknown(PaymentError):
    """The answer was lost: whether it has happened is for `recover` to find out. Do not ask again under a new key."""

    def __init__(self, intent_id: str, request_key: str, retry_after: float) -> None:
        super().__init__(f"the outcome of {request_key} is unknown; recover finds it out")
        self.intent_id = intent_id
        self.request_key = request_key
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.intent_id, self.request_key, self.retry_after)


class StoreUnavailable(PaymentError):
    """The store does not answer, or cannot write; nothing half-done is left."""

    def __init__(self, store: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{store} does not answer; try again in {retry_after:g} s")
        self.store = store
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.store, self.retry_after)


class StaleVersion(PaymentError):
    """Another writer was faster, again and again: `id` has version `found`, `expected` was another. Try again."""

    def __init__(self, id: str, expected: int, found: int) -> None:  # noqa: A002 - it is called so everywhere
        super().__init__(f"{id} has version {found}, expected {expected}")
        self.id = id
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.id, self.expected, self.found)


class UnknownAccount(PaymentError):
    """No account of this id has been opened."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"no account {account_id!r} has been opened")
        self.account_id = account_id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.account_id,)


class AccountConflict(PaymentError):
    """The account is open already, with another `field`."""

    def __init__(self, account_id: str, field: str) -> None:
        super().__init__(f"account {account_id!r} is open already, with another {field}")
        self.account_id = account_id
        self.field = field

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.account_id, self.field)


class LedgerRefused(PaymentError):
    """The ledger made none of the transfers, because of the `status` of one of them."""

    def __init__(self, status: TransferStatus, transfer: Transfer) -> None:
        super().__init__(f"transfer {transfer.id!r} was refused: {status}")
        self.status = status
        self.transfer = transfer

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.status, self.transfer)
