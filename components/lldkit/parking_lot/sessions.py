"""What a lot keeps of each stay and of each reservation, as values; times are whole microseconds, amounts minor units.

A change makes another value, by the tables of `machine`: what was handed out does not change, and whoever decided upon
a stay sees by comparing whether anything has happened to it since.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from lldkit.claims.journal import Record
from lldkit.parking_lot.machine import BOOKING, SESSION, BookingEvent, BookingState, SessionEvent, SessionState

__all__ = ["Booking", "Session"]


class Session(NamedTuple):
    """A stay, from its ticket to its exit. `last` is the time of its latest event, `normal` its plate as compared."""

    ticket: str
    plate: str
    normal: str
    size: str
    spaces: Sequence[str]
    gate: str
    entered: int
    version: int
    last: int
    permits: Sequence[str] = ()
    height: int | None = None
    booking: str | None = None
    state: SessionState = SESSION.initial
    paid: int = 0
    payments: int = 0
    currency: str = ""
    leave_by: int | None = None
    lost_fee: int = 0
    discounts: Sequence[Mapping[str, Any]] = ()
    quotes: Sequence[tuple[int, int]] = ()
    keys: Sequence[str] = ()

    @classmethod
    def of(cls, record: Record) -> Self:
        """The stay that a record of an entry begins, or that was kept in a snapshot."""
        given = {"last": record["entered"], **_given(cls._fields, record)}
        given["quotes"] = tuple((due, until) for due, until in record.get("quotes", ()))
        return cls(**{**given, "state": SessionState(record.get("state", SESSION.initial))})

    def in_grace(self, when: int) -> bool:
        """Whether it was paid, and the time to leave is not over; an event that is dated too early is clamped."""
        return self.leave_by is not None and max(self.last, when) <= self.leave_by

    def after(self, record: Record, **changed: Any) -> Self:
        """The stay after an event; `InvalidTransition` where the table has no such move."""
        state, keys = SESSION.next(self.state, SessionEvent(record["k"])), self.keys
        if "key" in record:
            keys = (*keys, record["key"])
        return self._replace(state=state, last=max(self.last, record["when"]), keys=keys, **changed)


class Booking(NamedTuple):
    """A reservation, until it is over. `fee` is what a no-show costs, `space` the space that is held for it."""

    id: str
    size: str
    owner: str
    start: int
    end: int
    version: int
    fee: int
    state: BookingState = BOOKING.initial
    space: str | None = None
    keys: Sequence[str] = ()

    @classmethod
    def of(cls, record: Record) -> Self:
        """The reservation that a record makes, or that was kept in a snapshot."""
        given = _given(cls._fields, record)
        return cls(**{**given, "state": BookingState(record.get("state", BOOKING.initial))})

    def after(self, event: BookingEvent, space: str | None = None) -> Self:
        """The reservation after an event, with the space that is held for it; `InvalidTransition`."""
        return self._replace(state=BOOKING.next(self.state, event), space=space)


def _given(names: Sequence[str], record: Record) -> dict[str, Any]:
    """What a record says, lists as tuples; its key is the first one by which the value may be asked for."""
    given = {name: record[name] for name in names if name in record}
    given = {name: tuple(value) if type(value) is list else value for name, value in given.items()}
    return given | {"keys": (record["key"],)} if "key" in record else given
