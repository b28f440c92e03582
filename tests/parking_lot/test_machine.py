"""The tables of a stay and of a reservation: what may follow what, and that a log goes by them."""

from datetime import timedelta
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.machine import InvalidTransition
from lldkit.parking_lot import (
    BOOKING,
    SESSION,
    BookingEvent,
    BookingState,
    LogCorrupt,
    LotEvent,
    ReservationInvalid,
    SessionEvent,
    SessionState,
    replay,
)
from parking_lot.helpers import START, a_lot, come, go, spaces


def test_nothing_happens_to_a_stay_that_is_closed() -> None:
    for event in SessionEvent:
        with pytest.raises(InvalidTransition):
            SESSION.next(SessionState.CLOSED, event)
    for state in (SessionState.PARKED, SessionState.PAID):
        assert SESSION.allowed(state) == set(SessionEvent)
        assert SESSION.next(state, SessionEvent.PAID) is SessionState.PAID
        assert SESSION.next(state, SessionEvent.EXITED) is SessionState.CLOSED
    assert SESSION.next(SessionState.PAID, SessionEvent.QUOTED) is SessionState.PAID


def test_only_who_has_a_space_arrives_and_only_who_has_not_arrived_is_missed() -> None:
    events = {state: {event.value for event in BOOKING.allowed(state)} for state in BookingState}
    assert events == {
        BookingState.BOOKED: {"held", "wanting", "cancelled"},
        BookingState.WANTING: {"held", "broken", "cancelled"},
        BookingState.HELD: {"arrived", "no_show", "cancelled"},
        BookingState.BROKEN: {"held", "no_show", "cancelled"},
        BookingState.USED: {"exited"},
        BookingState.LEFT: set(),
        BookingState.MISSED: set(),
        BookingState.CANCELLED: set(),
    }


def booked(protect_seconds: float) -> tuple[Any, ManualClock, str]:
    clock = ManualClock(start=START)
    options: Any = {"reservable": {"regular": 1}, "protect_seconds": protect_seconds, "no_show_seconds": 1_800}
    lot = a_lot(spaces("regular"), clock, **options)
    hour = timedelta(hours=1)
    return lot, clock, lot.reserve("regular", START + hour, START + 2 * hour, owner="o").id


def state_of(lot: Any, booking: str) -> BookingState:
    found: BookingState = lot._replica.state.bookings[booking].state
    return found


def test_a_reservation_goes_by_the_table_from_its_making_to_the_exit() -> None:
    lot, clock, booking = booked(900)
    ticket = come(lot, "stays")
    assert state_of(lot, booking) is BookingState.BOOKED
    for seconds, state in ((2_700, BookingState.WANTING), (900, BookingState.BROKEN)):
        clock.advance(seconds)
        lot.availability()
        assert state_of(lot, booking) is state
    go(lot, ticket)
    lot.availability()
    assert state_of(lot, booking) is BookingState.HELD
    used = come(lot, "comes", reservation=booking)
    assert state_of(lot, booking) is BookingState.USED
    with pytest.raises(ReservationInvalid) as refused:
        lot.cancel(booking)
    assert (refused.value.id, refused.value.reason) == (booking, "it was used already")
    go(lot, used)
    assert lot._replica.state.bookings == {}


def test_without_a_protected_time_the_space_is_held_when_the_reservation_begins_and_nothing_is_broken() -> None:
    lot, clock, booking = booked(0)
    clock.advance(3_600)
    assert lot.availability()["", "regular"].held == 1
    assert [event.what for event in lot.events()][-1] == "held"
    assert state_of(lot, booking) is BookingState.HELD


def test_a_log_in_which_a_space_is_used_that_was_never_held_is_damaged() -> None:
    lot, clock, booking = booked(900)
    clock.advance(3_000)
    come(lot, "comes", reservation=booking)
    events = [event for event in lot.events() if event.what != "held"]
    with pytest.raises(LogCorrupt, match="BOOKED allows CANCELLED, HELD, WANTING, got ARRIVED"):
        replay(events, lot.layout)


def test_a_log_in_which_somebody_pays_after_leaving_is_damaged() -> None:
    lot = a_lot(spaces("regular"))
    ticket = come(lot, "1")
    go(lot, ticket)
    paid = next(event for event in lot.events() if event.what == "paid")
    again = LotEvent(paid.at, lot.events()[-1].seq + 1, "paid", paid.data)
    with pytest.raises(LogCorrupt) as corrupt:
        replay([*lot.events(), again], lot.layout)
    assert corrupt.value.seq == again.seq


def test_every_record_about_a_stay_or_a_reservation_is_an_event_of_its_table() -> None:
    assert {event.value for event in SessionEvent} == {
        *("quoted", "discounted", "lost", "relocated", "clamped", "paid", "exited")
    }
    assert {event.value for event in BookingEvent} == {
        *("wanting", "held", "broken", "arrived", "exited", "no_show", "cancelled")
    }
