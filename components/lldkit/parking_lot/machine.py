"""The two state machines of a lot, as tables: a stay and a reservation. Their events are the records of the log."""

from enum import StrEnum

from lldkit.machine import Machine

__all__ = ["BOOKING", "SESSION", "BookingEvent", "BookingState", "SessionEvent", "SessionState"]


class SessionState(StrEnum):
    """Where a stay stands. That the time to leave is over is no state: it is seen by comparing times."""

    PARKED = "parked"
    PAID = "paid"
    CLOSED = "closed"


class SessionEvent(StrEnum):
    """What happens to a stay after its entry."""

    QUOTED = "quoted"
    DISCOUNTED = "discounted"
    LOST = "lost"
    """The ticket, not the car."""
    RELOCATED = "relocated"
    CLAMPED = "clamped"
    """An event was dated before the last one."""
    PAID = "paid"
    EXITED = "exited"


def _session_table() -> dict[tuple[SessionState, SessionEvent], SessionState]:
    inside = (SessionState.PARKED, SessionState.PAID)
    kept = set(SessionEvent) - {SessionEvent.PAID, SessionEvent.EXITED}
    table = {(state, event): state for state in inside for event in SessionEvent if event in kept}
    table |= {(state, SessionEvent.PAID): SessionState.PAID for state in inside}
    return table | {(state, SessionEvent.EXITED): SessionState.CLOSED for state in inside}


SESSION: Machine[SessionState, SessionEvent] = Machine(
    name="session", initial=SessionState.PARKED, final={SessionState.CLOSED}, table=_session_table()
)
"""A stay, from its entry to its exit."""


class BookingState(StrEnum):
    """Where a reservation stands."""

    BOOKED = "booked"
    """Its protected time has not begun: walk-ins may have every space."""
    WANTING = "wanting"
    """It is to have a space, and none is free."""
    HELD = "held"
    BROKEN = "broken"
    """It has begun, and there was no space for it: somebody overstays."""
    USED = "used"
    LEFT = "left"
    MISSED = "missed"
    CANCELLED = "cancelled"


class BookingEvent(StrEnum):
    """What happens to a reservation; `WANTING`, `HELD`, `BROKEN` and `NO_SHOW` by the passing of time alone."""

    WANTING = "wanting"
    HELD = "held"
    BROKEN = "broken"
    ARRIVED = "arrived"
    EXITED = "exited"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


_WAITING = (BookingState.BOOKED, BookingState.WANTING, BookingState.HELD, BookingState.BROKEN)

BOOKING: Machine[BookingState, BookingEvent] = Machine(
    name="reservation",
    initial=BookingState.BOOKED,
    final={BookingState.LEFT, BookingState.MISSED, BookingState.CANCELLED},
    table={
        (BookingState.BOOKED, BookingEvent.HELD): BookingState.HELD,
        (BookingState.BOOKED, BookingEvent.WANTING): BookingState.WANTING,
        (BookingState.WANTING, BookingEvent.HELD): BookingState.HELD,
        (BookingState.WANTING, BookingEvent.BROKEN): BookingState.BROKEN,
        (BookingState.BROKEN, BookingEvent.HELD): BookingState.HELD,
        (BookingState.HELD, BookingEvent.ARRIVED): BookingState.USED,
        (BookingState.USED, BookingEvent.EXITED): BookingState.LEFT,
        (BookingState.HELD, BookingEvent.NO_SHOW): BookingState.MISSED,
        (BookingState.BROKEN, BookingEvent.NO_SHOW): BookingState.MISSED,
        **{(state, BookingEvent.CANCELLED): BookingState.CANCELLED for state in _WAITING},
    },
)
"""A reservation, until it was used, missed or given back."""
