"""The shell: the verbs of a payment, for threads and for tasks."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar
from uuid import uuid4

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.machine import InvalidTransition
from lldkit.money import Money
from lldkit.payments import decide
from lldkit.payments.asking import Asking, Call, Command, Demand, Done, Request, Send
from lldkit.payments.canonical import JsonValue, fingerprint
from lldkit.payments.creation import blank, created, created_once
from lldkit.payments.events import PaymentEvent
from lldkit.payments.idempotency import Terms as KeyTerms
from lldkit.payments.interface import (
    AsyncGateway,
    Capture,
    Dispute,
    Gateway,
    GatewayEvent,
    Intent,
    Received,
    Refund,
    ReviewItem,
    Transition,
)
from lldkit.payments.journal import Decision, Journal, micros_of
from lldkit.payments.ledger import Ledger
from lldkit.payments.outbox import Outbox
from lldkit.payments.payment import Asked, Payment
from lldkit.payments.pruning import prune
from lldkit.payments.receiving import Delivery, Receiving
from lldkit.payments.reconciliation import Reconciliation, StatementRow, movements_of, reconcile
from lldkit.payments.store import Store
from lldkit.payments.tables import IntentEvent
from lldkit.payments.telling import Telling
from lldkit.payments.upkeep import Upkeep
from lldkit.payments.webhooks import parse_event
from lldkit.steps import Do, Steps, arun, run
from lldkit.webhooks import StandardWebhooks

__all__ = ["Payments", "new_id"]

R = TypeVar("R")


def new_id() -> str:
    """A new intent's id."""
    return f"pi_{uuid4().hex}"


class Payments:
    """Payments through a gateway, each in a store with its ledger, history, messages and idempotency keys.

    Every verb that changes something is one transaction of all of these. Before the gateway is asked, the question is
    written down; whatever dies, `recover` finds open questions and closes them, without asking twice for one thing.
    A verb under an `idempotency_key` that is repeated does nothing again and has the same outcome. Safe for threads,
    tasks and processes that share the store. Verbs with the prefix `a` are for tasks.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: Gateway | None = None,
        async_gateway: AsyncGateway | None = None,
        verifier: StandardWebhooks | None = None,
        parse_event: Callable[[bytes], GatewayEvent] = parse_event,
        clock: Clock = SYSTEM,
        new_id: Callable[[], str] = new_id,
        authorization_seconds: float = 604_800,
        action_seconds: float = 3_600,
        in_flight_seconds: float = 60,
        lease_seconds: float = 30,
        keep_seconds: float = 86_400,
        on_event: Callable[[PaymentEvent], object] | None = None,
    ) -> None:
        self.gateway = gateway
        self._async_gateway = async_gateway
        self._clock = clock
        self._new_id = new_id
        terms = decide.Terms(
            _seconds("authorization_seconds", authorization_seconds),
            _seconds("action_seconds", action_seconds),
            _seconds("in_flight_seconds", in_flight_seconds),
        )
        lease, keep = _seconds("lease_seconds", lease_seconds), _seconds("keep_seconds", keep_seconds)
        self._key_terms = KeyTerms(lease // timedelta(microseconds=1), keep // timedelta(microseconds=1))
        self._journal = Journal(store, clock, terms)
        self._telling = Telling(Emitter(on_event), clock)
        self._asking = Asking(self._journal, self._key_terms, self._telling.step)
        self._receiving = Receiving(self._journal, verifier, parse_event, self._telling)
        self._upkeep = Upkeep(self._journal, self._asking, self._receiving, self._telling)
        self.ledger = Ledger(store=store, clock=clock)
        self.outbox = Outbox(store=store, clock=clock)

    # --- verbs ---

    def create(
        self,
        amount: Money,
        *,
        merchant: str,
        tenant: str = "",
        capture: Capture = Capture.AUTOMATIC,
        idempotency_key: str | None = None,
    ) -> Intent:
        """Note the intention that `merchant` gets `amount`; nobody is asked yet."""
        now = self._journal.now()
        intent = blank(self._new_id(), merchant, amount, tenant=tenant, capture=Capture(capture), now=now)
        if idempotency_key is None:
            return created(self._journal, intent)
        request = Request("create", idempotency_key, fingerprint([merchant, capture, *_plain(amount)]))
        return created_once(self._journal, self._key_terms, intent, request.row(tenant), request.fingerprint)

    def confirm(self, intent_id: str, *, method: str, idempotency_key: str | None = None) -> Intent:
        """Ask for an authorization of the whole amount, and with `Capture.AUTOMATIC` for the capture too.

        `method` stands for a card and is not kept. CardDeclined, OutcomeUnknown, GatewayUnavailable,
        OperationInProgress, InvalidTransition, IdempotencyInProgress, IdempotencyMismatch.
        """
        return self._ask(self._confirm(intent_id, method, idempotency_key)).result()

    async def aconfirm(self, intent_id: str, *, method: str, idempotency_key: str | None = None) -> Intent:
        """`confirm` for tasks."""
        return (await self._aask(self._confirm(intent_id, method, idempotency_key))).result()

    def increment(self, intent_id: str, amount: Money, *, idempotency_key: str | None = None) -> Intent:
        """Ask for an authorization of so much more. Errors as `confirm`."""
        return self._ask(self._increment(intent_id, amount, idempotency_key)).result()

    async def aincrement(self, intent_id: str, amount: Money, *, idempotency_key: str | None = None) -> Intent:
        """`increment` for tasks."""
        return (await self._aask(self._increment(intent_id, amount, idempotency_key))).result()

    def capture(
        self, intent_id: str, amount: Money | None = None, *, final: bool = True, idempotency_key: str | None = None
    ) -> Intent:
        """Take some of what is held, or all; with `final` the rest is let go. AmountExceeded, and as `confirm`."""
        return self._ask(self._capture(intent_id, amount, idempotency_key, final=final)).result()

    async def acapture(
        self, intent_id: str, amount: Money | None = None, *, final: bool = True, idempotency_key: str | None = None
    ) -> Intent:
        """`capture` for tasks."""
        return (await self._aask(self._capture(intent_id, amount, idempotency_key, final=final))).result()

    def void(self, intent_id: str, *, idempotency_key: str | None = None) -> Intent:
        """Let go what is held, or call a challenge off. Errors as `confirm`."""
        return self._ask(self._void(intent_id, idempotency_key)).result()

    async def avoid(self, intent_id: str, *, idempotency_key: str | None = None) -> Intent:
        """`void` for tasks."""
        return (await self._aask(self._void(intent_id, idempotency_key))).result()

    def refund(self, intent_id: str, amount: Money | None = None, *, idempotency_key: str | None = None) -> Refund:
        """Pay some of what was captured back, or all. AmountExceeded, and as `confirm`."""
        return self._refund_of(self._ask(self._refund(intent_id, amount, idempotency_key)))

    async def arefund(
        self, intent_id: str, amount: Money | None = None, *, idempotency_key: str | None = None
    ) -> Refund:
        """`refund` for tasks."""
        done = await self._aask(self._refund(intent_id, amount, idempotency_key))
        return await asyncio.to_thread(self._refund_of, done)

    def _refund_of(self, done: Done) -> Refund:
        intent = done.result()
        return next(refund for refund in self.refunds(intent.id) if refund.id == done.question)

    def _confirm(self, intent_id: str, method: str, key: str | None) -> Steps[Demand, Done]:
        def command(payment: Payment, now: datetime, cause: str) -> Asked:
            return decide.confirm(payment, now, self._journal.terms, cause)

        card = sha256(method.encode()).hexdigest()
        return self._verb("confirm", intent_id, command, _request("confirm", intent_id, key, card), method)

    def _increment(self, intent_id: str, amount: Money, key: str | None) -> Steps[Demand, Done]:
        def command(payment: Payment, now: datetime, cause: str) -> Asked:
            return decide.increment(payment, amount, now, self._journal.terms, cause)

        return self._verb("increment", intent_id, command, _request("increment", intent_id, key, _plain(amount)))

    def _capture(self, intent_id: str, amount: Money | None, key: str | None, *, final: bool) -> Steps[Demand, Done]:
        def command(payment: Payment, now: datetime, cause: str) -> Asked:
            return decide.capture(payment, amount, now, self._journal.terms, cause, final=final)

        return self._verb("capture", intent_id, command, _request("capture", intent_id, key, _plain(amount), final))

    def _void(self, intent_id: str, key: str | None) -> Steps[Demand, Done]:
        def command(payment: Payment, now: datetime, cause: str) -> Asked:
            return decide.void(payment, now, self._journal.terms, cause)

        return self._verb("void", intent_id, command, _request("void", intent_id, key))

    def _refund(self, intent_id: str, amount: Money | None, key: str | None) -> Steps[Demand, Done]:
        def command(payment: Payment, now: datetime, cause: str) -> Asked:
            return decide.refund(payment, amount, now, self._journal.terms, cause)

        return self._verb("refund", intent_id, command, _request("refund", intent_id, key, _plain(amount)))

    def _verb(
        self,
        verb: str,
        intent_id: str,
        command: Command,
        request: Request | None,
        method: str | None = None,
    ) -> Steps[Demand, Done]:
        """A verb; a refusal of the state leaves a line in the history."""
        try:
            return (yield from self._asking.operate(intent_id, command, request, method))
        except InvalidTransition as refusal:
            cause = f"{verb}: {refusal}"
            yield Do(Call(lambda: self._journal.note(intent_id, cause)))
            raise

    # --- what the gateway tells ---

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Received:
        """Believe a webhook, and apply what it says, in whatever order webhooks come. SignatureInvalid."""
        return self.receive_many([Delivery(body, headers)])[0]

    async def areceive(self, body: bytes, headers: Mapping[str, str]) -> Received:
        """`receive` for tasks."""
        return (await self._arun(self._upkeep.receive([Delivery(body, headers)], asks=self._can_aask)))[0]

    def receive_many(self, deliveries: Sequence[Delivery]) -> list[Received]:
        """Apply webhooks in one transaction. SignatureInvalid for the first that cannot be believed: then none is."""
        return self._run(self._upkeep.receive(deliveries, asks=self._can_ask))

    # --- what nobody asks for ---

    def recover(self, *, limit: int = 100) -> list[Intent]:
        """Close questions that are open for too long: by the gateway's answer, or by sending them under the same key.

        Where the gateway does not answer, or nobody knows the card any more, the payment stays as it is or goes back.
        """
        return self._ask(self._upkeep.recover(limit))

    async def arecover(self, *, limit: int = 100) -> list[Intent]:
        """`recover` for tasks."""
        return await self._aask(self._upkeep.recover(limit))

    def expire(self, *, limit: int = 100) -> list[Intent]:
        """End authorizations and challenges whose time is over; a challenge is called off at the gateway."""
        return self._run(self._upkeep.expire(limit, asks=self._can_ask))

    async def aexpire(self, *, limit: int = 100) -> list[Intent]:
        """`expire` for tasks."""
        return await self._arun(self._upkeep.expire(limit, asks=self._can_aask))

    def resolve(self, intent_id: str, event: IntentEvent, *, actor: str, reason: str) -> Intent:
        """Say what the gateway holds, out of NEEDS_REVIEW, as a person who has looked; the books follow.

        Where the event fits the question refused as well as done, as HOLD after an increment, it counts as refused.
        InvalidTransition for what neither explains.
        """

        def choose(payment: Payment, now: datetime) -> Decision:
            return Decision(decide.resolve(payment, event, now, self._journal.terms), actor, reason)

        step = self._journal.change(intent_id, choose)
        self._telling.step(step)
        return step.after.intent

    def prune(self, before: datetime) -> int:
        """Forget idempotency keys that need not be kept since `before`, and webhooks that came until then; how many.

        History, ledger and messages are never pruned. A webhook that is pruned and delivered again is taken for new, so
        stay well above the time for which the gateway delivers again.
        """
        return prune(self._journal.store, micros_of(before))

    # --- what is known ---

    def get(self, intent_id: str) -> Intent:
        """The intent as it stands. UnknownIntent."""
        return self._journal.load(intent_id).intent

    def refunds(self, intent_id: str) -> list[Refund]:
        """The refunds of a payment, the oldest first. UnknownIntent."""
        return list(self._journal.load(intent_id).refunds)

    def disputes(self, intent_id: str) -> list[Dispute]:
        """The disputes of a payment, the oldest first. UnknownIntent."""
        return list(self._journal.load(intent_id).disputes)

    def history(self, intent_id: str) -> list[Transition]:
        """All that has happened to a payment, refusals included. UnknownIntent."""
        self._journal.load(intent_id)
        return self._journal.history(intent_id)

    def review(self, limit: int = 100) -> list[ReviewItem]:
        """What a person should look at: webhooks that were parked, and answers that nobody understands."""
        return self._receiving.review(check_count("limit", limit, least=1))

    def reconcile(self, rows: Iterable[StatementRow]) -> Reconciliation:
        """Compare the gateway's statement with what was moved here, line by line."""
        return reconcile(rows, movements_of(self._journal.all()))

    # --- how steps are run ---

    @property
    def _can_ask(self) -> bool:
        return self.gateway is not None

    @property
    def _can_aask(self) -> bool:
        return self._async_gateway is not None or self.gateway is not None

    def _ask(self, steps: Steps[Demand, R]) -> R:
        """Run what makes no sense without a gateway."""
        if not self._can_ask:
            raise ValueError("this verb asks a gateway; give Payments one, or use its twin for tasks")
        return self._run(steps)

    async def _aask(self, steps: Steps[Demand, R]) -> R:
        if not self._can_aask:
            raise ValueError("this verb asks a gateway; give Payments one, as async_gateway or gateway")
        return await self._arun(steps)

    def _run(self, steps: Steps[Demand, R]) -> R:
        return run(steps, self._do, self._clock)

    def _do(self, demand: Demand) -> object:
        if isinstance(demand, Call):
            return demand.work()
        gateway = self.gateway
        assert gateway is not None  # noqa: S101 - nobody gets here without one
        return gateway.send(demand.request) if isinstance(demand, Send) else gateway.query(demand.key)

    async def _arun(self, steps: Steps[Demand, R]) -> R:
        return await arun(steps, self._ado, self._clock)

    async def _ado(self, demand: Demand) -> object:
        """A store may block, so it is asked in a thread; and what was sent to it is not given up half-way."""
        if isinstance(demand, Call):
            return await asyncio.shield(asyncio.to_thread(demand.work))
        gateway = self._async_gateway
        if gateway is None:
            return await asyncio.to_thread(self._do, demand)
        return await (gateway.asend(demand.request) if isinstance(demand, Send) else gateway.aquery(demand.key))


def _seconds(name: str, value: float) -> timedelta:
    return timedelta(seconds=check_number(name, value, above=0))


def _request(verb: str, intent_id: str, key: str | None, *parameters: JsonValue) -> Request | None:
    return None if key is None else Request(verb, key, fingerprint([intent_id, verb, *parameters]))


def _plain(amount: Money | None) -> list[JsonValue]:
    return [] if amount is None else [str(amount.amount), amount.currency]
