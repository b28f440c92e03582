"""The three state machines of a payment, as tables: an intent, its refunds, its disputes."""

from enum import StrEnum

from lldkit.machine import Machine

__all__ = [
    "DISPUTE",
    "INTENT",
    "REFUND",
    "DisputeEvent",
    "DisputeState",
    "IntentEvent",
    "IntentState",
    "RefundEvent",
    "RefundState",
]


class IntentState(StrEnum):
    """Where the intention to pay an amount stands."""

    CREATED = "created"
    PROCESSING = "processing"
    """The gateway was asked to authorize, or to authorize more."""
    REQUIRES_ACTION = "requires_action"
    """The payer must prove who he is."""
    AUTHORIZED = "authorized"
    CAPTURING = "capturing"
    PARTIALLY_CAPTURED = "partially_captured"
    VOIDING = "voiding"
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The reply of the gateway was lost: the operation has happened or not, and only the gateway knows."""
    NEEDS_REVIEW = "needs_review"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"


class IntentEvent(StrEnum):
    """What happens to an intent. Answers are named by what the gateway holds afterwards."""

    CONFIRM = "confirm"
    INCREMENT = "increment"
    CAPTURE = "capture"
    VOID = "void"
    CHALLENGE = "challenge"
    DECLINE = "decline"
    """Nothing is held; another card may be tried."""
    HOLD = "hold"
    """An amount is held, and nothing of it captured."""
    PART = "part"
    """Some of it is captured, and the rest still held."""
    COMPLETE = "complete"
    """Some or all is captured, and nothing held any more."""
    RELEASE = "release"
    """Nothing is captured, and nothing held any more."""
    EXPIRE = "expire"
    """As RELEASE, because time was over."""
    LOSE = "lose"
    """The reply was lost."""
    REVIEW = "review"
    """The gateway has said what nobody here understands."""


S, E = IntentState, IntentEvent
RESTING = {
    E.DECLINE: S.CREATED,
    E.HOLD: S.AUTHORIZED,
    E.PART: S.PARTIALLY_CAPTURED,
    E.COMPLETE: S.CAPTURED,
    E.RELEASE: S.VOIDED,
}
"""Where a payment rests once no question is open, whatever the question was and whatever others have done meanwhile."""
HOLDING = {event: state for event, state in RESTING.items() if event is not E.DECLINE}

INTENT: Machine[IntentState, IntentEvent] = Machine(
    name="intent",
    initial=S.CREATED,
    final=[S.CAPTURED, S.VOIDED, S.EXPIRED],
    table={
        (S.CREATED, E.CONFIRM): S.PROCESSING,
        **{(S.CREATED, event): state for event, state in HOLDING.items()},
        **{(S.PROCESSING, event): state for event, state in RESTING.items()},
        (S.PROCESSING, E.CHALLENGE): S.REQUIRES_ACTION,
        (S.PROCESSING, E.LOSE): S.OUTCOME_UNKNOWN,
        (S.PROCESSING, E.REVIEW): S.NEEDS_REVIEW,
        **{(S.REQUIRES_ACTION, event): state for event, state in RESTING.items()},
        (S.REQUIRES_ACTION, E.VOID): S.VOIDING,
        (S.REQUIRES_ACTION, E.REVIEW): S.NEEDS_REVIEW,
        (S.AUTHORIZED, E.INCREMENT): S.PROCESSING,
        (S.AUTHORIZED, E.CAPTURE): S.CAPTURING,
        (S.AUTHORIZED, E.VOID): S.VOIDING,
        **{(S.AUTHORIZED, event): state for event, state in HOLDING.items()},
        (S.AUTHORIZED, E.EXPIRE): S.EXPIRED,
        **{(S.CAPTURING, event): state for event, state in HOLDING.items()},
        (S.CAPTURING, E.LOSE): S.OUTCOME_UNKNOWN,
        (S.CAPTURING, E.REVIEW): S.NEEDS_REVIEW,
        (S.PARTIALLY_CAPTURED, E.CAPTURE): S.CAPTURING,
        (S.PARTIALLY_CAPTURED, E.VOID): S.VOIDING,
        (S.PARTIALLY_CAPTURED, E.PART): S.PARTIALLY_CAPTURED,
        (S.PARTIALLY_CAPTURED, E.COMPLETE): S.CAPTURED,
        **{(S.VOIDING, event): state for event, state in RESTING.items()},
        (S.VOIDING, E.EXPIRE): S.EXPIRED,
        (S.VOIDING, E.CHALLENGE): S.REQUIRES_ACTION,
        (S.VOIDING, E.LOSE): S.OUTCOME_UNKNOWN,
        (S.VOIDING, E.REVIEW): S.NEEDS_REVIEW,
        **{(S.OUTCOME_UNKNOWN, event): state for event, state in RESTING.items()},
        (S.OUTCOME_UNKNOWN, E.CONFIRM): S.PROCESSING,
        (S.OUTCOME_UNKNOWN, E.INCREMENT): S.PROCESSING,
        (S.OUTCOME_UNKNOWN, E.CAPTURE): S.CAPTURING,
        (S.OUTCOME_UNKNOWN, E.VOID): S.VOIDING,
        (S.OUTCOME_UNKNOWN, E.CHALLENGE): S.REQUIRES_ACTION,
        (S.OUTCOME_UNKNOWN, E.EXPIRE): S.EXPIRED,
        (S.OUTCOME_UNKNOWN, E.REVIEW): S.NEEDS_REVIEW,
        **{(S.NEEDS_REVIEW, event): state for event, state in RESTING.items()},
        (S.NEEDS_REVIEW, E.CHALLENGE): S.REQUIRES_ACTION,
        (S.NEEDS_REVIEW, E.EXPIRE): S.EXPIRED,
    },
)


class RefundState(StrEnum):
    """Where a refund stands."""

    PENDING = "pending"
    OUTCOME_UNKNOWN = "outcome_unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundEvent(StrEnum):
    """What happens to a refund."""

    SUCCEED = "succeed"
    FAIL = "fail"
    """It was refused, or the bank sent it back, even days after it had succeeded."""
    LOSE = "lose"
    RESEND = "resend"


REFUND: Machine[RefundState, RefundEvent] = Machine(
    name="refund",
    initial=RefundState.PENDING,
    final=[RefundState.FAILED],
    table={
        (RefundState.PENDING, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.PENDING, RefundEvent.FAIL): RefundState.FAILED,
        (RefundState.PENDING, RefundEvent.LOSE): RefundState.OUTCOME_UNKNOWN,
        (RefundState.OUTCOME_UNKNOWN, RefundEvent.RESEND): RefundState.PENDING,
        (RefundState.OUTCOME_UNKNOWN, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.OUTCOME_UNKNOWN, RefundEvent.FAIL): RefundState.FAILED,
        (RefundState.SUCCEEDED, RefundEvent.FAIL): RefundState.FAILED,
    },
)


class DisputeState(StrEnum):
    """Where a dispute stands."""

    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class DisputeEvent(StrEnum):
    """What happens to a dispute; all of it is told by the gateway."""

    ESCALATE = "escalate"
    RESPOND = "respond"
    WIN = "win"
    LOSE = "lose"


DISPUTE: Machine[DisputeState, DisputeEvent] = Machine(
    name="dispute",
    initial=DisputeState.INQUIRY,
    final=[DisputeState.WON, DisputeState.LOST],
    table={
        (DisputeState.INQUIRY, DisputeEvent.ESCALATE): DisputeState.NEEDS_RESPONSE,
        (DisputeState.INQUIRY, DisputeEvent.WIN): DisputeState.WON,
        (DisputeState.NEEDS_RESPONSE, DisputeEvent.RESPOND): DisputeState.UNDER_REVIEW,
        (DisputeState.NEEDS_RESPONSE, DisputeEvent.WIN): DisputeState.WON,
        (DisputeState.NEEDS_RESPONSE, DisputeEvent.LOSE): DisputeState.LOST,
        (DisputeState.UNDER_REVIEW, DisputeEvent.WIN): DisputeState.WON,
        (DisputeState.UNDER_REVIEW, DisputeEvent.LOSE): DisputeState.LOST,
    },
)
