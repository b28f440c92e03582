"""Take money through a gateway, once, whatever dies on the way.

    pay = Payments(store=SQLiteStore("shop.db"), gateway=gateway, verifier=StandardWebhooks(secrets=[...]))
    order = pay.create(Money.parse("100.00", "USD"), merchant="acme", idempotency_key="order-42")
    pay.confirm(order.id, method="card token", idempotency_key="order-42-pay")     # authorized, and captured
    pay.receive(request.body, request.headers)                                     # webhooks, in whatever order
    pay.recover(); pay.expire()                                                    # from time to time

State, history, double-entry ledger, idempotency keys and outgoing messages change in one transaction. `Ledger` and
`Idempotency` work alone too. `explore` kills a scenario at every call and looks at what is left. Engines are imported
by module: `lldkit.payments.sqlite`, `lldkit.payments.postgres`.
"""

from lldkit.machine import InvalidTransition, Machine
from lldkit.money import CurrencyMismatch, Money
from lldkit.payments.books import account_id
from lldkit.payments.canonical import JsonValue, canonical_json, fingerprint, parse_idempotency_key
from lldkit.payments.errors import (
    AccountConflict,
    AmountExceeded,
    CardDeclined,
    GatewayTimeout,
    GatewayUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyInvalid,
    IdempotencyMismatch,
    LeaseLost,
    LedgerRefused,
    OperationInProgress,
    OutcomeUnknown,
    PaymentError,
    StaleVersion,
    StoreUnavailable,
    UnknownAccount,
    UnknownIntent,
)
from lldkit.payments.events import (
    Declined,
    External,
    Held,
    Overdrawn,
    Parked,
    PaymentEvent,
    Recovered,
    Transitioned,
    Unknown,
)
from lldkit.payments.explore import explore
from lldkit.payments.fake_gateway import Effects, FakeGateway, Faults
from lldkit.payments.idempotency import Claim, Idempotency, Replay
from lldkit.payments.interface import (
    AsyncGateway,
    Capture,
    Dispute,
    Fact,
    FactKind,
    Gateway,
    GatewayEvent,
    GatewayReply,
    GatewayRequest,
    Intent,
    Operation,
    Received,
    Refund,
    ReviewItem,
    Transition,
)
from lldkit.payments.ledger import Ledger
from lldkit.payments.memory import MemoryStore
from lldkit.payments.outbox import Outbox, OutboxMessage
from lldkit.payments.payments import Payments, new_id
from lldkit.payments.receiving import Delivery
from lldkit.payments.reconciliation import Movement, Reconciliation, StatementRow
from lldkit.payments.store import CLOCK, Change, Key, Query, Row, Store, Write
from lldkit.payments.tables import (
    DISPUTE,
    INTENT,
    REFUND,
    DisputeEvent,
    DisputeState,
    IntentEvent,
    IntentState,
    RefundEvent,
    RefundState,
)
from lldkit.payments.transfers import (
    AMOUNT_MAX,
    Account,
    AccountLimit,
    Balance,
    PendingState,
    StoredTransfer,
    Transfer,
    TransferKind,
    TransferStatus,
)
from lldkit.payments.webhooks import event_body, parse_event
from lldkit.webhooks import SignatureInvalid, StandardWebhooks, Verified

__all__ = [
    "AMOUNT_MAX",
    "CLOCK",
    "DISPUTE",
    "INTENT",
    "REFUND",
    "Account",
    "AccountConflict",
    "AccountLimit",
    "AmountExceeded",
    "AsyncGateway",
    "Balance",
    "Capture",
    "CardDeclined",
    "Change",
    "Claim",
    "CurrencyMismatch",
    "Declined",
    "Delivery",
    "Dispute",
    "DisputeEvent",
    "DisputeState",
    "Effects",
    "External",
    "Fact",
    "FactKind",
    "FakeGateway",
    "Faults",
    "Gateway",
    "GatewayEvent",
    "GatewayReply",
    "GatewayRequest",
    "GatewayTimeout",
    "GatewayUnavailable",
    "Held",
    "Idempotency",
    "IdempotencyInProgress",
    "IdempotencyKeyInvalid",
    "IdempotencyMismatch",
    "Intent",
    "IntentEvent",
    "IntentState",
    "InvalidTransition",
    "JsonValue",
    "Key",
    "LeaseLost",
    "Ledger",
    "LedgerRefused",
    "Machine",
    "MemoryStore",
    "Money",
    "Movement",
    "Operation",
    "OperationInProgress",
    "Outbox",
    "OutboxMessage",
    "OutcomeUnknown",
    "Overdrawn",
    "Parked",
    "PaymentError",
    "PaymentEvent",
    "Payments",
    "PendingState",
    "Query",
    "Received",
    "Reconciliation",
    "Recovered",
    "Refund",
    "RefundEvent",
    "RefundState",
    "Replay",
    "ReviewItem",
    "Row",
    "SignatureInvalid",
    "StaleVersion",
    "StandardWebhooks",
    "StatementRow",
    "Store",
    "StoreUnavailable",
    "StoredTransfer",
    "Transfer",
    "TransferKind",
    "TransferStatus",
    "Transition",
    "Transitioned",
    "Unknown",
    "UnknownAccount",
    "UnknownIntent",
    "Verified",
    "Write",
    "account_id",
    "canonical_json",
    "event_body",
    "explore",
    "fingerprint",
    "new_id",
    "parse_event",
    "parse_idempotency_key",
]
