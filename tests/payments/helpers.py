"""A shop for tests: payments over a store, with a gateway that can be made to fail."""

from dataclasses import dataclass, field
from typing import Any

from lldkit.clock import ManualClock
from lldkit.money import Money
from lldkit.payments.books import account_id
from lldkit.payments.fake_gateway import SECRET, FakeGateway, Faults
from lldkit.payments.interface import Capture, Intent, Received
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.store import Store
from lldkit.payments.transfers import Balance
from lldkit.webhooks import StandardWebhooks

__all__ = ["ALWAYS", "CARD", "NEVER", "Shop", "usd"]

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

    def restarted(self) -> Payments:
        """Another process over the same store."""
        numbers = iter(range(1, 1_000))
        self.payments = Payments(
            store=self.store,
            gateway=self.gateway,
            verifier=StandardWebhooks(secrets=[SECRET], tolerance_seconds=10**6),  # they may wait for long
            clock=self.clock,
            on_event=self.events.append,
            **{"new_id": lambda: f"pi_{next(numbers)}", **self.options},
        )
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
