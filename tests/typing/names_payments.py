"""What a type checker must make of every public name of lldkit.payments; generated, checked, never run."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from lldkit.payments import AMOUNT_MAX, Account, AccountConflict, AccountLimit, AmountExceeded, AsyncGateway, Balance, CLOCK, Capture, CardDeclined, Change, Claim, CurrencyMismatch, DISPUTE, Declined, Delivery, Dispute, DisputeEvent, DisputeState, Effects, External, Fact, FactKind, FakeGateway, Faults, Gateway, GatewayEvent, GatewayReply, GatewayRequest, GatewayTimeout, GatewayUnavailable, Held, INTENT, Idempotency, IdempotencyInProgress, IdempotencyKeyInvalid, IdempotencyMismatch, Intent, IntentEvent, IntentState, InvalidTransition, JsonValue, Key, LeaseLost, Ledger, LedgerRefused, Machine, MemoryStore, Money, Movement, Operation, OperationInProgress, Outbox, OutboxMessage, OutcomeUnknown, Overdrawn, Parked, PaymentError, PaymentEvent, Payments, PendingState, Query, REFUND, Received, Reconciliation, Recovered, Refund, RefundEvent, RefundState, Replay, ReviewItem, Row, SignatureInvalid, StaleVersion, StandardWebhooks, StatementRow, Store, StoreUnavailable, StoredTransfer, Transfer, TransferKind, TransferStatus, Transition, Transitioned, Unknown, UnknownAccount, UnknownIntent, Verified, Write, account_id, canonical_json, event_body, explore, fingerprint, new_id, parse_event, parse_idempotency_key
from lldkit.simulation.interface import CrashReport
from typing import Any, assert_type

def n0() -> object: return AMOUNT_MAX
def n1() -> object: return CLOCK
def n2() -> object: return DISPUTE
def n3() -> object: return INTENT
def n4() -> object: return REFUND
def n5(x: Account) -> None: assert_type(x.id, str); assert_type(x.currency, str); assert_type(x.code, int); assert_type(x.limit, AccountLimit)
def n6(x: AccountConflict) -> None: assert_type(x.id, str); assert_type(x.field, str)
def n7() -> AccountLimit: return AccountLimit.NONE
def n8(x: AmountExceeded) -> None: assert_type(x.requested, Money); assert_type(x.available, Money)
def n9(x: AsyncGateway) -> None: del x
def n10(x: Balance) -> None: assert_type(x.debits_pending, int); assert_type(x.debits_posted, int); assert_type(x.credits_pending, int); assert_type(x.credits_posted, int)
def n11() -> Capture: return Capture.AUTOMATIC
def n12(x: CardDeclined) -> None: assert_type(x.code, str); assert_type(x.retryable, bool); assert_type(x.intent, Intent)
def n13(x: Change) -> None: assert_type(x.writes, tuple[Write, ...])
def n14(x: Claim) -> None: assert_type(x.key, Key); assert_type(x.fence, int); assert_type(x.is_new, bool)
def n15(x: CurrencyMismatch) -> None: assert_type(x.expected, str); assert_type(x.found, str)
def n16(x: Declined) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.code, str | None)
def n17(x: Delivery) -> None: assert_type(x.body, bytes); assert_type(x.headers, Mapping[str, str])
def n18(x: Dispute) -> None: assert_type(x.id, str); assert_type(x.intent_id, str); assert_type(x.amount, Money); assert_type(x.state, DisputeState)
def n19() -> DisputeEvent: return DisputeEvent.ESCALATE
def n20() -> DisputeState: return DisputeState.INQUIRY
def n21(x: Effects) -> None: assert_type(x.authorized, int); assert_type(x.captured, int); assert_type(x.voided, int); assert_type(x.refunded, int); assert_type(x.money_calls, int)
def n22(x: External) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.key, str)
def n23(x: Fact) -> None: assert_type(x.kind, FactKind); assert_type(x.key, str); assert_type(x.amount, int); assert_type(x.final, bool)
def n24() -> FactKind: return FactKind.AUTHORIZED
def n25(x: FakeGateway) -> None: assert_type(x.faults, Faults)
def n26(x: Faults) -> None: assert_type(x.timeout_before, float); assert_type(x.timeout_after, float); assert_type(x.unavailable, float); assert_type(x.duplicate_webhooks, float)
def n27(x: Gateway) -> None: del x
def n28(x: GatewayEvent) -> None: assert_type(x.intent_id, str); assert_type(x.fact, Fact | None)
def n29(x: GatewayReply) -> None: assert_type(x.status, str); assert_type(x.reference, str | None); assert_type(x.amount, Money | None); assert_type(x.code, str | None); assert_type(x.retryable, bool); assert_type(x.next_action, str | None)
def n30(x: GatewayRequest) -> None: assert_type(x.request_key, str); assert_type(x.operation, Operation); assert_type(x.intent_id, str); assert_type(x.amount, Money); assert_type(x.method, str | None); assert_type(x.reference, str | None); assert_type(x.final, bool)
def n31(x: GatewayTimeout) -> None: del x
def n32(x: GatewayUnavailable) -> None: assert_type(x.retry_after, float | None)
def n33(x: Held) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.key, str)
def n34(x: Idempotency) -> None: del x
def n35(x: IdempotencyInProgress) -> None: assert_type(x.retry_after, float)
def n36(x: IdempotencyKeyInvalid) -> None: del x
def n37(x: IdempotencyMismatch) -> None: del x
def n38(x: Intent) -> None: assert_type(x.id, str); assert_type(x.tenant, str); assert_type(x.merchant, str); assert_type(x.state, IntentState); assert_type(x.version, int); assert_type(x.amount, Money); assert_type(x.authorized, Money); assert_type(x.captured, Money); assert_type(x.voided, Money); assert_type(x.refunded, Money); assert_type(x.disputed, Money); assert_type(x.capture, Capture); assert_type(x.pending, Operation | None); assert_type(x.next_action, str | None); assert_type(x.authorized_until, datetime | None); assert_type(x.created_at, datetime); assert_type(x.attempts, int); assert_type(x.held, Money)
def n39() -> IntentEvent: return IntentEvent.CONFIRM
def n40() -> IntentState: return IntentState.CREATED
def n41(x: InvalidTransition) -> None: assert_type(x.machine, str); assert_type(x.state, Enum); assert_type(x.event, Enum); assert_type(x.allowed, frozenset[Enum])
def n42() -> object: return JsonValue
def n43() -> object: return Key
def n44(x: LeaseLost) -> None: assert_type(x.fence, int)
def n45(x: Ledger) -> None: del x
def n46(x: LedgerRefused) -> None: assert_type(x.status, TransferStatus); assert_type(x.transfer, Transfer)
def n47() -> object: return Machine
def n48(x: MemoryStore) -> None: del x
def n49(x: Money) -> None: assert_type(x.amount, int); assert_type(x.currency, str)
def n50(x: Movement) -> None: assert_type(x.kind, str); assert_type(x.amount, Money); assert_type(x.reference, str); assert_type(x.request_key, str); assert_type(x.intent_id, str)
def n51() -> Operation: return Operation.AUTHORIZE
def n52(x: OperationInProgress) -> None: assert_type(x.operation, Operation); assert_type(x.retry_after, float)
def n53(x: Outbox) -> None: del x
def n54(x: OutboxMessage) -> None: assert_type(x.id, str); assert_type(x.intent_id, str); assert_type(x.seq, int); assert_type(x.topic, str); assert_type(x.payload, str)
def n55(x: OutcomeUnknown) -> None: assert_type(x.intent_id, str); assert_type(x.request_key, str); assert_type(x.retry_after, float)
def n56(x: Overdrawn) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.amount, Money)
def n57(x: Parked) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.detail, str)
def n58(x: PaymentError) -> None: del x
def n59() -> object: return PaymentEvent
def n60(x: Payments) -> None: assert_type(x.gateway, Gateway | None)
def n61() -> PendingState: return PendingState.PENDING
def n62(x: Query) -> None: assert_type(x.table, str); assert_type(x.group, str | None); assert_type(x.due, int | None); assert_type(x.after, str); assert_type(x.limit, int)
def n63() -> Received: return Received.APPLIED
def n64(x: Reconciliation) -> None: assert_type(x.matched, list[tuple[StatementRow, Movement]]); assert_type(x.missing_here, list[StatementRow]); assert_type(x.missing_there, list[Movement]); assert_type(x.differs, list[tuple[StatementRow, Movement]]); assert_type(x.duplicated, list[StatementRow]); assert_type(x.fees, list[StatementRow]); assert_type(x.agrees, bool)
def n65(x: Recovered) -> None: assert_type(x.at, datetime); assert_type(x.intent, Intent); assert_type(x.request_key, str)
def n66(x: Refund) -> None: assert_type(x.id, str); assert_type(x.intent_id, str); assert_type(x.amount, Money); assert_type(x.state, RefundState)
def n67() -> RefundEvent: return RefundEvent.SUCCEED
def n68() -> RefundState: return RefundState.PENDING
def n69(x: Replay) -> None: assert_type(x.response, bytes)
def n70(x: ReviewItem) -> None: assert_type(x.intent_id, str); assert_type(x.detail, str); assert_type(x.at, datetime)
def n71(x: Row) -> None: assert_type(x.value, Any); assert_type(x.version, int)
def n72(x: SignatureInvalid) -> None: assert_type(x.reason, str)
def n73(x: StaleVersion) -> None: assert_type(x.id, str); assert_type(x.expected, int); assert_type(x.found, int)
def n74(x: StandardWebhooks) -> None: del x
def n75(x: StatementRow) -> None: assert_type(x.kind, str); assert_type(x.amount, Money); assert_type(x.reference, str); assert_type(x.request_key, str)
def n76(x: Store) -> None: del x
def n77(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n78(x: StoredTransfer) -> None: assert_type(x.transfer, Transfer); assert_type(x.amount, int); assert_type(x.at, int); assert_type(x.expires_at, int | None); assert_type(x.pending, PendingState | None)
def n79(x: Transfer) -> None: assert_type(x.id, str); assert_type(x.debit, str | None); assert_type(x.credit, str | None); assert_type(x.amount, int | None); assert_type(x.currency, str | None); assert_type(x.code, int | None); assert_type(x.kind, TransferKind); assert_type(x.pending_id, str | None); assert_type(x.timeout_seconds, int | None); assert_type(x.linked, bool); assert_type(x.cap_debit, bool); assert_type(x.cap_credit, bool); assert_type(x.reference, str | None)
def n80() -> TransferKind: return TransferKind.SINGLE
def n81() -> TransferStatus: return TransferStatus.CREATED
def n82(x: Transition) -> None: assert_type(x.seq, int); assert_type(x.source, IntentState); assert_type(x.event, str); assert_type(x.target, IntentState); assert_type(x.at, datetime); assert_type(x.actor, str); assert_type(x.cause, str)
def n83(x: Transitioned) -> None: assert_type(x.at, datetime); assert_type(x.intent, Intent); assert_type(x.line, Transition)
def n84(x: Unknown) -> None: assert_type(x.at, datetime); assert_type(x.intent_id, str); assert_type(x.request_key, str)
def n85(x: UnknownAccount) -> None: assert_type(x.id, str)
def n86(x: UnknownIntent) -> None: assert_type(x.id, str)
def n87(x: Verified) -> None: assert_type(x.id, str); assert_type(x.timestamp, int)
def n88(x: Write) -> None: assert_type(x.key, Key); assert_type(x.value, Any); assert_type(x.expected, int); assert_type(x.group, str); assert_type(x.due, int | None)
def n89(role: str, owner: str, currency: str) -> None: assert_type(account_id(role, owner, currency), str)
def n90(value: JsonValue) -> None: assert_type(canonical_json(value), bytes)
def n91(intent_id: str, fact: Fact) -> None: assert_type(event_body(intent_id, fact), bytes)
def n92(scenario: Callable[[Payments], None], store: Callable[[], Store]) -> None: assert_type(explore(scenario, store=store), CrashReport)
def n93(body: bytes | JsonValue) -> None: assert_type(fingerprint(body), str)
def n94() -> None: assert_type(new_id(), str)
def n95(body: bytes) -> None: assert_type(parse_event(body), GatewayEvent)
def n96(header: str) -> None: assert_type(parse_idempotency_key(header), str)
