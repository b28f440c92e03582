"""A payment, and all that can happen to it: frozen values.

Before the gateway is asked, the question is written down under a key of its own, and a payment has one open question
at most. Whatever happens is an event, and `evolve` says what becomes of the payment.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from lldkit.payments.interface import Dispute, Fact, Intent, Operation, Refund
from lldkit.payments.tables import DisputeEvent, DisputeState

__all__ = [
    "EXPIRY",
    "Answered",
    "Asked",
    "Challenged",
    "Disputed",
    "Event",
    "Expired",
    "Held",
    "Outside",
    "Payment",
    "Question",
    "Released",
    "Reversed",
    "Status",
]


class Status(StrEnum):
    """What is known of a question that the gateway was asked."""

    ASKED = "asked"
    UNKNOWN = "unknown"
    """The answer was lost."""
    PENDING = "pending"
    """The gateway has said that it will say so later."""
    CHALLENGED = "challenged"
    """It waits for the payer."""
    APPROVED = "approved"
    DECLINED = "declined"
    NEVER = "never"
    """It never reached the gateway."""
    PUZZLING = "puzzling"
    """The answer was none that is known here."""


PATIENT = frozenset({Status.PENDING, Status.PUZZLING})
OPEN = frozenset({Status.ASKED, Status.UNKNOWN, Status.PENDING, Status.CHALLENGED, Status.PUZZLING})
EXPIRY = "time is over"
"""The cause of a VOID that ends a challenge which nobody has answered."""


class Question(NamedTuple):
    """What the gateway was asked for: `amount` in minor units, `cause` the idempotency key behind it."""

    key: str
    operation: Operation
    amount: int
    final: bool
    status: Status
    asked_at: datetime
    cause: str = ""


class Payment(NamedTuple):
    """All that is known of one payment. Immutable: `evolve` makes another one.

    `reference` is the gateway's name for it; `act_until` ends a challenge. `held` are facts whose cause is not
    known yet, `seq` counts what has happened.
    """

    intent: Intent
    questions: tuple[Question, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    reference: str | None = None
    act_until: datetime | None = None
    held: tuple[Fact, ...] = ()
    seq: int = 0

    def question(self, key: str) -> Question | None:
        """The question of that key."""
        return next((each for each in self.questions if each.key == key), None)

    @property
    def open(self) -> Question | None:
        """The question that blocks all others: the last one, but no refund that only a bank or a person can close."""
        for each in reversed(self.questions):
            if each.status in OPEN and not (each.operation is Operation.REFUND and each.status in PATIENT):
                return each
        return None

    @property
    def next_key(self) -> str:
        """The key of the next question."""
        return f"{self.intent.id}:{len(self.questions) + 1}"


# --- what can happen --------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """A question is written down, or is asked once more under its old key."""

    at: datetime
    question: Question


class Answered(NamedTuple):
    """What is known of a question has changed; `amount` is what the gateway has approved, in minor units."""

    at: datetime
    key: str
    status: Status
    amount: int = 0
    reference: str | None = None
    until: datetime | None = None
    """Until when the gateway holds what it has authorized."""


class Challenged(NamedTuple):
    """The payer must act, as `action` says, before `until`."""

    at: datetime
    key: str
    action: str
    until: datetime


class Outside(NamedTuple):
    """Something has happened at the gateway that nobody here has asked for."""

    at: datetime
    key: str
    operation: Operation
    amount: int
    final: bool
    until: datetime | None = None


class Held(NamedTuple):
    """A fact has come before its cause."""

    at: datetime
    fact: Fact


class Released(NamedTuple):
    """A held fact need not wait any more."""

    at: datetime
    fact: Fact


class Reversed(NamedTuple):
    """A refund came back although it had succeeded."""

    at: datetime
    key: str


class Disputed(NamedTuple):
    """A dispute has begun (`event` None) in `state`, or has moved."""

    at: datetime
    key: str
    amount: int
    state: DisputeState = DisputeState.INQUIRY
    event: DisputeEvent | None = None


class Expired(NamedTuple):
    """The time of what was held, or of a challenge, is over."""

    at: datetime


Event: TypeAlias = Asked | Answered | Challenged | Outside | Held | Released | Reversed | Disputed | Expired
