"""A parking lot: spaces that are never given twice, prices that can be explained, a log that loses no car.

    lot = ParkingLot(garage("two_levels"), tariff=RateTable(currency="EUR", tz="Europe/Paris", lines=[per(3600, 200)]))
    ticket = lot.enter(Vehicle("AB-123"), gate="north", key="evt-17")   # the same event again: the same ticket
    quote = lot.quote(ticket.id)
    print(quote.bill.explain())
    lot.pay(ticket.id, amount=quote.due, key="pay-9")
    lot.exit(ticket.id, gate="south", key="evt-52")

`Tariff` speaks OCPI, `RateTable` APDS. Stores that survive a restart have files of their own: `SQLiteStore` in
`lldkit.parking_lot.sqlite`, `PostgresStore` in `lldkit.parking_lot.postgres`.
"""

from lldkit.parking_lot.allocation import BestFit, LevelBalanced, NearestToGate
from lldkit.parking_lot.bill import Bill, Booked, Charge, Dimension, Line, Pricer, Rounding, StorablePricer, make_bill
from lldkit.parking_lot.errors import (
    AlreadyParked,
    CapacityExceeded,
    GraceExpired,
    KeyMismatch,
    LogCorrupt,
    LotFull,
    NotEligible,
    NotPaid,
    ParkingError,
    PaymentRejected,
    ReservationInvalid,
    SpaceTaken,
    StoreUnavailable,
    TicketClosed,
    UnknownGate,
    UnknownTicket,
)
from lldkit.parking_lot.fit import DEFAULT_FIT, Fit
from lldkit.parking_lot.garages import garage
from lldkit.parking_lot.grounds import Layout
from lldkit.parking_lot.interface import (
    Allocation,
    Availability,
    Cashier,
    Discount,
    Exit,
    GateCommand,
    LotEvent,
    LotStore,
    LotView,
    Page,
    Quote,
    Receipt,
    Recovery,
    Request,
    Reservation,
    Space,
    Ticket,
    Vehicle,
)
from lldkit.parking_lot.lint import Finding, lint
from lldkit.parking_lot.lot import ParkingLot
from lldkit.parking_lot.machine import BOOKING, SESSION, BookingEvent, BookingState, SessionEvent, SessionState
from lldkit.parking_lot.memory import MemoryStore
from lldkit.parking_lot.ocpi import ANY, Component, Element, Period, PriceLimit, Restrictions, Tariff
from lldkit.parking_lot.ratetable import RateLine, RateTable, Window, flat, free, per
from lldkit.parking_lot.state import LotState, replay

__all__ = [
    "ANY",
    "BOOKING",
    "DEFAULT_FIT",
    "SESSION",
    "Allocation",
    "AlreadyParked",
    "Availability",
    "BestFit",
    "Bill",
    "Booked",
    "BookingEvent",
    "BookingState",
    "CapacityExceeded",
    "Cashier",
    "Charge",
    "Component",
    "Dimension",
    "Discount",
    "Element",
    "Exit",
    "Finding",
    "Fit",
    "GateCommand",
    "GraceExpired",
    "KeyMismatch",
    "Layout",
    "LevelBalanced",
    "Line",
    "LogCorrupt",
    "LotEvent",
    "LotFull",
    "LotState",
    "LotStore",
    "LotView",
    "MemoryStore",
    "NearestToGate",
    "NotEligible",
    "NotPaid",
    "Page",
    "ParkingError",
    "ParkingLot",
    "PaymentRejected",
    "Period",
    "PriceLimit",
    "Pricer",
    "Quote",
    "RateLine",
    "RateTable",
    "Receipt",
    "Recovery",
    "Request",
    "Reservation",
    "ReservationInvalid",
    "Restrictions",
    "Rounding",
    "SessionEvent",
    "SessionState",
    "Space",
    "SpaceTaken",
    "StorablePricer",
    "StoreUnavailable",
    "Tariff",
    "Ticket",
    "TicketClosed",
    "UnknownGate",
    "UnknownTicket",
    "Vehicle",
    "Window",
    "flat",
    "free",
    "garage",
    "lint",
    "make_bill",
    "per",
    "replay",
]
