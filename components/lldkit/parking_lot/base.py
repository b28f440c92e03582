"""What all verbs of a lot stand on: the replica of its log, its price lists, and what can be read of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, Self, TypeAlias, TypeVar

from lldkit.arguments import check_count
from lldkit.claims.journal import Conflicted, JournalDamaged, MemoryJournal, Record, Replica, Unreachable
from lldkit.claims.times import to_datetime
from lldkit.clock import Clock
from lldkit.events import Outbox
from lldkit.parking_lot import core
from lldkit.parking_lot.answers import ticket_of
from lldkit.parking_lot.bill import Pricer
from lldkit.parking_lot.billing import quote_of
from lldkit.parking_lot.codec import document, restored
from lldkit.parking_lot.errors import LogCorrupt, StoreUnavailable, UnknownTicket
from lldkit.parking_lot.grounds import Layout
from lldkit.parking_lot.interface import Availability, GateCommand, LotEvent, LotStore, Page, Quote, Recovery, Ticket
from lldkit.parking_lot.sessions import Session
from lldkit.parking_lot.state import LotState

__all__ = ["Base", "Decision", "nothing"]

P = ParamSpec("P")
R = TypeVar("R")
Decision: TypeAlias = tuple[Sequence[Record], Callable[[], R]]


def nothing() -> None:
    """The answer of a verb that has none."""


class _Heard(LotState):
    """A state that tells what it takes in, and each sign whose number of free places has changed."""

    def __init__(self, layout: Layout, told: Outbox[LotEvent]) -> None:
        super().__init__(layout)
        self._told = told

    def apply(self, seq: int, record: Record) -> None:
        """Take in one record and leave word of it."""
        super().apply(seq, record)
        if self._told:
            self._told.put(_event(seq, record))
            for (level, size), free in self.signs.items():
                sign = {"level": level, "size": size, "free": free}
                self._told.put(LotEvent(to_datetime(record["at"]), seq, "sign", sign))
        self.signs.clear()


class Base:
    """The replica of a log, and what it is asked."""

    def __init__(
        self,
        layout: Layout,
        *,
        tariff: Pricer,
        store: LotStore | None,
        valid: int,
        clock: Clock,
        on_event: Callable[[LotEvent], None] | None,
    ) -> None:
        for size, most in layout.reservable.items():
            check_count(f"reservable[{size!r}]", most)
            layout.fit.rank(size)
        if layout.keep_closed is not None:
            check_count("keep_closed", layout.keep_closed)
        self._stored, self._journal = store is not None, MemoryJournal() if store is None else store
        self.layout, self._valid, self._clock, self._tariff = layout, valid, clock, tariff
        self._told: Outbox[LotEvent] = Outbox(on_event)
        self._replica: Replica[LotState] = Replica(self._journal, _Heard(layout, self._told), clock=clock)
        version, texts = self._look(lambda state, _: (state.version, dict(state.tariffs)))
        self._pricers = {each: restored(text, tariff) for each, text in texts.items()}
        if not version or texts[version] != document(tariff):
            self.set_tariff(tariff)

    def set_tariff(self, tariff: Pricer) -> int:
        """Let who enters from now on pay by this; returns its version. TypeError for one that a `store` cannot keep."""
        text = document(tariff)
        if text is None and self._stored:
            raise TypeError(f"a store keeps a Tariff, a RateTable or a StorablePricer, got {tariff!r}")

        def decide(state: LotState, now: int) -> Decision[int]:
            version = state.version + 1
            return [{"k": "tariff", "at": now, "version": version, "document": text}], lambda: version

        version = self._decide(decide)
        used = self._look(lambda state, _: set(state.tariffs))
        self._pricers = {each: pricer for each, pricer in self._pricers.items() if each in used} | {version: tariff}
        return version

    def out_of_service(self, space_id: str) -> None:
        """Hand a space out no more; who stands there stays."""
        self._service(space_id, "out")

    def in_service(self, space_id: str) -> None:
        """Hand a space out again."""
        self._service(space_id, "in")

    def _service(self, space_id: str, what: str) -> None:
        def decide(state: LotState, now: int) -> Decision[None]:
            if space_id not in state.spaces:
                raise ValueError(f"space_id must name a space of this lot, got {space_id!r}")
            same = (space_id in state.out) == (what == "out")
            return ([] if same else [{"k": what, "at": now, "space": space_id}]), nothing

        self._decide(decide)

    def availability(self) -> Mapping[tuple[str, str], Availability]:
        """How many spaces are in which state, by (level, size)."""
        return self._look(lambda state, _: state.availability())

    def ticket(self, ticket_id: str) -> Ticket:
        """A ticket, also of a stay that is over; `UnknownTicket`."""

        def look(state: LotState, _: int) -> Ticket:
            if (session := state.session(ticket_id)) is None:
                raise UnknownTicket(ticket_id)
            return ticket_of(session)

        return self._look(look)

    def open_tickets(self, *, limit: int = 100, after: str | None = None) -> Page[Ticket]:
        """The tickets of who is inside, by id."""
        check_count("limit", limit, least=1)

        def look(state: LotState, _: int) -> list[Ticket]:
            behind = (each for each in state.open if after is None or each > after)
            return [ticket_of(state.open[each]) for each in heapq.nsmallest(limit + 1, behind)]

        found = self._look(look)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def events(self, *, after: int = 0, limit: int = 100) -> list[LotEvent]:
        """The log behind event `after`, of what is still kept."""
        check_count("limit", limit, least=1)
        found = self._answered(self._replica.records, after, limit)
        return [_event(seq, record) for seq, record in found]

    def commands(self, gate: str, *, limit: int = 100) -> list[GateCommand]:
        """What a gate is to do, oldest first, until it is `done`."""
        check_count("limit", limit, least=1)

        def look(state: LotState, _: int) -> list[GateCommand]:
            core.gate_of(state, gate)
            return [GateCommand(seq, at, ticket) for seq, (at, ticket) in state.outbox.items() if at == gate][:limit]

        return self._look(look)

    def done(self, command_id: int) -> bool:
        """Say that a gate has done it; whether it was still to be done."""

        def decide(state: LotState, now: int) -> Decision[bool]:
            known = command_id in state.outbox
            return ([{"k": "done", "at": now, "id": command_id}] if known else []), lambda: known

        return self._decide(decide)

    def recover(self) -> Recovery:
        """Replay the log from its beginning, and compare it with the state in use; `LogCorrupt`."""

        def look(state: LotState, _: int) -> Recovery:
            fresh, read = LotState(self.layout), self._journal.read(0)
            if read.snapshot is not None:
                fresh.load(read.snapshot[1])
            for seq, record in read.records:
                fresh.apply(seq, record)
            equal = fresh.dump() == state.dump()
            return Recovery(len(read.records), len(fresh.open), len(fresh.outbox), equal)

        return self._look(look)

    def close(self) -> None:
        """Let go of what the store opened. Idempotent."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _quote_of(self, session: Session, when: int) -> Quote:
        return quote_of(session, self._pricer(session.version), max(session.last, when), valid=self._valid)

    def _pricer(self, version: int) -> Pricer:
        """The price list of a version, which another lot over this log may have set."""
        if version not in self._pricers:
            text = self._look(lambda state, _: state.tariffs[version])
            self._pricers[version] = restored(text, self._tariff)
        return self._pricers[version]

    def _look(self, question: Callable[[LotState, int], R]) -> R:
        return self._answered(self._replica.look, question)

    def _decide(self, decision: Callable[[LotState, int], Decision[R]]) -> R:
        return self._answered(self._replica.decide, decision)

    def _answered(self, ask: Callable[P, R], *question: P.args, **options: P.kwargs) -> R:
        """The answer of the replica; its errors are ours, and what happened is told with no lock held."""
        try:
            return ask(*question, **options)
        except (Unreachable, Conflicted) as error:
            raise StoreUnavailable(0.0 if isinstance(error, Conflicted) else None) from error
        except JournalDamaged as error:
            raise LogCorrupt(error.seq, error.reason) from error
        finally:
            self._told.tell()


def _event(seq: int, record: Record) -> LotEvent:
    data = {name: value for name, value in record.items() if name not in {"k", "at"}}
    return LotEvent(to_datetime(record["at"]), seq, record["k"], data)
