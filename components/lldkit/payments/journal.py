"""How a payment changes: read it, decide, and write all that follows from it in one transaction.

`Journal.change` is the only way. One commit holds the payment (which must still have the version that was read), a line
of history and a message for each event, the transfers that follow from the new totals, and whatever else the decision
wants to be written with them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from lldkit.clock import Clock
from lldkit.payments.books import accounts_of, transfers_of
from lldkit.payments.decide import Terms
from lldkit.payments.errors import LedgerRefused, StaleVersion, UnknownIntent
from lldkit.payments.evolve import evolve
from lldkit.payments.interface import Transition
from lldkit.payments.ledger import GOOD, micros, moment, plan, repeated
from lldkit.payments.outbox import message_write
from lldkit.payments.payment import Event, Payment, Question, Status
from lldkit.payments.store import CLOCK, Change, Key, Query, Row, Store, Write
from lldkit.payments.tables import IntentState

__all__ = ["EXPIRE", "RECOVER", "Decision", "Journal", "Step", "instant", "micros_of"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECOVER, EXPIRE, REVIEW = "recover", "expire", "review"  # what payments are due for, and found by


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen to a payment, by whom and why, and what is to be written beside it.

    `found` is for whoever asked for the change; the journal passes it on.
    """

    events: tuple[Event, ...]
    actor: str
    cause: str = ""
    writes: tuple[Write, ...] = ()
    found: Any = None


class Step(NamedTuple):
    """A change that was made: the payment before and after, the lines of its history, and what the decision found."""

    before: Payment
    after: Payment
    lines: tuple[Transition, ...]
    found: Any = None


class Journal:
    """Changes payments. A decision is made anew whenever another writer was faster, so it must only decide."""

    def __init__(self, store: Store, clock: Clock, terms: Terms) -> None:
        self.store = store
        self.clock = clock
        self.terms = terms

    def now(self) -> datetime:
        """The time, by the store's clock where it has one."""
        return instant(micros(self.store, self.clock))

    def load(self, intent_id: str) -> Payment:
        """The payment as it stands. UnknownIntent."""
        key = ("intents", intent_id)
        payment: Payment = _known(self.store.read([key]), key).value
        return payment

    def create(self, payment: Payment, writes: Iterable[Write] = ()) -> None:
        """Keep a new payment."""
        self.store.commit(Change((self._intent_write(payment, 0), *writes)))

    def change(self, intent_id: str, decide: Callable[[Payment, datetime], Decision]) -> Step:
        """Let `decide` say what happens to the payment as it stands, and write it with all that follows."""
        key = ("intents", intent_id)

        def attempt() -> Step:
            found = self.store.read([key, CLOCK])
            row, now = _known(found, key), instant(moment(found, self.clock))
            return self._commit(row, decide(row.value, now), now)

        return repeated(attempt)

    def note(self, intent_id: str, cause: str) -> None:
        """A line of history about something that was refused; the payment stays as it is."""
        payment, now = self.load(intent_id), self.now()
        state = payment.intent.state
        line = Transition(payment.seq, state, "refused", state, now, "merchant", cause)
        name = f"{intent_id}:{payment.seq:08d}:{uuid4().hex}"  # sorts before the next event, and two may come at once
        self.store.commit(Change((Write(("history", name), line, 0, intent_id),)))

    def history(self, intent_id: str) -> list[Transition]:
        """All lines, in order."""
        lines: list[Transition] = []
        after = ""
        while rows := self.store.scan(Query("history", group=intent_id, after=after)):
            lines += [row.value for _, row in rows]
            after = rows[-1][0][1]
        return lines

    def write(self, writes: Iterable[Write]) -> None:
        """Write what belongs to no payment."""
        self.store.commit(Change(tuple(writes)))

    def all(self) -> Iterator[Payment]:
        """Every payment, by id."""
        after = ""
        while rows := self.store.scan(Query("intents", after=after)):
            yield from (row.value for _, row in rows)
            after = rows[-1][0][1]

    def due(self, what: str, limit: int) -> list[str]:
        """The payments that somebody should look at by now, the longest waiting first."""
        now = micros(self.store, self.clock)
        return [name for (_, name), _ in self.store.scan(Query("intents", group=what, due=now, limit=limit))]

    def _commit(self, row: Row, decision: Decision, now: datetime) -> Step:
        before: Payment = row.value
        after, lines = _evolved(before, decision, now)
        writes = list(decision.writes)
        if lines:
            after = after._replace(intent=after.intent._replace(version=before.intent.version + 1))
            writes += [self._intent_write(after, row.version), *self._ledger_writes(before, after, now, row.version)]
            writes += _told(after, lines, now)
        if writes:
            self.store.commit(Change(tuple(writes)))
        return Step(before, after, lines, decision.found)

    def _intent_write(self, payment: Payment, version: int) -> Write:
        group, due = _due(payment, self.terms)
        return Write(("intents", payment.intent.id), payment, version, group, None if due is None else micros_of(due))

    def _ledger_writes(self, before: Payment, after: Payment, now: datetime, version: int) -> tuple[Write, ...]:
        transfers = transfers_of(before, after, now)
        if not transfers:
            return ()
        planned = plan(self.store, transfers, micros_of(now), accounts_of(after.intent))
        for transfer, status in zip(transfers, planned.statuses, strict=True):
            if status not in GOOD:
                self._must_be_newest(after.intent.id, version)
                raise LedgerRefused(status, transfer)
        return planned.writes

    def _must_be_newest(self, intent_id: str, version: int) -> None:
        """StaleVersion if the payment was written since: the books, read later, then answer to another decision."""
        key = ("intents", intent_id)
        found = _known(self.store.read([key]), key).version
        if found != version:
            raise StaleVersion(intent_id, version, found)


def _known(found: Mapping[Key, Row], key: Key) -> Row:
    try:
        return found[key]
    except KeyError:
        raise UnknownIntent(key[1]) from None


def _evolved(payment: Payment, decision: Decision, now: datetime) -> tuple[Payment, tuple[Transition, ...]]:
    """The payment after all that is to happen to it, with a line for each event."""
    lines: list[Transition] = []
    for event in decision.events:
        source, payment = payment.intent.state, evolve(payment, event)
        name, target = type(event).__name__.lower(), payment.intent.state
        lines.append(Transition(payment.seq, source, name, target, now, decision.actor, decision.cause))
    return payment, tuple(lines)


def _told(payment: Payment, lines: Iterable[Transition], now: datetime) -> Iterator[Write]:
    """The history and the messages of what has happened."""
    for line in lines:
        name = f"{payment.intent.id}:{line.seq:08d}"
        yield Write(("history", name), line, 0, payment.intent.id)
        yield message_write(payment, line, micros_of(now))


def _due(payment: Payment, terms: Terms) -> tuple[str, datetime | None]:
    """What a payment is due for, and when: nobody calls about it, so `recover` or `expire` must find it."""
    question = payment.open
    if payment.intent.state is IntentState.REQUIRES_ACTION:
        return EXPIRE, payment.act_until
    if payment.intent.state is IntentState.NEEDS_REVIEW:
        return REVIEW, None
    if question is not None:
        return RECOVER, _patience(question, terms)
    resting = payment.intent.state in (IntentState.AUTHORIZED, IntentState.PARTIALLY_CAPTURED)
    return EXPIRE, payment.intent.authorized_until if resting else None


def _patience(question: Question, terms: Terms) -> datetime:
    """Until when whoever has asked a question is left alone with it."""
    return question.asked_at if question.status is Status.UNKNOWN else question.asked_at + terms.in_flight


def instant(micros_: int) -> datetime:
    """Microseconds since 1970 as an aware datetime."""
    return EPOCH + timedelta(microseconds=micros_)


def micros_of(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)
