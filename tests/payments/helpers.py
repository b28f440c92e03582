"""A shop for tests: payments over a store, with a gateway that can be made to fail."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lldkit.clock import ManualClock
from lldkit.money import Money
from lldkit.payments.books import account_id
from lldkit.payments.errors import GatewayUnavailable, IdempotencyInProgress, OperationInProgress, OutcomeUnknown
from lldkit.payments.fake_gateway import SECRET, FakeGateway, Faults
from lldkit.payments.interface import Capture, Intent, Received
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.store import Store
from lldkit.payments.transfers import Balance
from lldkit.webhooks import StandardWebhooks

__all__ = ["ALWAYS", "CARD", "NEVER", "Shop", "faulty_day", "together", "usd"]

CARD = "4242424242424242"
NEVER = Faults()


def ALWAYS(fault: str) -> Faults:  # noqa: N802 - reads as a constant of that fault
    """The fault happens every time."""
    return Faults(**{fault: 1.0})


def usd(cents: int) -> Money:
    return Money(cents, "USD")


@dataclass
class Shop:
    """Payments of one merchant, `acme`, in dollars."""

    store: Store = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=ManualClock)
    events: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gateway = FakeGateway(clock=self.clock)
        self.payments = self.restarted()

    def restarted(self, **options: Any) -> Payments:
        """Another process over the same store."""
        numbers = iter(range(1, 10_000))
        defaults: dict[str, Any] = {
            "store": self.store,
            "gateway": self.gateway,
            "verifier": StandardWebhooks(secrets=[SECRET], tolerance_seconds=10**6),  # they may wait for long
            "clock": self.clock,
            "new_id": lambda: f"pi_{next(numbers)}",
            "on_event": self.events.append,
        }
        self.payments = Payments(**{**defaults, **self.options, **options})
        return self.payments

    def created(self, cents: int = 100, capture: Capture = Capture.MANUAL) -> Intent:
        return self.payments.create(usd(cents), merchant="acme", capture=capture)

    def authorized(self, cents: int = 100) -> Intent:
        return self.payments.confirm(self.created(cents).id, method=CARD)

    def captured(self, cents: int = 100) -> Intent:
        return self.payments.confirm(self.created(cents, Capture.AUTOMATIC).id, method=CARD)

    def delivered(self) -> list[Received]:
        """Deliver all webhooks that wait."""
        return [self.payments.receive(*delivery) for delivery in self.gateway.deliveries()]

    def balance(self, role: str = "merchant", owner: str = "acme") -> Balance:
        return self.payments.ledger.balance(account_id(role, owner, "USD"))


def faulty_day(seed: int) -> tuple[Shop, list[str]]:
    """Eight payments of 100, captured in parts of 60 and 30, 10 refunded, through every fault; all is recovered."""
    rng, shop = Random(seed), Shop()
    orders = [
        shop.payments.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key=f"o{number}").id
        for number in range(8)
    ]
    steps = [(order, step) for order in orders for step in ("confirm", "some", "rest", "back")]
    shop.gateway.faults = Faults(timeout_before=0.15, timeout_after=0.15, unavailable=0.1, duplicate_webhooks=0.3)
    while steps:
        try:
            act(shop.payments, *steps[0])
            steps.pop(0)
        except (OutcomeUnknown, GatewayUnavailable, OperationInProgress, IdempotencyInProgress):
            shop.clock.advance(rng.choice([1, 61]))
            shop.payments.recover()
        if rng.random() < 0.3:
            shop.delivered()
        if rng.random() < 0.2:
            shop.restarted()
    shop.gateway.faults = NEVER
    shop.clock.advance(61)
    shop.payments.recover()
    shop.delivered()
    return shop, orders


def act(pay: Payments, intent_id: str, step: str) -> None:
    key = f"{intent_id} {step}"
    if step == "confirm":
        pay.confirm(intent_id, method=CARD, idempotency_key=key)
    elif step == "some":
        pay.capture(intent_id, usd(60), final=False, idempotency_key=key)
    elif step == "rest":
        pay.capture(intent_id, usd(30), idempotency_key=key)
    else:
        pay.refund(intent_id, usd(10), idempotency_key=key)


def together(work: Callable[[int], None], threads: int = 8) -> None:
    """Run the work in threads, and raise what one of them has raised."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - for the thread of the test
            errors.append(error)

    workers = [threading.Thread(target=guarded, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    if errors:
        raise errors[0]
