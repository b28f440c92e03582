"""A gateway for tests and stories: idempotent by request key, with the well-known test cards, and faults on demand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from lldkit.arguments import check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.money import Money
from lldkit.payments.errors import GatewayTimeout, GatewayUnavailable
from lldkit.payments.interface import Fact, FactKind, GatewayReply, GatewayRequest, Operation
from lldkit.payments.receiving import Delivery
from lldkit.payments.reconciliation import StatementRow
from lldkit.payments.webhooks import event_body
from lldkit.webhooks import StandardWebhooks

__all__ = ["Effects", "FakeGateway", "Faults"]

SECRET = "whsec_" + "ZmFrZSBnYXRld2F5IHNlY3JldCBvZiAzMiBieXRlcw=="  # a secret that is none
DECLINES = {
    "4000000000000002": ("card_declined", False),
    "4000000000009995": ("insufficient_funds", False),
    "4000000000009987": ("lost_card", False),
    "4000000000009979": ("stolen_card", False),
    "4000000000000069": ("expired_card", False),
    "4000000000000127": ("incorrect_cvc", False),
    "4000000000000119": ("processing_error", True),
}
CHALLENGES = {
    "4000002760003184": None,
    "4000008400001629": "card_declined",
    "4000008260003178": "insufficient_funds",
}
"""What the bank says once the payer has proved who he is; None: yes."""
DISPUTED = "4000000000000259"
REFUND_FAILS = "4000000000005126"
FACTS = {
    Operation.AUTHORIZE: FactKind.AUTHORIZED,
    Operation.INCREMENT: FactKind.INCREMENTED,
    Operation.CAPTURE: FactKind.CAPTURED,
    Operation.VOID: FactKind.VOIDED,
    Operation.REFUND: FactKind.REFUNDED,
}


@dataclass(frozen=True, slots=True)
class Faults:
    """How often an answer is lost before or after the work, the gateway is away, a webhook comes twice; 0 to 1."""

    timeout_before: float = 0.0
    timeout_after: float = 0.0
    unavailable: float = 0.0
    duplicate_webhooks: float = 0.0

    def __post_init__(self) -> None:
        for name in ("timeout_before", "timeout_after", "unavailable", "duplicate_webhooks"):
            check_number(name, getattr(self, name), most=1)


NONE = Faults()


class Effects(NamedTuple):
    """What really happened to an intent's money, in minor units; `money_calls` are operations, replays not counted."""

    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    money_calls: int = 0


@dataclass(slots=True)
class _Account:
    """One payment, as the gateway knows it."""

    reference: str
    currency: str
    method: str
    effects: Effects = field(default_factory=Effects)
    challenge: str | None = None  # the request key that waits for the payer
    moves: list[StatementRow] = field(default_factory=list)

    @property
    def held(self) -> int:
        return self.effects.authorized - self.effects.captured - self.effects.voided


class FakeGateway:
    """Both a `Gateway` and an `AsyncGateway`; not safe for threads. Webhooks wait in `deliveries`.

    With `asynchronous` each operation is answered `pending` and decided by webhook.
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        seed: int = 0,
        faults: Faults = NONE,
        secret: str = SECRET,
        asynchronous: bool = False,
    ) -> None:
        self._clock = clock
        self._rng = Random(seed)
        self.faults = faults
        self._webhooks = StandardWebhooks(secrets=[secret])
        self._asynchronous = asynchronous
        self._accounts: dict[str, _Account] = {}
        self._replies: dict[str, GatewayReply] = {}
        self._amounts: dict[str, int] = {}  # of challenges, by request key
        self._disputes: dict[str, str] = {}  # intents
        self._waiting: list[Delivery] = []
        self._sent = 0

    # --- a gateway ---

    def send(self, request: GatewayRequest, /) -> GatewayReply:
        """Do what is asked for, once for each key."""
        if self._happens(self.faults.unavailable):
            raise GatewayUnavailable(1.0)
        if self._happens(self.faults.timeout_before):
            raise GatewayTimeout("no answer; nothing has happened")
        known = self._replies.get(request.request_key)
        reply = self._do(request) if known is None else known
        if self._happens(self.faults.timeout_after):
            raise GatewayTimeout("no answer; it has happened")
        return reply

    def query(self, request_key: str, /) -> GatewayReply | None:
        """What was answered to this key."""
        if self._happens(self.faults.unavailable):
            raise GatewayUnavailable(1.0)
        return self._replies.get(request_key)

    async def asend(self, request: GatewayRequest, /) -> GatewayReply:
        """`send` for tasks."""
        return self.send(request)

    async def aquery(self, request_key: str, /) -> GatewayReply | None:
        """`query` for tasks."""
        return self.query(request_key)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def _do(self, request: GatewayRequest) -> GatewayReply:
        account = self._accounts.get(request.intent_id)
        if account is None:
            account = _Account(f"gw_{len(self._accounts) + 1}", request.amount.currency, request.method or "")
            self._accounts[request.intent_id] = account
        account.method = request.method or account.method
        reply = replace(self._decide(account, request), reference=account.reference)
        if reply.status == "approved":
            self._apply(account, request.operation, request.amount.amount, request.request_key, final=request.final)
            kind, amount = FACTS[request.operation], request.amount.amount
            self._tell(request.intent_id, kind, request.request_key, amount, final=request.final)
            self._aftermath(account, request)
        elif reply.status == "declined":
            self._tell(request.intent_id, FactKind.DECLINED, request.request_key)
        final = reply.status == "action_required" or not self._asynchronous
        self._replies[request.request_key] = reply
        return reply if final else replace(reply, status="pending", code=None)

    def _decide(self, account: _Account, request: GatewayRequest) -> GatewayReply:
        amount, effects = request.amount.amount, account.effects
        if request.operation is Operation.AUTHORIZE:
            if account.method in DECLINES:
                code, retryable = DECLINES[account.method]
                return GatewayReply("declined", code=code, retryable=retryable)
            if account.method in CHALLENGES:
                account.challenge = request.request_key
                self._amounts[request.request_key] = amount
                return GatewayReply("action_required", next_action="https://bank.example/prove-it")
        possible = {
            Operation.CAPTURE: amount <= account.held,
            Operation.REFUND: amount <= effects.captured - effects.refunded,
        }
        if not possible.get(request.operation, True):
            return GatewayReply("declined", code="amount_too_large")
        return GatewayReply("approved", amount=request.amount)

    def _apply(self, account: _Account, operation: Operation, amount: int, key: str, *, final: bool) -> None:
        effects = account.effects._replace(money_calls=account.effects.money_calls + 1)
        if operation in (Operation.AUTHORIZE, Operation.INCREMENT):
            effects = effects._replace(authorized=effects.authorized + amount)
        elif operation is Operation.CAPTURE:
            effects = effects._replace(captured=effects.captured + amount)
            if final:
                effects = effects._replace(voided=effects.authorized - effects.captured)
        elif operation is Operation.VOID:
            account.challenge = None
            effects = effects._replace(voided=effects.authorized - effects.captured)
        else:
            effects = effects._replace(refunded=effects.refunded + amount)
        account.effects = effects
        if operation in (Operation.CAPTURE, Operation.REFUND):
            account.moves.append(StatementRow(operation, Money(amount, account.currency), account.reference, key))

    def _aftermath(self, account: _Account, request: GatewayRequest) -> None:
        """What two of the cards do later."""
        if account.method == DISPUTED and request.operation is Operation.CAPTURE:
            self.open_dispute(request.intent_id, request.amount.amount)
        if account.method == REFUND_FAILS and request.operation is Operation.REFUND:
            account.effects = account.effects._replace(refunded=account.effects.refunded - request.amount.amount)
            account.moves = [row for row in account.moves if row.request_key != request.request_key]
            self._tell(request.intent_id, FactKind.REFUND_FAILED, request.request_key, request.amount.amount)

    # --- webhooks ---

    def _tell(self, intent_id: str, kind: FactKind, key: str, amount: int = 0, *, final: bool = False) -> None:
        self._sent += 1
        body = event_body(intent_id, Fact(kind, key, amount, final=final))
        sent = int(self._clock.now().timestamp())
        delivery = Delivery(body, self._webhooks.sign(f"msg_{self._sent}", sent, body))
        copies = 2 if self._happens(self.faults.duplicate_webhooks) else 1
        self._waiting += [delivery] * copies

    def deliveries(self) -> list[Delivery]:
        """The webhooks that have not been fetched, in a seeded order."""
        waiting, self._waiting = self._waiting, []
        self._rng.shuffle(waiting)
        return waiting

    # --- what others do ---

    def complete_action(self, intent_id: str, *, success: bool = True) -> None:
        """The payer proves who he is, or fails to."""
        account = self._accounts[intent_id]
        key, account.challenge = account.challenge, None
        if key is None:
            raise ValueError(f"{intent_id} waits for no action")
        code = CHALLENGES.get(account.method) if success else "authentication_failed"
        if code is not None:
            self._replies[key] = GatewayReply("declined", account.reference, code=code)
            self._tell(intent_id, FactKind.DECLINED, key)
            return
        amount = self._amounts[key]
        self._apply(account, Operation.AUTHORIZE, amount, key, final=False)
        self._replies[key] = GatewayReply("approved", account.reference, Money(amount, account.currency))
        self._tell(intent_id, FactKind.AUTHORIZED, key, amount)

    def capture_outside(self, intent_id: str, amount: int, *, final: bool) -> None:
        """Somebody captures in the gateway's dashboard."""
        self._outside(intent_id, Operation.CAPTURE, amount, final=final)

    def refund_outside(self, intent_id: str, amount: int) -> None:
        """Somebody refunds in the gateway's dashboard."""
        self._outside(intent_id, Operation.REFUND, amount, final=False)

    def _outside(self, intent_id: str, operation: Operation, amount: int, *, final: bool) -> None:
        self._sent += 1
        key = f"outside_{self._sent}"
        self._apply(self._accounts[intent_id], operation, amount, key, final=final)
        self._tell(intent_id, FACTS[operation], key, amount, final=final)

    def open_dispute(self, intent_id: str, amount: int) -> str:
        """The payer's bank takes an amount back; the id of the dispute."""
        self._sent += 1
        dispute = f"dp_{self._sent}"
        self._tell(intent_id, FactKind.DISPUTE_OPENED, dispute, amount)
        self._disputes[dispute] = intent_id
        return dispute

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """The payer's bank has decided."""
        kind = FactKind.DISPUTE_WON if won else FactKind.DISPUTE_LOST
        self._tell(self._disputes[dispute_id], kind, dispute_id)

    # --- what really happened ---

    def effects(self, intent_id: str) -> Effects:
        """What was done to a payment's money."""
        account = self._accounts.get(intent_id)
        return Effects() if account is None else account.effects

    def statement(self) -> list[StatementRow]:
        """Every capture and refund, payment by payment."""
        return list(self._rows())

    def _rows(self) -> Iterator[StatementRow]:
        for account in self._accounts.values():
            yield from account.moves
