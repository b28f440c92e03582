"""The state of a lot: the fold of its log. Each record is taken in at one place, and never asks a clock or a price."""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from lldkit.claims.journal import Record
from lldkit.claims.times import to_micros
from lldkit.claims.windows import Windows
from lldkit.machine import InvalidTransition
from lldkit.parking_lot.errors import LogCorrupt
from lldkit.parking_lot.fit import Group
from lldkit.parking_lot.grounds import Grounds, Layout
from lldkit.parking_lot.interface import LotEvent, Vehicle
from lldkit.parking_lot.machine import BOOKING, BookingEvent, BookingState, SessionState
from lldkit.parking_lot.sessions import Booking, Session

__all__ = ["LotState", "replay"]

PROTECT, BREAK, MISS = range(3)
"""What a reservation waits for, in this order where it comes at one time."""


class LotState(Grounds):
    """Everything that is known of a lot as of the last record. Not safe for threads."""

    def _clear(self) -> None:
        super()._clear()
        self.now = 0
        self.open: dict[str, Session] = {}
        self.closed: dict[str, Session] = {}
        self.by_plate: dict[str, str] = {}
        self.bookings: dict[str, Booking] = {}
        self.ended: dict[str, list[str]] = {}  # reservations that are over, and their keys
        self.tariffs: dict[int, Any] = {}
        self.version = 0
        self.outbox: dict[int, tuple[str, str]] = {}
        self.keys: dict[str, tuple[str, Any]] = {}
        self.windows = Windows()
        self.wanting: dict[str, None] = {}
        self._over: deque[str] = deque()
        self._timers: list[tuple[int, int, str]] = []

    def session(self, ticket_id: str) -> Session | None:
        """A stay, also one that is over and not forgotten."""
        return self.open.get(ticket_id) or self.closed.get(ticket_id)

    def held_in(self, groups: Iterable[Group]) -> list[Booking]:
        """The reservations that hold a space of these groups."""
        wanted = set(groups)
        return [self.bookings[b] for space_id, b in self.holder.items() if self.group[space_id] in wanted]

    # Time.

    def due(self, now: int) -> list[Record]:
        """The next thing that time alone has brought about a reservation."""
        for booking_id in self.wanting:
            if (space := self._for_booking(self.bookings[booking_id])) is not None:
                return [{"k": "held", "at": self.now, "id": booking_id, "space": space}]
        while self._timers and self._timers[0][0] <= now:
            at, what, booking_id = self._timers[0]
            if booking_id in self.bookings:
                told = self._timely(what, self.bookings[booking_id])
                if told is not None:
                    return [{"at": max(at, self.now), "id": booking_id, **told}]
            heapq.heappop(self._timers)
        return []

    def next_due(self) -> int | None:
        """When the next reservation may have to be looked after."""
        return self._timers[0][0] if self._timers else None

    def _timely(self, what: int, booking: Booking) -> Record | None:
        """What a reservation's timer brings about, unless it has come otherwise."""
        allowed = BOOKING.allowed(booking.state)
        if what == PROTECT and booking.state is BookingState.BOOKED:
            space = self._for_booking(booking)
            return {"k": "wanting"} if space is None else {"k": "held", "space": space}
        if what == BREAK and BookingEvent.BROKEN in allowed:
            return {"k": "broken"}
        if what == MISS and BookingEvent.NO_SHOW in allowed:
            return {"k": "no_show", "fee": 0 if booking.state is BookingState.BROKEN else booking.fee}
        return None

    def _for_booking(self, booking: Booking) -> str | None:
        groups = self.fit.groups(Vehicle("any", size=booking.size), self.groups)
        return next((space.id for space in (self.front(group, "") for group in groups) if space), None)

    # Taking in.

    def apply(self, seq: int, record: Record) -> None:
        """Take in one record; `LogCorrupt` if it does not fit the lot."""
        if "key" in record:
            self.keys[record["key"]] = record["asked"], record["answer"]
        try:
            getattr(self, f"_apply_{record['k']}")(seq, record)
        except (AttributeError, KeyError, InvalidTransition) as error:
            raise LogCorrupt(seq, f"{record.get('k')} does not fit this lot: {error!r}") from error
        self.now = max(self.now, record["at"])

    def _apply_tariff(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.version = record["version"]
        used = {session.version for session in self.open.values()} | {each.version for each in self.bookings.values()}
        kept = {version: text for version, text in self.tariffs.items() if version in used}
        self.tariffs = kept | {self.version: record["document"]}

    def _apply_entered(self, seq: int, record: Record) -> None:
        session = Session.of(record)
        self._admit(session)
        if session.booking is not None:
            self._follow(session.booking, BookingEvent.ARRIVED)
        self.outbox[seq] = session.gate, session.ticket

    def _admit(self, session: Session) -> None:
        self.open[session.ticket] = session
        self.by_plate[session.normal] = session.ticket
        for space_id in session.spaces:
            self.put(self.occupant, space_id, session.ticket)

    def _apply_quoted(self, seq: int, record: Record) -> None:  # noqa: ARG002
        kept = [quote for quote in self.open[record["ticket"]].quotes if quote[1] >= record["when"]][-9:]
        self._change(record, quotes=(*kept, (record["due"], record["until"])))

    def _apply_paid(self, seq: int, record: Record) -> None:  # noqa: ARG002
        session = self.open[record["ticket"]]
        paid, named = session.paid + record["amount"], {name: record[name] for name in ("currency", "leave_by")}
        self._change(record, paid=paid, payments=session.payments + 1, quotes=(), **named)

    def _apply_discounted(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._change(record, discounts=(*self.open[record["ticket"]].discounts, record["discount"]))

    def _apply_lost(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._change(record, lost_fee=record["fee"])

    def _apply_relocated(self, seq: int, record: Record) -> None:  # noqa: ARG002
        for space_id in self.open[record["ticket"]].spaces:
            self.put(self.occupant, space_id, None)
        for space_id in record["spaces"]:
            self.put(self.occupant, space_id, record["ticket"])
        self._change(record, spaces=tuple(record["spaces"]))

    def _apply_clamped(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._change(record)

    def _change(self, record: Record, **changed: Any) -> Session:
        session = self.open[record["ticket"]] = self.open[record["ticket"]].after(record, **changed)
        return session

    def _apply_exited(self, seq: int, record: Record) -> None:
        session = self._change(record)
        self.closed[session.ticket] = self.open.pop(session.ticket)
        del self.by_plate[session.normal]
        for space_id in session.spaces:
            self.put(self.occupant, space_id, None)
        self.outbox[seq] = record["gate"], session.ticket
        if session.booking is not None:
            self._end(session.booking, BookingEvent.EXITED)
        self._close(session.ticket)

    def _close(self, what: str) -> None:
        """A ticket or a reservation is over; the oldest ones are forgotten, with their keys."""
        self._over.append(what)
        while self.layout.keep_closed is not None and len(self._over) > self.layout.keep_closed:
            oldest = self._over.popleft()
            session = self.closed.pop(oldest, None)
            for key in session.keys if session else self.ended.pop(oldest):
                self.keys.pop(key, None)

    def _apply_done(self, seq: int, record: Record) -> None:  # noqa: ARG002
        del self.outbox[record["id"]]

    def _apply_out(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.put(self.out, record["space"], "")

    def _apply_in(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.put(self.out, record["space"], None)

    def _apply_reserved(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._book(Booking.of(record))

    def _book(self, booking: Booking) -> None:
        self.bookings[booking.id] = booking
        self.windows.add(booking.size, booking.start, booking.end, 1)
        for what, shift in ((PROTECT, -self.layout.protect), (BREAK, 0), (MISS, self.layout.no_show)):
            heapq.heappush(self._timers, (booking.start + shift, what, booking.id))

    def _apply_held(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.put(self.holder, record["space"], record["id"])
        self._follow(record["id"], BookingEvent.HELD, record["space"])

    def _apply_wanting(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._follow(record["id"], BookingEvent.WANTING)

    def _apply_broken(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._follow(record["id"], BookingEvent.BROKEN)

    def _apply_no_show(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._end(record["id"], BookingEvent.NO_SHOW)

    def _apply_cancelled(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._end(record["id"], BookingEvent.CANCELLED)

    def _follow(self, booking_id: str, event: BookingEvent, space_id: str | None = None) -> Booking:
        """Let a reservation go on; the space that was held for it is let go."""
        before = self.bookings[booking_id]
        booking = self.bookings[booking_id] = before.after(event, space_id)
        if before.space is not None:
            self.put(self.holder, before.space, None)
        if booking.state in {BookingState.WANTING, BookingState.BROKEN}:
            self.wanting.setdefault(booking_id)
        else:
            self.wanting.pop(booking_id, None)
        return booking

    def _end(self, booking_id: str, event: BookingEvent) -> None:
        """A reservation is over: its window, what it holds; its keys are kept for a while."""
        booking = self._follow(booking_id, event)
        self.windows.add(booking.size, booking.start, booking.end, -1)
        del self.bookings[booking_id]
        self.ended[booking_id] = list(booking.keys)
        self._close(booking_id)

    # Keeping.

    def dump(self) -> dict[str, Any]:
        """All of it, as JSON values; equal states have equal dumps."""
        plain = {name: getattr(self, name) for name in ("now", "version", "keys", "ended")}
        lists = {
            "sessions": [session._asdict() for session in (*self.open.values(), *self.closed.values())],
            "over": list(self._over),
            "bookings": [booking._asdict() for booking in self.bookings.values()],
            "wanting": list(self.wanting),
            "tariffs": list(self.tariffs.items()),
            "outbox": [[seq, *command] for seq, command in self.outbox.items()],
            "out": sorted(self.out),
        }
        return plain | lists

    def load(self, body: Mapping[str, Any]) -> None:
        """Become what was dumped."""
        self._clear()
        self.now, self.version, self.ended = body["now"], body["version"], dict(body["ended"])
        self.keys = {key: (asked, answer) for key, (asked, answer) in body["keys"].items()}
        self.tariffs = dict(body["tariffs"])
        self._over = deque(body["over"])
        for session in map(Session.of, body["sessions"]):
            if session.state is SessionState.CLOSED:
                self.closed[session.ticket] = session
            else:
                self._admit(session)
        for booking in map(Booking.of, body["bookings"]):
            self._book(booking)
            if booking.space is not None:
                self.put(self.holder, booking.space, booking.id)
        self.wanting = dict.fromkeys(body["wanting"])
        self.outbox = {seq: (gate, ticket) for seq, gate, ticket in body["outbox"]}
        for space_id in body["out"]:
            self.put(self.out, space_id, "")

    def weight(self) -> int:
        """About how many records a dump is as long as."""
        return len(self.open) + len(self.closed) + len(self.bookings) + len(self.keys)


def replay(events: Iterable[LotEvent], layout: Layout) -> LotState:
    """The state that the events, from the first one on, make of an empty lot."""
    state = LotState(layout)
    for event in events:
        state.apply(event.seq, {"k": event.what, "at": to_micros(event.at), **event.data})
    return state
