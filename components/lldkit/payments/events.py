"""What a listener is told of payments."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lldkit.money import Money
from lldkit.payments.interface import Intent, Transition

__all__ = [
    "Declined",
    "External",
    "Held",
    "Overdrawn",
    "Parked",
    "PaymentEvent",
    "Recovered",
    "Transitioned",
    "Unknown",
]


@dataclass(frozen=True, slots=True)
class Transitioned:
    """Something has happened to a payment."""

    at: datetime
    intent: Intent
    line: Transition


@dataclass(frozen=True, slots=True)
class Declined:
    """The gateway has declined, with a `code`; None where a webhook has said so."""

    at: datetime
    intent_id: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """An answer was lost."""

    at: datetime
    intent_id: str
    request_key: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """`recover` has closed an open question."""

    at: datetime
    intent: Intent
    request_key: str


@dataclass(frozen=True, slots=True)
class Held:
    """A fact has come before its cause, and waits for it."""

    at: datetime
    intent_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Parked:
    """A fact contradicts what is known, or is not understood: a person should look at it."""

    at: datetime
    intent_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Overdrawn:
    """More was taken from the merchant by refunds and disputes than was captured, by `amount`."""

    at: datetime
    intent_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class External:
    """Money was moved at the gateway by somebody else."""

    at: datetime
    intent_id: str
    key: str


PaymentEvent: TypeAlias = Transitioned | Declined | Unknown | Recovered | Held | Parked | Overdrawn | External
