"""How the gateway is asked, for threads and tasks alike.

1. `_begin`: one commit writes the question down, and claims the idempotency key of the verb.
2. `_ask`: the gateway is asked, with nothing open.
3. `_answer`: one commit writes down what it said, with all that follows, and the outcome under the idempotency key.

An answer may lead to another question, as the authorization of an automatic payment leads to its capture; then 2 and 3
come again. Where no answer comes, `_lose` or `_undo` stands in the place of 3.

Each step leaves the store in a state from which the next can be found. Whoever dies in between leaves an open question;
the verb again, under the same idempotency key, or `recover`, closes it: first by asking the gateway what became of its
key, and only if that was never seen by sending it, under the same key.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial, reduce
from typing import Any, NamedTuple, TypeAlias

from lldkit.money import Money
from lldkit.payments import decide
from lldkit.payments.codec import dumps, loads
from lldkit.payments.errors import CardDeclined, GatewayTimeout, GatewayUnavailable, OutcomeUnknown
from lldkit.payments.evolve import evolve
from lldkit.payments.facts import settle
from lldkit.payments.idempotency import MOST_KEY, Replay, Terms, key_of, record_write
from lldkit.payments.idempotency import decide as decide_key
from lldkit.payments.interface import Capture, GatewayReply, GatewayRequest, Intent, Operation, ReviewItem
from lldkit.payments.journal import Decision, Journal, Step, micros_of
from lldkit.payments.payment import OPEN, Asked, Event, Payment, Question, Status
from lldkit.payments.store import Key, Write
from lldkit.payments.tables import IntentState
from lldkit.steps import Do, Steps

__all__ = ["Ask", "Asking", "Begun", "Call", "Command", "Demand", "Done", "Request", "Send", "follow_up"]


class Call(NamedTuple):
    """Something to do with the store."""

    work: Callable[[], Any]


class Send(NamedTuple):
    """A question to the gateway."""

    request: GatewayRequest


class Ask(NamedTuple):
    """What has the gateway answered under this key."""

    key: str


Demand: TypeAlias = Call | Send | Ask
Command: TypeAlias = Callable[[Payment, datetime, str], Asked]
"""What a verb asks of a payment, because of which key; decided anew whenever another writer was faster."""


class Begun(NamedTuple):
    """A question that is written down; one that was `asked_before` may be known to the gateway.

    One that `may_wait` is not taken back while the gateway is away: nobody would ask it anew, so `recover` must.
    """

    key: str
    asked_before: bool = False
    may_wait: bool = False


class Request(NamedTuple):
    """A verb under an idempotency key; the scope of the key is the payment's tenant and the verb."""

    verb: str
    key: str
    fingerprint: str

    def row(self, tenant: str) -> Key:
        """Where its outcome is kept."""
        return key_of(self.key, (tenant, self.verb), MOST_KEY)


class Done(NamedTuple):
    """An outcome, as it is kept under an idempotency key: of which question, the intent, the code of a decline."""

    question: str
    intent: Intent
    code: str | None = None
    retryable: bool = False

    def result(self) -> Intent:
        """The intent, or CardDeclined."""
        if self.code is not None:
            raise CardDeclined(self.code, self.retryable, self.intent)
        return self.intent


class Asking:
    """The procedures of one store and gateway. `tell` hears of every step that was written."""

    def __init__(self, journal: Journal, key_terms: Terms, tell: Callable[[Step, str | None], object]) -> None:
        self._journal = journal
        self._key_terms = key_terms
        self._tell = tell

    def operate(
        self, intent_id: str, command: Command, request: Request | None, method: str | None = None
    ) -> Steps[Demand, Done]:
        """A verb: from the question to the outcome. Raises what the verbs of `Payments` raise."""
        step: Step = yield Do(Call(lambda: self._begin(intent_id, command, request)))
        found: Begun | Done = step.found
        if isinstance(found, Done):
            return found
        key = None if request is None else request.row(step.after.intent.tenant)
        return (yield from self.close(step.after, found, key, method))

    # --- write the question down ---

    def _begin(self, intent_id: str, command: Command, request: Request | None) -> Step:
        """Find a question that is written down, by us or by an earlier try; or the outcome, where it is known."""

        def choose(payment: Payment, now: datetime) -> Decision:
            key = None if request is None else request.row(payment.intent.tenant)
            claimed = () if request is None or key is None else self._claim(key, request.fingerprint, now)
            if isinstance(claimed, Done):
                return Decision((), "", found=claimed)
            cause = "" if key is None else key[1]
            earlier = _question_of(payment, cause)
            if earlier is not None and earlier.status is not Status.NEVER:  # an earlier try did not come to its end
                return Decision((), "", writes=claimed, found=Begun(earlier.key, True))
            over = decide.expire(payment, now)
            ended = () if over is None else (over,)  # to the microsecond, though nobody has swept
            asked = command(reduce(evolve, ended, payment), now, cause)
            if earlier is not None and _is_same(earlier, asked.question):  # it may still be on its way
                asked = asked._replace(question=asked.question._replace(key=earlier.key))
            begun = Begun(asked.question.key, earlier is not None)
            return Decision((*ended, asked), "merchant", cause, claimed, begun)

        step = self._journal.change(intent_id, choose)
        self._tell(step, None)
        return step

    def _claim(self, key: Key, fingerprint: str, now: datetime) -> tuple[Write, ...] | Done:
        """What is to be written to claim the key; or the outcome that is kept under it."""
        stored = self._journal.store.read([key]).get(key)
        record = None if stored is None else stored.value
        decided = decide_key(key, record, fingerprint, micros_of(now), self._key_terms)
        if isinstance(decided, Replay):
            return loads(Done, decided.response.decode())
        return (record_write(key, decided[0], stored),)

    # --- ask, and write the answer down ---

    def close(self, payment: Payment, begun: Begun, key: Key | None, method: str | None) -> Steps[Demand, Done]:
        """Close a question of the payment, and those that follow from its answer."""
        asking = begun
        while True:
            question = payment.question(asking.key)
            assert question is not None  # noqa: S101 - questions are never forgotten
            reply = None
            if _is_waited_for(question):
                reply = yield from self._ask(payment, question, asking, key, method)
            step: Step = yield Do(Call(partial(self._answer, payment.intent.id, question, reply, key)))
            declined = _declined(reply)
            self._tell(step, declined.code)
            following = _following(step.after, question)
            if following is None:
                return Done(begun.key, step.after.intent, *declined)
            payment, asking = step.after, Begun(following.key, may_wait=True)

    def _ask(
        self, payment: Payment, question: Question, begun: Begun, key: Key | None, method: str | None
    ) -> Steps[Demand, GatewayReply | None]:
        """The gateway's answer; None if the question has never reached it, and nobody can ask it again."""
        try:
            if begun.asked_before:
                reply: GatewayReply | None = yield Do(Ask(question.key))
                if reply is not None:
                    return reply
                if question.operation is Operation.AUTHORIZE and method is None:
                    return None
            answer: GatewayReply = yield Do(Send(_request(payment, question, method)))
        except GatewayUnavailable:
            stays = begun.asked_before or begun.may_wait
            yield Do(Call(lambda: (self._wait if stays else self._undo)(payment.intent.id, question, key)))
            raise
        except GatewayTimeout:
            yield Do(Call(lambda: self._lose(payment.intent.id, question, key)))
            raise OutcomeUnknown(payment.intent.id, question.key, 0.0) from None
        except BaseException:  # cancelled, say, after it was sent
            yield Do(Call(lambda: self._lose(payment.intent.id, question, key)))
            raise
        return answer

    def _answer(self, intent_id: str, question: Question, reply: GatewayReply | None, key: Key | None) -> Step:
        """Write down the answer, unless a webhook was faster; ask at once for what follows from it."""

        def choose(payment: Payment, now: datetime) -> Decision:
            current, after = payment.question(question.key), payment
            events: tuple[Event, ...] = ()
            if current is not None and _is_waited_for(current):
                terms = self._journal.terms
                heard = decide.never(question, now) if reply is None else decide.answer(question, reply, now, terms)
                after, events = follow_up(payment, heard, now, terms)
            writes: tuple[Write, ...] = ()
            if key is not None and _following(after, question) is None:
                writes = self._outcome(key, question, payment, after, reply)
            if current is not None and current.status is not Status.PUZZLING:
                writes += _puzzles(after, question, now)
            return Decision(events, "gateway", question.key, writes)

        return self._journal.change(intent_id, choose)

    def _outcome(
        self, key: Key, question: Question, before: Payment, after: Payment, reply: GatewayReply | None
    ) -> tuple[Write, ...]:
        """The outcome under its key; nothing where somebody else has taken the key over."""
        stored = self._journal.store.read([key]).get(key)
        if stored is None or not stored.value.is_open:
            return ()
        version = before.intent.version + (after is not before)
        done = Done(question.key, after.intent._replace(version=version), *_declined(reply))
        return (record_write(key, stored.value._replace(response=dumps(done).encode()), stored),)

    def _undo(self, intent_id: str, question: Question, key: Key | None) -> None:
        """The gateway has not taken it: as before, and the key is free."""
        self._end(intent_id, decide.never, question, key, free=True)

    def _wait(self, intent_id: str, question: Question, key: Key | None) -> None:
        """The gateway is away, and the question stays open: whoever comes with the key next may ask it."""
        self._end(intent_id, None, question, key, free=False)

    def _lose(self, intent_id: str, question: Question, key: Key | None) -> None:
        """Nobody knows: whoever comes with the key next may find it out."""
        self._end(intent_id, decide.unanswered, question, key, free=False)

    def _end(
        self,
        intent_id: str,
        end: Callable[[Question, datetime], Event] | None,
        question: Question,
        key: Key | None,
        *,
        free: bool,
    ) -> None:
        def choose(payment: Payment, now: datetime) -> Decision:
            current = payment.question(question.key)
            is_open = current is not None and current.status in (Status.ASKED, Status.PENDING)
            events = (end(question, now),) if end is not None and is_open else ()
            return Decision(events, "gateway", question.key, self._released(key, free=free))

        self._tell(self._journal.change(intent_id, choose), None)

    def _released(self, key: Key | None, *, free: bool) -> tuple[Write, ...]:
        stored = None if key is None else self._journal.store.read([key]).get(key)
        if key is None or stored is None or not stored.value.is_open:
            return ()
        return (record_write(key, stored.value.released if free else stored.value._replace(lease_until=0), stored),)


def follow_up(payment: Payment, event: Event, now: datetime, terms: decide.Terms) -> tuple[Payment, tuple[Event, ...]]:
    """What happens, and what follows at once: held facts whose cause it is, and the capture of an automatic payment.

    The payment after all of it, and the events.
    """
    after, settled = settle(evolve(payment, event), now, terms)
    if after.intent.state is not IntentState.AUTHORIZED or not _is_to_capture(after):
        return after, (event, *settled)
    cause = next((each.cause for each in reversed(after.questions) if each.operation is Operation.AUTHORIZE), "")
    asked = decide.capture(after, None, now, terms, cause, final=True)
    return evolve(after, asked), (event, *settled, asked)


def _is_to_capture(payment: Payment) -> bool:
    """Whether the payment is automatic, and was not tried to be captured: one that was declined is not tried again."""
    tried = any(each.operation is Operation.CAPTURE for each in payment.questions)
    return payment.intent.capture is Capture.AUTOMATIC and payment.open is None and not tried


def _question_of(payment: Payment, cause: str) -> Question | None:
    """The question of an idempotency key. A refund that never was is no longer one: it is asked for anew."""
    for each in payment.questions:
        if cause and each.cause == cause and (each.operation, each.status) != (Operation.REFUND, Status.NEVER):
            return each
    return None


def _puzzles(payment: Payment, question: Question, now: datetime) -> tuple[Write, ...]:
    """A refund whose answer nobody understands is for a person; that of another question is found by its state."""
    answered = payment.question(question.key)
    if question.operation is not Operation.REFUND or answered is None or answered.status is not Status.PUZZLING:
        return ()
    key = ("review", f"refund.{question.key}")  # no webhook's id has a full stop
    return (Write(key, ReviewItem(payment.intent.id, f"refund {question.key}", now), 0),)


def _is_same(one: Question, other: Question) -> bool:
    return (one.operation, one.amount, one.final) == (other.operation, other.amount, other.final)


def _is_waited_for(question: Question) -> bool:
    """Whether the gateway owes an answer; a challenge is the payer's turn."""
    return question.status in OPEN and question.status is not Status.CHALLENGED


def _following(payment: Payment, question: Question) -> Question | None:
    """The question that the answer to this one has led to."""
    following = payment.open
    is_next = following is not None and following.key != question.key and following.status is Status.ASKED
    return following if is_next else None


def _request(payment: Payment, question: Question, method: str | None) -> GatewayRequest:
    return GatewayRequest(
        question.key,
        question.operation,
        payment.intent.id,
        Money(question.amount, payment.intent.amount.currency),
        method if question.operation is Operation.AUTHORIZE else None,
        payment.reference,
        question.final,
    )


class _Declined(NamedTuple):
    code: str | None = None
    retryable: bool = False


def _declined(reply: GatewayReply | None) -> _Declined:
    """Why the gateway has declined, if it has."""
    if reply is None or reply.status != "declined":
        return _Declined()
    return _Declined(reply.code or "declined", reply.retryable)
