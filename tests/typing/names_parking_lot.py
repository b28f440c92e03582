"""What a type checker must make of every public name of lldkit.parking_lot; generated, checked, never run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from lldkit.money import Money
from lldkit.parking_lot import ANY, Allocation, AlreadyParked, Availability, BOOKING, BestFit, Bill, Booked, BookingEvent, BookingState, CapacityExceeded, Cashier, Charge, Component, DEFAULT_FIT, Dimension, Discount, Element, Exit, Finding, Fit, GateCommand, GraceExpired, KeyMismatch, Layout, LevelBalanced, Line, LogCorrupt, LotEvent, LotFull, LotState, LotStore, LotView, MemoryStore, NearestToGate, NotEligible, NotPaid, Page, ParkingError, ParkingLot, PaymentRejected, Period, PriceLimit, Pricer, Quote, RateLine, RateTable, Receipt, Recovery, Request, Reservation, ReservationInvalid, Restrictions, Rounding, SESSION, SessionEvent, SessionState, Space, SpaceTaken, StorablePricer, StoreUnavailable, Tariff, Ticket, TicketClosed, UnknownGate, UnknownTicket, Vehicle, Window, flat, free, garage, lint, make_bill, per, replay
from lldkit.parking_lot.ocpi_pricing import Volume
from lldkit.parking_lot.ratetable import Crossing
from typing import Any, Literal, assert_type

def n0() -> object: return ANY
def n1() -> object: return BOOKING
def n2() -> object: return DEFAULT_FIT
def n3() -> object: return SESSION
def n4(x: Allocation) -> None: del x
def n5(x: AlreadyParked) -> None: assert_type(x.plate, str); assert_type(x.ticket_id, str)
def n6(x: Availability) -> None: assert_type(x.free, int); assert_type(x.occupied, int); assert_type(x.held, int); assert_type(x.out_of_service, int); assert_type(x.total, int)
def n7(x: BestFit) -> None: del x
def n8(x: Bill) -> None: assert_type(x.total, Money); assert_type(x.net, Money); assert_type(x.vat, Money); assert_type(x.exact, Fraction); assert_type(x.exact_net, Fraction); assert_type(x.by_dimension, Mapping[Dimension, tuple[Fraction, Fraction]]); assert_type(x.charges, tuple[Charge, ...]); assert_type(x.rounding, Rounding); assert_type(x.tz, str); assert_type(x.lines, tuple[Line, ...])
def n9() -> object: return Booked
def n10() -> BookingEvent: return BookingEvent.WANTING
def n11() -> BookingState: return BookingState.BOOKED
def n12(x: CapacityExceeded) -> None: assert_type(x.size, str); assert_type(x.at, datetime); assert_type(x.retry_after, float | None)
def n13(x: Cashier) -> None: del x
def n14(x: Charge) -> None: assert_type(x.what, str); assert_type(x.start, datetime); assert_type(x.end, datetime); assert_type(x.quantity, Fraction | int); assert_type(x.unit_price, Fraction); assert_type(x.exact, Fraction); assert_type(x.exact_net, Fraction); assert_type(x.because, object); assert_type(x.dimension, Dimension | None)
def n15(x: Component) -> None: assert_type(x.type, Dimension); assert_type(x.price, Decimal); assert_type(x.step_size, int); assert_type(x.vat, Decimal | None)
def n16() -> Dimension: return Dimension.FLAT
def n17(x: Discount) -> None: assert_type(x.code, str); assert_type(x.minutes, int); assert_type(x.percent, int); assert_type(x.amount, Money | None)
def n18(x: Element) -> None: assert_type(x.components, Sequence[Component]); assert_type(x.restrictions, Restrictions)
def n19(x: Exit) -> None: assert_type(x.ticket_id, str); assert_type(x.space_id, str); assert_type(x.at, datetime); assert_type(x.paid, Money); assert_type(x.command_id, int)
def n20(x: Finding) -> None: assert_type(x.code, str); assert_type(x.message, str); assert_type(x.at, tuple[datetime, ...])
def n21(x: Fit) -> None: assert_type(x.order, Sequence[str]); assert_type(x.runs, Mapping[str, tuple[str, int]]); assert_type(x.reserved_tags, frozenset[str])
def n22(x: GateCommand) -> None: assert_type(x.id, int); assert_type(x.gate, str); assert_type(x.ticket_id, str); assert_type(x.action, str)
def n23(x: GraceExpired) -> None: assert_type(x.quote, Quote)
def n24(x: KeyMismatch) -> None: assert_type(x.key, str)
def n25(x: Layout) -> None: assert_type(x.spaces, Sequence[Space]); assert_type(x.fit, Fit); assert_type(x.reservable, Mapping[str, int]); assert_type(x.protect, int); assert_type(x.no_show, int); assert_type(x.keep_closed, int | None)
def n26(x: LevelBalanced) -> None: del x
def n27(x: Line) -> None: assert_type(x.what, str); assert_type(x.start, datetime); assert_type(x.end, datetime); assert_type(x.quantity, Fraction); assert_type(x.unit_price, Fraction); assert_type(x.exact, Fraction); assert_type(x.amount, Money); assert_type(x.because, str); assert_type(x.exact_net, Fraction); assert_type(x.dimension, Dimension | None)
def n28(x: LogCorrupt) -> None: assert_type(x.seq, int); assert_type(x.reason, str)
def n29(x: LotEvent) -> None: assert_type(x.at, datetime); assert_type(x.seq, int); assert_type(x.what, str); assert_type(x.data, Mapping[str, Any])
def n30(x: LotFull) -> None: assert_type(x.size, str); assert_type(x.reason, str); assert_type(x.retry_after, float | None)
def n31(x: LotState) -> None: assert_type(x.layout, Layout)
def n32(x: LotStore) -> None: assert_type(x.timed, bool)
def n33(x: LotView) -> None: del x
def n34(x: MemoryStore) -> None: del x
def n35(x: NearestToGate) -> None: del x
def n36(x: NotEligible) -> None: assert_type(x.vehicle, Vehicle); assert_type(x.reason, str)
def n37(x: NotPaid) -> None: assert_type(x.quote, Quote)
def n38() -> object: return Page
def n39(x: ParkingError) -> None: del x
def n40(x: ParkingLot) -> None: assert_type(x.layout, Layout)
def n41(x: PaymentRejected) -> None: assert_type(x.due, Money); assert_type(x.given, Money); assert_type(x.code, str)
def n42(x: Period) -> None: assert_type(x.start, datetime); assert_type(x.volumes, Mapping[Dimension, Volume])
def n43(x: PriceLimit) -> None: assert_type(x.net, Decimal); assert_type(x.gross, Decimal | None)
def n44(x: Pricer) -> None: del x
def n45(x: Quote) -> None: assert_type(x.ticket_id, str); assert_type(x.bill, Bill); assert_type(x.paid, Money); assert_type(x.due, Money); assert_type(x.valid_until, datetime)
def n46(x: RateLine) -> None: assert_type(x.kind, Literal['flat', 'per', 'free']); assert_type(x.value, int); assert_type(x.seconds, int); assert_type(x.start_seconds, int); assert_type(x.end_seconds, int | None); assert_type(x.cliff, bool)
def n47(x: RateTable) -> None: assert_type(x.currency, str); assert_type(x.tz, str); assert_type(x.lines, Sequence[RateLine]); assert_type(x.windows, Sequence[Window]); assert_type(x.daily_cap, int | None); assert_type(x.reset, time); assert_type(x.crossing, Crossing); assert_type(x.vat, Decimal | None)
def n48(x: Receipt) -> None: assert_type(x.ticket_id, str); assert_type(x.amount, Money); assert_type(x.at, datetime); assert_type(x.reference, str); assert_type(x.paid, Money); assert_type(x.leave_by, datetime)
def n49(x: Recovery) -> None: assert_type(x.events, int); assert_type(x.open_tickets, int); assert_type(x.pending_commands, int); assert_type(x.equal, bool)
def n50(x: Request) -> None: assert_type(x.vehicle, Vehicle); assert_type(x.gate, str)
def n51(x: Reservation) -> None: assert_type(x.id, str); assert_type(x.size, str); assert_type(x.start, datetime); assert_type(x.end, datetime); assert_type(x.owner, str)
def n52(x: ReservationInvalid) -> None: assert_type(x.id, str); assert_type(x.reason, str)
def n53(x: Restrictions) -> None: assert_type(x.start_time, time | None); assert_type(x.end_time, time | None); assert_type(x.start_date, date | None); assert_type(x.end_date, date | None); assert_type(x.min_duration, int | None); assert_type(x.max_duration, int | None); assert_type(x.min_kwh, Decimal | None); assert_type(x.max_kwh, Decimal | None); assert_type(x.day_of_week, Collection[str] | None); assert_type(x.reservation, str | None); assert_type(x.others, Mapping[str, Any])
def n54() -> Rounding: return Rounding.HALF_UP
def n55() -> SessionEvent: return SessionEvent.QUOTED
def n56() -> SessionState: return SessionState.PARKED
def n57(x: Space) -> None: assert_type(x.id, str); assert_type(x.size, str); assert_type(x.level, str); assert_type(x.row, str); assert_type(x.position, int); assert_type(x.tags, frozenset[str]); assert_type(x.max_height_cm, int | None); assert_type(x.distances, Mapping[str, int])
def n58(x: SpaceTaken) -> None: assert_type(x.space, str); assert_type(x.ticket, str | None)
def n59(x: StorablePricer) -> None: del x
def n60(x: StoreUnavailable) -> None: assert_type(x.retry_after, float | None)
def n61(x: Tariff) -> None: assert_type(x.id, str); assert_type(x.currency, str); assert_type(x.elements, Sequence[Element]); assert_type(x.tz, str); assert_type(x.min_price, Money | PriceLimit | None); assert_type(x.max_price, Money | PriceLimit | None); assert_type(x.rounding, Rounding); assert_type(x.others, Mapping[str, Any])
def n62(x: Ticket) -> None: assert_type(x.id, str); assert_type(x.space_id, str); assert_type(x.plate, str); assert_type(x.entered_at, datetime); assert_type(x.spaces, tuple[str, ...])
def n63(x: TicketClosed) -> None: assert_type(x.id, str); assert_type(x.closed_at, datetime)
def n64(x: UnknownGate) -> None: assert_type(x.gate, str)
def n65(x: UnknownTicket) -> None: assert_type(x.id, str)
def n66(x: Vehicle) -> None: assert_type(x.plate, str); assert_type(x.size, str); assert_type(x.permits, frozenset[str]); assert_type(x.height_cm, int | None)
def n67(x: Window) -> None: assert_type(x.lines, Sequence[RateLine]); assert_type(x.days, Collection[str] | None); assert_type(x.start_time, time); assert_type(x.end_time, time)
def n68(value: int) -> None: assert_type(flat(value), RateLine)
def n69(seconds: int, cliff: bool) -> None: assert_type(free(seconds, cliff=cliff), RateLine)
def n70(name: str) -> None: assert_type(garage(name), list[Space])
def n71(pricer: Pricer) -> None: assert_type(lint(pricer), list[Finding])
def n72(charges: Iterable[Charge], currency: str) -> None: assert_type(make_bill(charges, currency), Bill)
def n73(seconds: int, value: int) -> None: assert_type(per(seconds, value), RateLine)
def n74(events: Iterable[LotEvent], layout: Layout) -> None: assert_type(replay(events, layout), LotState)
