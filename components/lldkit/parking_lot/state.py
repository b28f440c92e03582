"""The state of a lot: the fold of its log. Each record is taken in at one place, and never asks a clock or a price.

A space is occupied, held for a reservation, out of service or free; `_move` is the one place that follows it there, and
keeps the counters, the free spaces and the free runs in step.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lldkit.claims.free import FreeIndex
from lldkit.claims.journal import Record
from lldkit.claims.runs import RunIndex
from lldkit.claims.times import to_micros
from lldkit.claims.windows import Windows
from lldkit.parking_lot.errors import LogCorrupt
from lldkit.parking_lot.fit import Fit, Group, group_of
from lldkit.parking_lot.interface import Availability, LotEvent, Space, Vehicle
from lldkit.parking_lot.sessions import Booking, Session

__all__ = ["Layout", "LotState", "replay"]

FREE, OCCUPIED, HELD, OUT = range(4)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a lot is built of, and the times (microseconds) that decide about its reservations."""

    spaces: Sequence[Space]
    fit: Fit
    reservable: Mapping[str, int]
    protect: int
    no_show: int
    keep_closed: int | None


class LotState:
    """Everything that is known of a lot as of the last record. Not safe for threads."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.fit = layout, layout.fit
        self.spaces = {space.id: space for space in layout.spaces}
        if len(self.spaces) < len(layout.spaces):
            raise ValueError("two spaces have the same id")
        self.group = {space.id: group_of(space, layout.fit) for space in layout.spaces}
        self.groups: list[Group] = sorted(set(self.group.values()))
        self.gates = frozenset(gate for space in layout.spaces for gate in space.distances)
        self._pools = {group: str(number) for number, group in enumerate(self.groups)}
        self._places: dict[tuple[str, str, int], str] = {}
        self._clear()

    def _clear(self) -> None:
        self.now = 0
        self.sessions: dict[str, Session] = {}
        self.open: dict[str, Session] = {}
        self.by_plate: dict[str, str] = {}
        self.bookings: dict[str, Booking] = {}
        self.ended: dict[str, list[str]] = {}  # reservations that are over, and their keys
        self.tariffs: dict[int, Any] = {}
        self.version = 0
        self.outbox: dict[int, tuple[str, str]] = {}
        self.keys: dict[str, tuple[str, Any]] = {}
        self.occupant: dict[str, str] = {}
        self.holder: dict[str, str] = {}
        self.out: set[str] = set()
        self.windows = Windows()
        self.wanting: dict[str, None] = {}
        self.signs: dict[tuple[str, str], int] = {}  # whose free places have changed, and how many there are
        self._closed: deque[str] = deque()
        self._timers: list[tuple[int, str, str]] = []
        self._status: dict[str, int] = {}
        self._counts: dict[tuple[str, str], list[int]] = {}  # by status
        self._free = FreeIndex()
        self.runs = RunIndex(lambda *place: self.spaces[self._places[place[:3]]].distances.get(place[3], 2**31))
        for space in self.layout.spaces:
            pool = self._pools[self.group[space.id]]
            self._free.add(space.id, pool, space.distances)
            self._counts.setdefault((space.level, space.size), [0] * 4)[FREE] += 1
            if space.row:
                if self._places.setdefault((pool, space.row, space.position), space.id) != space.id:
                    raise ValueError(f"two spaces of row {space.row!r} have position {space.position}")
                self.runs.give(pool, space.row, space.position)

    # Looking.

    def order(self, gate: str) -> str:
        """The order of the free spaces as seen from a gate."""
        return gate if gate in self.gates else ""

    def front(self, group: Group, gate: str) -> Space | None:
        """The first free space of a group."""
        found = self._free.first(self._pools[group], self.order(gate))
        return None if found is None else self.spaces[found]

    def front_run(self, group: Group, length: int, gate: str) -> list[str] | None:
        """The spaces of the first run of a group."""
        pool = self._pools[group]
        found = self.runs.find(pool, length, self.order(gate))
        return found and [self._places[pool, found[0], found[1] + step] for step in range(length)]

    def steps(self) -> int:
        """How many entries were looked at to find free spaces."""
        return self._free.steps

    def is_free(self, space_id: str) -> bool:
        """Whether nobody has it."""
        return space_id not in self._status

    def held_in(self, groups: Iterable[Group]) -> list[Booking]:
        """The reservations that hold a space of these groups."""
        wanted = set(groups)
        return [self.bookings[b] for space_id, b in self.holder.items() if self.group[space_id] in wanted]

    def availability(self) -> dict[tuple[str, str], Availability]:
        """By level and size; as many steps as there are of these."""
        return {sign: Availability(f, o, h, out, f + o + h + out) for sign, (f, o, h, out) in self._counts.items()}

    def rank_of_size(self, size: str) -> int:
        """As `LotView.rank_of_size`."""
        return self.fit.rank(size)

    def free_share(self, level: str) -> float:
        """As `LotView.free_share`."""
        counts = [counts for (each, _), counts in self._counts.items() if each == level]
        return sum(each[FREE] for each in counts) / max(1, sum(map(sum, counts)))

    # Time.

    def due(self, now: int) -> list[Record]:
        """The next thing that time alone has brought about a reservation."""
        for booking_id in self.wanting:
            if (space := self._for_booking(self.bookings[booking_id])) is not None:
                return [{"k": "held", "at": self.now, "id": booking_id, "space": space}]
        while self._timers and self._timers[0][0] <= now:
            at, what, booking_id = self._timers[0]
            booking = self.bookings.get(booking_id)
            if booking is not None and booking.waits_for(what):
                return [self._timely(max(at, self.now), what, booking)]
            heapq.heappop(self._timers)
        return []

    def _timely(self, at: int, what: str, booking: Booking) -> Record:
        record: Record = {"k": what, "at": at, "id": booking.id}
        if what == "no_show":
            return record | {"fee": 0 if booking.broken and booking.space is None else booking.fee}
        if what == "protect":
            space = self._for_booking(booking)
            return record | ({"k": "wanting"} if space is None else {"k": "held", "space": space})
        return record

    def _for_booking(self, booking: Booking) -> str | None:
        groups = self.fit.groups(Vehicle("any", size=booking.size), self.groups)
        return next((space.id for space in (self.front(group, "") for group in groups) if space), None)

    # Taking in.

    def apply(self, seq: int, record: Record) -> None:
        """Take in one record; `LogCorrupt` if it does not fit the layout."""
        try:
            getattr(self, f"_apply_{record['k']}")(seq, record)
        except (AttributeError, KeyError) as error:
            raise LogCorrupt(seq, f"{record.get('k')} does not fit this lot: {error!r}") from error
        self.now = max(self.now, record["at"])
        if "key" in record:
            self.keys[record["key"]] = record["asked"], record["answer"]
            owner = self.sessions.get(record.get("ticket", "")) or self.bookings.get(record.get("id", ""))
            if owner is not None:
                owner.keys.append(record["key"])

    def _apply_tariff(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.version = record["version"]
        used = {session.version for session in self.open.values()} | {each.version for each in self.bookings.values()}
        kept = {version: text for version, text in self.tariffs.items() if version in used}
        self.tariffs = kept | {self.version: record["document"]}

    def _apply_entered(self, seq: int, record: Record) -> None:
        session = Session(record)
        self._admit(session)
        booking = self.bookings.get(session.booking or "")
        if booking is not None:
            booking.arrived = True
            self.wanting.pop(booking.id, None)
            self._hold(booking, None)
        self.outbox[seq] = session.gate, session.ticket

    def _admit(self, session: Session) -> None:
        self.sessions[session.ticket] = self.open[session.ticket] = session
        self.by_plate[session.normal] = session.ticket
        self._occupy(session.spaces, session.ticket)

    def _occupy(self, spaces: Iterable[str], ticket: str | None) -> None:
        for space_id in spaces:
            if ticket is None:
                del self.occupant[space_id]
            else:
                self.occupant[space_id] = ticket
            self._move(space_id)

    def _apply_quoted(self, seq: int, record: Record) -> None:  # noqa: ARG002
        session = self._changed(record)
        session.quotes = [quote for quote in session.quotes if quote[1] >= record["when"]][-9:]
        session.quotes.append((record["due"], record["until"]))

    def _apply_paid(self, seq: int, record: Record) -> None:  # noqa: ARG002
        session = self._changed(record)
        session.paid += record["amount"]
        session.payments += 1
        session.currency = record["currency"]
        session.leave_by = record["leave_by"]
        session.quotes = []

    def _apply_discounted(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._changed(record).discounts.append(record["discount"])

    def _apply_lost(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._changed(record).lost_fee = record["fee"]

    def _apply_relocated(self, seq: int, record: Record) -> None:  # noqa: ARG002
        session = self._changed(record)
        self._occupy(session.spaces, None)
        session.spaces = record["spaces"]
        self._occupy(session.spaces, session.ticket)

    def _apply_clamped(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._changed(record)

    def _changed(self, record: Record) -> Session:
        session = self.open[record["ticket"]]
        session.last = max(session.last, record["when"])
        session.changes += 1
        return session

    def _apply_exited(self, seq: int, record: Record) -> None:
        session = self._changed(record)
        session.closed = record["when"]
        del self.open[session.ticket], self.by_plate[session.normal]
        self._occupy(session.spaces, None)
        self.outbox[seq] = record["gate"], session.ticket
        if session.booking in self.bookings:
            self._end(self.bookings[session.booking])
        self._close(session.ticket)

    def _close(self, what: str) -> None:
        """A ticket or a reservation is over; the oldest ones are forgotten, with their keys."""
        self._closed.append(what)
        while self.layout.keep_closed is not None and len(self._closed) > self.layout.keep_closed:
            oldest = self._closed.popleft()
            session = self.sessions.pop(oldest, None)
            for key in session.keys if session else self.ended.pop(oldest):
                self.keys.pop(key, None)

    def _apply_done(self, seq: int, record: Record) -> None:  # noqa: ARG002
        del self.outbox[record["id"]]

    def _apply_out(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.out.add(record["space"])
        self._move(record["space"])

    def _apply_in(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.out.discard(record["space"])
        self._move(record["space"])

    def _apply_reserved(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._book(Booking(record))

    def _book(self, booking: Booking) -> None:
        self.bookings[booking.id] = booking
        self.windows.add(booking.size, booking.start, booking.end, 1)
        times = (("protect", -self.layout.protect), ("broken", 0), ("no_show", self.layout.no_show))
        for what, shift in times:
            if booking.waits_for(what):
                heapq.heappush(self._timers, (booking.start + shift, what, booking.id))

    def _apply_held(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.wanting.pop(record["id"], None)
        self._hold(self.bookings[record["id"]], record["space"])

    def _apply_wanting(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.bookings[record["id"]].protected = True
        self.wanting[record["id"]] = None

    def _apply_broken(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self.bookings[record["id"]].broken = True

    def _apply_no_show(self, seq: int, record: Record) -> None:  # noqa: ARG002
        self._end(self.bookings[record["id"]])

    _apply_cancelled = _apply_no_show

    def _end(self, booking: Booking) -> None:
        """It is over: its window, what it holds, and its keys."""
        self.windows.add(booking.size, booking.start, booking.end, -1)
        self.wanting.pop(booking.id, None)
        self._hold(booking, None)
        del self.bookings[booking.id]
        self.ended[booking.id] = booking.keys
        self._close(booking.id)

    def _hold(self, booking: Booking, space_id: str | None) -> None:
        before, booking.space = booking.space, space_id
        booking.protected = booking.protected or space_id is not None
        if before is not None:
            del self.holder[before]
            self._move(before)
        if space_id is not None:
            self.holder[space_id] = booking.id
            self._move(space_id)

    def _move(self, space_id: str) -> None:
        """Let counters and indexes follow a space to where it now is."""
        before = self._status.pop(space_id, FREE)
        after = OCCUPIED if space_id in self.occupant else HELD if space_id in self.holder else FREE
        after = OUT if after == FREE and space_id in self.out else after
        if after != FREE:
            self._status[space_id] = after
        if after == before:
            return
        space, pool = self.spaces[space_id], self._pools[self.group[space_id]]
        counts = self._counts[space.level, space.size]
        counts[before] -= 1
        counts[after] += 1
        if FREE in {before, after}:
            self.signs[space.level, space.size] = counts[FREE]
            (self._free.give if after == FREE else self._free.take)(space_id)
            if space.row:
                (self.runs.give if after == FREE else self.runs.take)(pool, space.row, space.position)

    # Keeping.

    def dump(self) -> dict[str, Any]:
        """All of it, as JSON values; equal states have equal dumps."""
        plain = {name: getattr(self, name) for name in ("now", "version", "keys", "ended")}
        lists = {
            "sessions": [session.dump() for session in self.sessions.values()],
            "closed": list(self._closed),
            "bookings": [booking.dump() for booking in self.bookings.values()],
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
        self._closed = deque(body["closed"])
        for session in map(Session, body["sessions"]):
            if session.closed is None:
                self._admit(session)
            else:
                self.sessions[session.ticket] = session
        for booking in map(Booking, body["bookings"]):
            self._book(booking)
            space_id, booking.space = booking.space, None
            self._hold(booking, space_id)
        self.wanting = dict.fromkeys(body["wanting"])
        self.outbox = {seq: (gate, ticket) for seq, gate, ticket in body["outbox"]}
        for space_id in body["out"]:
            self.out.add(space_id)
            self._move(space_id)

    def weight(self) -> int:
        """About how many records a dump is as long as."""
        return len(self.sessions) + len(self.bookings) + len(self.keys)


def replay(events: Iterable[LotEvent], layout: Layout) -> LotState:
    """The state that the events, from the first one on, make of an empty lot."""
    state = LotState(layout)
    for event in events:
        state.apply(event.seq, {"k": event.what, "at": to_micros(event.at), **event.data})
    return state
