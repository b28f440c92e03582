"""What is left of payments when a process dies at every point of its way, and again while it recovers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lldkit.clock import ManualClock
from lldkit.payments.fake_gateway import SECRET, FakeGateway
from lldkit.payments.payment import Payment, Status
from lldkit.payments.payments import Payments
from lldkit.payments.receiving import Delivery
from lldkit.payments.store import Query, Store
from lldkit.simulation import CrashReport, Faults, every_crash
from lldkit.webhooks import StandardWebhooks

__all__ = ["explore"]

PAUSE = 61  # seconds after which nothing counts as under way, and no claim is live


@dataclass
class _World:
    """All that survives a crash: the store, the gateway, its webhooks, the time."""

    store: Store
    clock: ManualClock
    gateway: FakeGateway
    inbox: list[Delivery] = field(default_factory=list)
    ids: int = 0

    def new_id(self) -> str:
        self.ids += 1
        return f"pi_{self.ids}"

    def payments(self, store: Store, gateway: FakeGateway) -> Payments:
        verifier = StandardWebhooks(secrets=[SECRET])
        return Payments(store=store, gateway=gateway, verifier=verifier, clock=self.clock, new_id=self.new_id)


def explore(
    scenario: Callable[[Payments], None],
    *,
    store: Callable[[], Store],
    crashes: int = 1,
    sample: int | None = None,
    seed: int = 0,
) -> CrashReport:
    """Run a scenario, kill it before and after each call of the store and the gateway, and look at what is left.

    After a crash the payments recover and the scenario runs again, so it must use idempotency keys. Then all webhooks
    are delivered. With `crashes=2` it dies a second time on the way. It is a violation when the gateway has done
    something twice or not at all, when the ledger does not say the same as payment and gateway, or does not balance, or
    when a question is still open. Takes 1 + points runs, and with two crashes about half their square, or a `sample` of
    those, drawn by `seed`.
    """

    def setup() -> _World:
        clock = ManualClock()
        return _World(store(), clock, FakeGateway(clock=clock, seed=seed))

    def run(world: _World, faults: Faults) -> None:
        world.clock.advance(PAUSE)
        payments = world.payments(faults.wrap(world.store, name="store"), faults.wrap(world.gateway, name="gateway"))
        payments.recover()
        scenario(payments)
        world.inbox += world.gateway.deliveries()
        while world.inbox:
            payments.receive(*world.inbox[0])
            del world.inbox[0]

    return every_crash(setup, run, check=_check, crashes=crashes, sample=sample, seed=seed)


def _check(world: _World) -> None:
    """Everything agrees, once what was left open has been recovered."""
    world.clock.advance(PAUSE)
    payments = world.payments(world.store, world.gateway)
    payments.recover()
    for _, row in world.store.scan(Query("intents", limit=10_000)):
        _check_payment(row.value, world.gateway)
    balances = [payments.ledger.balance(name) for (_, name), _ in world.store.scan(Query("accounts", limit=10_000))]
    _same("posted", sum(each.debits_posted for each in balances), sum(each.credits_posted for each in balances))
    _same("pending", sum(each.debits_pending for each in balances), sum(each.credits_pending for each in balances))
    _same("the statement agrees", payments.reconcile(world.gateway.statement()).agrees, True)


def _check_payment(payment: Payment, gateway: FakeGateway) -> None:
    intent, effects = payment.intent, gateway.effects(payment.intent.id)
    _same(f"open question of {intent.id}", payment.open, None)
    done = [each.key for each in payment.questions if each.status is Status.APPROVED]
    _same(f"operations of {intent.id}", len(done), effects.money_calls)
    for name in ("authorized", "captured", "voided", "refunded"):
        _same(f"{name} of {intent.id}", getattr(intent, name).amount, getattr(effects, name))


def _same(what: str, here: object, there: object) -> None:
    if here != there:
        raise ValueError(f"{what}: {here} here, {there} there")
