"""What a lot decides: every function reads the state and returns the record of what is to happen, or raises.

Pure: identities and times are handed in. `now` is the lot's time, `when` that of the gate's event, in microseconds.
"""

from collections.abc import Sequence
from typing import Any

from lldkit.claims.journal import Record
from lldkit.claims.times import to_datetime
from lldkit.clock import MICRO
from lldkit.parking_lot.errors import (
    AlreadyParked,
    CapacityExceeded,
    KeyMismatch,
    LotFull,
    NotEligible,
    ReservationInvalid,
    SpaceTaken,
    TicketClosed,
    UnknownGate,
    UnknownTicket,
)
from lldkit.parking_lot.fit import Group, normal_plate
from lldkit.parking_lot.interface import Allocation, Request, Vehicle
from lldkit.parking_lot.machine import BookingState, SessionState
from lldkit.parking_lot.sessions import Booking, Session
from lldkit.parking_lot.state import LotState

__all__ = ["admit", "answered", "book", "booking_of", "gate_of", "on_ticket", "relocate", "session_of", "unbook"]


def answered(state: LotState, key: str | None, asked: str) -> Any:
    """What was answered to this key before, or None; `KeyMismatch` if it was for something else."""
    if key is None or key not in state.keys:
        return None
    before, answer = state.keys[key]
    if before != asked:
        raise KeyMismatch(key)
    return answer


def gate_of(state: LotState, gate: str) -> str:
    """The gate, if there is one of this name."""
    if state.gates and gate not in state.gates:
        raise UnknownGate(gate)
    return gate


def session_of(state: LotState, ticket_id: str) -> Session:
    """An open stay; `UnknownTicket`, `TicketClosed`."""
    session = state.session(ticket_id)
    if session is None:
        raise UnknownTicket(ticket_id)
    if session.state is SessionState.CLOSED:
        raise TicketClosed(ticket_id, to_datetime(session.last))
    return session


def on_ticket(session: Session, when: int, now: int) -> tuple[int, list[Record]]:
    """The time of an event, not before the last one of its ticket; and the record that says so if it was."""
    if when >= session.last:
        return when, []
    return session.last, [{"k": "clamped", "at": now, "ticket": session.ticket, "when": session.last, "given": when}]


def admit(
    state: LotState,
    request: Request,
    allocation: Allocation,
    ticket_id: str,
    *,
    booking: str | None,
    when: int,
    now: int,
) -> Record:
    """A vehicle enters, with a reservation or without."""
    vehicle = request.vehicle
    gate_of(state, request.gate)
    normal = normal_plate(vehicle.plate)
    if normal in state.by_plate:
        raise AlreadyParked(vehicle.plate, state.by_plate[normal])
    groups = state.fit.groups(vehicle, state.groups)
    if not groups:
        raise NotEligible(vehicle, "no space has its size, its height and none but its permits")
    if booking is None:
        spaces = _choose(state, request, groups, allocation, now)
    else:
        spaces = _reserved(state, vehicle, groups, booking, now)
    _check_new(ticket_id, state.session(ticket_id))
    record: Record = {
        "k": "entered",
        "at": now,
        "ticket": ticket_id,
        "plate": vehicle.plate,
        "normal": normal,
        "size": vehicle.size,
        "spaces": spaces,
        "gate": request.gate,
        "entered": when,
        "version": state.version,
    }
    unusual = {"permits": sorted(vehicle.permits), "height": vehicle.height_cm, "booking": booking}
    record.update((name, value) for name, value in unusual.items() if value)
    return record


def _check_new(given: str, known: object) -> None:
    if known is not None:
        raise ValueError(f"new_id must make an id that was never used, got {given!r} again")


def _choose(state: LotState, request: Request, groups: Sequence[Group], allocation: Allocation, now: int) -> list[str]:
    """The spaces for a walk-in: of the first of each group, the one that the allocation puts first."""
    _, length = state.fit.needs(request.vehicle)
    found: list[list[str]] = []
    for group in groups:
        if length > 1:
            run = state.front_run(group, length, request.gate)
            found += [run] if run else []
        elif space := state.front(group, request.gate):
            found.append([space.id])
    if len(found) > 1:
        return min(found, key=lambda spaces: allocation.order(state.spaces[spaces[0]], request, state))
    if found:
        return found[0]
    held = state.held_in(groups)
    if not held:
        raise LotFull(request.vehicle.size, "occupied")
    frees = min(booking.start + state.layout.no_show for booking in held)
    raise LotFull(request.vehicle.size, "reserved", max(0, frees - now) / MICRO)


def _reserved(state: LotState, vehicle: Vehicle, groups: Sequence[Group], booking_id: str, now: int) -> list[str]:
    """The space that is held for a reservation."""
    booking = booking_of(state, booking_id)
    if booking.state is BookingState.USED:
        raise ReservationInvalid(booking_id, "it was used already")
    if now < booking.start - state.layout.protect:
        raise ReservationInvalid(booking_id, f"it begins at {to_datetime(booking.start).isoformat()}")
    if booking.space is None:
        raise LotFull(vehicle.size, "occupied")
    if state.group[booking.space] not in groups or state.fit.needs(vehicle)[1] > 1:
        raise ReservationInvalid(
            booking_id, f"space {booking.space}, which is held for it, does not fit {vehicle.plate}"
        )
    return [booking.space]


def booking_of(state: LotState, booking_id: str) -> Booking:
    """A reservation that is not over."""
    if booking_id in state.bookings:
        return state.bookings[booking_id]
    raise ReservationInvalid(booking_id, "it is over" if booking_id in state.ended else "there is none of this id")


def relocate(state: LotState, ticket_id: str, space_id: str, now: int) -> Record:
    """A vehicle stands elsewhere, on a space that fits it, or where it stands already."""
    session = session_of(state, ticket_id)
    if space_id not in state.spaces:
        raise ValueError(f"space_id must name a space of this lot, got {space_id!r}")
    if not state.is_free(space_id) and session.spaces != (space_id,):
        raise SpaceTaken(space_id, state.occupant.get(space_id))
    vehicle = Vehicle(session.plate, size=session.size, permits=frozenset(session.permits), height_cm=session.height)
    if state.group[space_id] not in state.fit.groups(vehicle, state.groups) or len(session.spaces) > 1:
        raise NotEligible(vehicle, f"space {space_id} does not fit it")
    return {"k": "relocated", "at": now, "ticket": ticket_id, "spaces": [space_id], "when": session.last}


def book(
    state: LotState, size: str, start: int, end: int, *, owner: str, booking_id: str, fee: int, now: int
) -> Record:
    """A reservation, if the reservable spaces of its size are not all reserved at some instant of it."""
    _check_new(booking_id, state.bookings.get(booking_id) or state.ended.get(booking_id))
    most = state.layout.reservable.get(size, 0)
    if state.windows.peak(size, start, end) + 1 > most:
        raise CapacityExceeded(size, to_datetime(start), _first_release(state, size, start, end, now=now))
    record: Record = {"k": "reserved", "at": now, "id": booking_id, "size": size, "owner": owner}
    return record | {"start": start, "end": end, "version": state.version, "fee": fee}


def _first_release(state: LotState, size: str, start: int, end: int, *, now: int) -> float | None:
    """Seconds to the first time at which one of those that are in the way may turn out not to be used."""
    ends = [
        each.start + state.layout.no_show
        for each in state.bookings.values()
        if each.size == size and each.start < end and start < each.end and each.state is not BookingState.USED
    ]
    return max(0, min(ends) - now) / MICRO if ends else None


def unbook(state: LotState, booking_id: str, *, fee: int, now: int) -> Record:
    """A reservation is given back before its vehicle came."""
    if booking_of(state, booking_id).state is BookingState.USED:
        raise ReservationInvalid(booking_id, "it was used already")
    return {"k": "cancelled", "at": now, "id": booking_id, "fee": fee}
