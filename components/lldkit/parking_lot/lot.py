"""The shell of a parking lot: asks the clock, decides upon the newest state, prices and charges outside every lock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from lldkit.arguments import check_number
from lldkit.claims.journal import Record
from lldkit.claims.times import to_datetime, to_micros
from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.money import Money
from lldkit.parking_lot import core
from lldkit.parking_lot.allocation import BestFit
from lldkit.parking_lot.answers import as_exit, as_receipt, as_reservation, as_text, as_ticket, keyed, ticket_of
from lldkit.parking_lot.base import Base, Decision, nothing
from lldkit.parking_lot.bill import Bill, Pricer
from lldkit.parking_lot.billing import as_it_was, expiry_fee
from lldkit.parking_lot.errors import GraceExpired, NotPaid, PaymentRejected, UnknownTicket
from lldkit.parking_lot.fit import DEFAULT_FIT, Fit, normal_plate
from lldkit.parking_lot.grounds import Layout
from lldkit.parking_lot.interface import (
    Allocation,
    Cashier,
    Discount,
    Exit,
    LotEvent,
    LotStore,
    Quote,
    Receipt,
    Request,
    Reservation,
    Space,
    Ticket,
    Vehicle,
)
from lldkit.parking_lot.sessions import Booking, Session
from lldkit.parking_lot.state import LotState
from lldkit.twins import twin

__all__ = ["ParkingLot"]


class ParkingLot(Base):
    """A lot over a log that others may share: no space is given twice, no event takes effect twice.

    `tariff` becomes a new version if the log's newest is another. `keep_closed` stays are remembered after their exit
    (None: all). Safe for threads and tasks; no lock is held while a pricer or a cashier runs. A verb with a `key` may
    be repeated until it is answered. `on_event` hears every event once this object learns of it, and a `sign` whenever
    a number of free places changes.
    """

    def __init__(
        self,
        spaces: Iterable[Space],
        *,
        tariff: Pricer,
        fit: Fit = DEFAULT_FIT,
        allocation: Allocation = BestFit(),  # noqa: B008 - it has no state
        store: LotStore | None = None,
        cashier: Cashier | None = None,
        grace_seconds: float = 900,
        quote_seconds: float = 120,
        lost_ticket_fee: Money | None = None,
        protect_seconds: float = 900,
        no_show_seconds: float = 1_800,
        reservable: Mapping[str, int] = {},
        keep_closed: int | None = 100_000,
        clock: Clock = SYSTEM,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        on_event: Callable[[LotEvent], None] | None = None,
    ) -> None:
        super().__init__(
            Layout(
                tuple(spaces),
                fit,
                dict(reservable),
                _micros("protect_seconds", protect_seconds),
                _micros("no_show_seconds", no_show_seconds),
                keep_closed,
            ),
            tariff=tariff,
            store=store,
            valid=_micros("quote_seconds", quote_seconds),
            clock=clock,
            on_event=on_event,
        )
        self._grace = _micros("grace_seconds", grace_seconds)
        self._allocation, self._cashier, self._lost_fee = allocation, cashier, lost_ticket_fee
        self._new_id = new_id

    def enter(
        self,
        vehicle: Vehicle,
        *,
        gate: str,
        at: datetime | None = None,
        key: str | None = None,
        reservation: str | None = None,
    ) -> Ticket:
        """Let a vehicle in; `LotFull`, `AlreadyParked`, `NotEligible`, `ReservationInvalid`, `UnknownGate`."""
        vehicle_asked = (normal_plate(vehicle.plate), vehicle.size, sorted(vehicle.permits), vehicle.height_cm)
        asked = as_text(key, "enter", vehicle_asked, gate, at, reservation)
        request, new = Request(vehicle, gate), self._new_id()

        def decide(state: LotState, now: int) -> Decision[Ticket]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                return [], lambda: as_ticket(answer)
            when = now if at is None else to_micros(at)
            record = core.admit(state, request, self._allocation, new, booking=reservation, when=when, now=now)
            answer = [new, record["spaces"], vehicle.plate, when]
            return [keyed(record, key, asked, answer)], lambda: as_ticket(answer)

        return self._decide(decide)

    def quote(self, ticket_id: str, *, at: datetime | None = None) -> Quote:
        """What is to be paid now; the amount is accepted for `quote_seconds`, whatever the price becomes."""
        session, when = self._look(lambda state, now: (core.session_of(state, ticket_id), now))
        when = when if at is None else to_micros(at)
        quote = self._quote_of(session, when)
        if quote.due.amount:
            until = to_micros(quote.valid_until)
            record = {"k": "quoted", "ticket": ticket_id, "when": when, "due": quote.due.amount, "until": until}
            self._decide(lambda _, now: ([{**record, "at": now}], nothing))
        return quote

    def pay(self, ticket_id: str, *, amount: Money, at: datetime | None = None, key: str | None = None) -> Receipt:
        """Take the due now, or that of a quote still valid; `PaymentRejected`. No lock is held meanwhile."""
        asked = as_text(key, "pay", ticket_id, amount.amount, amount.currency, at)

        def look(state: LotState, now: int) -> Receipt | tuple[Session, int]:
            if (answer := core.answered(state, key, asked)) is not None:
                return as_receipt(answer)
            return core.session_of(state, ticket_id), now if at is None else to_micros(at)

        found = self._look(look)
        if isinstance(found, Receipt):
            return found
        session, when = found
        quote = self._quote_of(session, when)
        promised = {due for due, until in session.quotes if when <= until}
        if amount.currency != quote.due.currency or amount.amount not in promised | {quote.due.amount}:
            raise PaymentRejected(quote.due, amount, "amount")
        reference = ""
        if self._cashier is not None and amount.amount:
            charge = f"{len(ticket_id)}:{ticket_id}:{session.payments}"  # one number, one charge
            reference = self._cashier.charge(ticket_of(session), amount, key=charge)

        def decide(state: LotState, now: int) -> Decision[Receipt]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                return [], lambda: as_receipt(answer)
            current = core.session_of(state, ticket_id)
            if current.payments != session.payments:
                raise PaymentRejected(Money(0, amount.currency), amount, "superseded")
            time, clamped = core.on_ticket(current, when, now)
            leave_by, total = time + self._grace, current.paid + amount.amount
            answer = [ticket_id, amount.amount, amount.currency, time, reference, total, leave_by]
            record: Record = {
                "k": "paid",
                "at": now,
                "ticket": ticket_id,
                "when": time,
                "amount": amount.amount,
                "currency": amount.currency,
                "reference": reference,
                "leave_by": leave_by,
            }
            return [*clamped, keyed(record, key, asked, answer)], lambda: as_receipt(answer)

        return self._decide(decide)

    def exit(self, ticket_id: str, *, gate: str, at: datetime | None = None, key: str | None = None) -> Exit:
        """Let a vehicle out once nothing is due; `NotPaid`, `GraceExpired`, `TicketClosed`."""
        asked = as_text(key, "exit", ticket_id, gate, at)
        priced: tuple[Session, Money] | None = None

        def decide(state: LotState, now: int) -> Decision[Exit | tuple[Session, int]]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                return [], lambda: as_exit(answer)
            core.gate_of(state, gate)
            session, when = core.session_of(state, ticket_id), now if at is None else to_micros(at)
            if session.in_grace(when):
                paid = Money(session.paid, session.currency)
            elif priced is not None and priced[0] == session:
                paid = priced[1]
            else:
                return [], lambda: (session, when)
            time, clamped = core.on_ticket(session, when, now)
            command = self._replica.seq + len(clamped) + 1  # the number of the record is that of the command
            answer = [ticket_id, session.spaces[0], time, paid.amount, paid.currency, command]
            record = {"k": "exited", "at": now, "ticket": ticket_id, "when": time, "gate": gate}
            return [*clamped, keyed(record, key, asked, answer)], lambda: as_exit(answer)

        while not isinstance(found := self._decide(decide), Exit):
            session, when = found
            quote = self._quote_of(session, when)
            if quote.due.amount:
                raise (NotPaid if session.leave_by is None else GraceExpired)(quote)
            priced = session, quote.paid
        return found

    def lost(self, plate: str, *, gate: str, at: datetime | None = None) -> Quote:
        """Find a stay by its plate, and add the fee for a lost ticket, once; `UnknownTicket`."""
        normal = normal_plate(plate)
        fee = 0 if self._lost_fee is None else self._lost_fee.amount

        def decide(state: LotState, now: int) -> Decision[str]:
            core.gate_of(state, gate)
            ticket_id = state.by_plate.get(normal)
            if ticket_id is None:
                raise UnknownTicket(plate)
            session = state.open[ticket_id]
            record = {"k": "lost", "at": now, "ticket": ticket_id, "when": session.last, "fee": fee}
            return ([] if session.lost_fee == fee else [record]), lambda: ticket_id

        return self.quote(self._decide(decide), at=at)

    def discount(self, ticket_id: str, discount: Discount, *, key: str | None = None) -> Quote:
        """Take something off the bill; the same code once. Tells what is due then."""
        amount = None if discount.amount is None else discount.amount.amount
        given = {"code": discount.code, "minutes": discount.minutes, "percent": discount.percent, "amount": amount}
        asked = as_text(key, "discount", ticket_id, given)

        def decide(state: LotState, now: int) -> Decision[tuple[Session, int]]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                session = state.session(ticket_id) or core.session_of(state, ticket_id)
                return [], lambda: as_it_was(session, answer)
            session = core.session_of(state, ticket_id)
            if any(each["code"] == discount.code for each in session.discounts):
                return [], lambda: (session, now)
            record = {"k": "discounted", "at": now, "ticket": ticket_id, "when": session.last, "discount": given}
            answer = [max(session.last, now), len(session.discounts) + 1, session.paid, session.leave_by]
            answer.append(session.lost_fee)
            return [keyed(record, key, asked, answer)], lambda: as_it_was(state.open[ticket_id], answer)

        return self._quote_of(*self._decide(decide))

    def relocate(self, ticket_id: str, space_id: str, *, key: str | None = None) -> Ticket:
        """Say that a vehicle stands on another space; `SpaceTaken`, `NotEligible`."""
        asked = as_text(key, "relocate", ticket_id, space_id)

        def decide(state: LotState, now: int) -> Decision[Ticket]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                return [], lambda: as_ticket(answer)
            record, session = core.relocate(state, ticket_id, space_id, now), core.session_of(state, ticket_id)
            answer = [ticket_id, [space_id], session.plate, session.entered]
            return [keyed(record, key, asked, answer)], lambda: as_ticket(answer)

        return self._decide(decide)

    def reserve(
        self,
        size: str,
        start: datetime,
        end: datetime,
        *,
        owner: str,
        at: datetime | None = None,
        key: str | None = None,
    ) -> Reservation:
        """Promise a space of a size from `start`; `CapacityExceeded`. The fee of a no-show is fixed now."""
        if size not in self.layout.fit.order:
            raise ValueError(f"size must be one of {list(self.layout.fit.order)}, got {size!r}")
        first, last = to_micros(start), to_micros(end)
        made = to_micros(self._clock.now() if at is None else at)
        if not made <= last or not first < last:
            raise ValueError(f"a reservation must end after its start and after now, got {start} to {end}")
        asked, new = as_text(key, "reserve", size, first, last, owner, at), self._new_id()
        pricer = self._pricer(self._look(lambda state, _: state.version))
        fee = expiry_fee(pricer, start, to_datetime(first + self.layout.no_show))

        def decide(state: LotState, now: int) -> Decision[Reservation]:
            answer = core.answered(state, key, asked)
            if answer is not None:
                return [], lambda: as_reservation(answer)
            record = core.book(state, size, first, last, owner=owner, booking_id=new, fee=fee, now=now)
            answer = [new, size, first, last, owner]
            return [keyed(record, key, asked, answer)], lambda: as_reservation(answer)

        return self._decide(decide)

    def cancel(self, reservation_id: str, *, at: datetime | None = None) -> Bill:
        """Give a reservation back; the bill is for the time of it that has passed."""
        start, version = self._look(lambda state, _: _of_booking(core.booking_of(state, reservation_id)))
        when = self._clock.now() if at is None else at
        bill = self._pricer(version).price(to_datetime(start), when, reservation=True)

        def decide(state: LotState, now: int) -> Decision[Bill]:
            return [core.unbook(state, reservation_id, fee=bill.total.amount, now=now)], lambda: bill

        return self._decide(decide)

    aenter = twin(enter)
    aquote = twin(quote)
    apay = twin(pay)
    aexit = twin(exit)  # noqa: A003 - the verb above
    areserve = twin(reserve)


def _of_booking(booking: Booking) -> tuple[int, int]:
    return booking.start, booking.version


def _micros(name: str, seconds: float) -> int:
    return round(check_number(name, seconds) * MICRO)
