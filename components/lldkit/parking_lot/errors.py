"""How a parking lot refuses. Nothing has changed, unless it says otherwise."""

from datetime import datetime

from lldkit.errors import LldkitError
from lldkit.money import Money
from lldkit.parking_lot.interface import Quote, Vehicle

__all__ = [
    "AlreadyParked",
    "CapacityExceeded",
    "GraceExpired",
    "KeyMismatch",
    "LogCorrupt",
    "LotFull",
    "NotEligible",
    "NotPaid",
    "ParkingError",
    "PaymentRejected",
    "ReservationInvalid",
    "SpaceTaken",
    "StoreUnavailable",
    "TicketClosed",
    "UnknownGate",
    "UnknownTicket",
]


class ParkingError(LldkitError):
    """Base of the errors of a parking lot."""

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[ParkingError], args: tuple[object, ...], fields: dict[str, object]) -> ParkingError:
    """An error with its fields: how it travels between processes."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class LotFull(ParkingError):
    """No fitting space is free: all are "occupied", or what is free is "reserved"; `retry_after` seconds, if known."""

    def __init__(self, size: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"no space for size {size!r}: {reason}")
        self.size, self.reason, self.retry_after = size, reason, retry_after


class AlreadyParked(ParkingError):
    """The plate is inside, on another ticket."""

    def __init__(self, plate: str, ticket_id: str) -> None:
        super().__init__(f"plate {plate} is inside already, with ticket {ticket_id}")
        self.plate, self.ticket_id = plate, ticket_id


class NotEligible(ParkingError):
    """No space of this lot is for such a vehicle, however empty it is."""

    def __init__(self, vehicle: Vehicle, reason: str) -> None:
        super().__init__(f"not for {vehicle.plate}: {reason}")
        self.vehicle, self.reason = vehicle, reason


class UnknownTicket(ParkingError):
    """No such ticket, plate or reservation, or not any more."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as the field is called
        super().__init__(f"nothing is known of {id!r}")
        self.id = id


class TicketClosed(ParkingError):
    """The vehicle has left."""

    def __init__(self, id: str, closed_at: datetime) -> None:  # noqa: A002 - as the field is called
        super().__init__(f"ticket {id} was closed at {closed_at.isoformat()}")
        self.id, self.closed_at = id, closed_at


class NotPaid(ParkingError):
    """Something is due before the exit."""

    def __init__(self, quote: Quote) -> None:
        super().__init__(f"{quote.due} is due for ticket {quote.ticket_id}")
        self.quote = quote


class GraceExpired(NotPaid):
    """The time to leave after the payment is over; the difference is due."""


class PaymentRejected(ParkingError):
    """The amount is not the one that is due, or the cashier refused it; `code` says which."""

    def __init__(self, due: Money, given: Money, code: str) -> None:
        super().__init__(f"payment rejected ({code}): {due} is due, {given} was given")
        self.due, self.given, self.code = due, given, code


class CapacityExceeded(ParkingError):
    """At some instant from `at` on all reservable spaces of the size are reserved."""

    def __init__(self, size: str, at: datetime, retry_after: float | None = None) -> None:
        super().__init__(f"no reservation of size {size!r} is left at {at.isoformat()}")
        self.size, self.at, self.retry_after = size, at, retry_after


class ReservationInvalid(ParkingError):
    """The reservation cannot be used (now)."""

    def __init__(self, id: str, reason: str) -> None:  # noqa: A002 - as the field is called
        super().__init__(f"reservation {id}: {reason}")
        self.id, self.reason = id, reason


class SpaceTaken(ParkingError):
    """Another ticket, or a reservation, has the space."""

    def __init__(self, space: str, ticket: str | None) -> None:
        super().__init__(f"space {space} is taken by {ticket or 'a reservation, or out of service'}")
        self.space, self.ticket = space, ticket


class UnknownGate(ParkingError):
    """No distances name this gate."""

    def __init__(self, gate: str) -> None:
        super().__init__(f"there is no gate {gate!r}")
        self.gate = gate


class KeyMismatch(ParkingError):
    """The key was used before, with other arguments."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} was used with other arguments; a key names one request")
        self.key = key


class StoreUnavailable(ParkingError):
    """The store did not answer; whether the call took effect is unknown: repeat it with its key."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("the store of the lot did not answer; repeat the call with its key")
        self.retry_after = retry_after


class LogCorrupt(ParkingError):
    """Record `seq` of the log is not what was written."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"record {seq} of the log is damaged: {reason}")
        self.seq, self.reason = seq, reason
