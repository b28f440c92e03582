"""Four stories for `explore`; each uses idempotency keys, so that it can be told again after a crash."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from lldkit.money import Money
from lldkit.payments.interface import Capture
from lldkit.payments.payments import Payments
from lldkit.payments.tables import IntentState

__all__ = ["SCENARIOS", "Scenario", "buy", "capture", "challenge", "dispute"]

Scenario: TypeAlias = Callable[[Payments], None]
PRICE = Money(100_00, "USD")


def buy(payments: Payments) -> None:
    """An order is paid at once."""
    order = payments.create(PRICE, merchant="acme", idempotency_key="order")
    payments.confirm(order.id, method="4242424242424242", idempotency_key="pay")


def capture(payments: Payments) -> None:
    """An order is sent in two parts, of which the second is smaller than planned; some of it comes back."""
    order = payments.create(PRICE, merchant="acme", capture=Capture.MANUAL, idempotency_key="order")
    payments.confirm(order.id, method="4242424242424242", idempotency_key="pay")
    payments.capture(order.id, Money(60_00, "USD"), final=False, idempotency_key="some")
    payments.capture(order.id, Money(30_00, "USD"), idempotency_key="rest")
    payments.refund(order.id, Money(10_00, "USD"), idempotency_key="back")


def challenge(payments: Payments) -> None:
    """The payer must prove who he is, and does."""
    order = payments.create(PRICE, merchant="acme", idempotency_key="order")
    payments.confirm(order.id, method="4000002760003184", idempotency_key="pay")
    if payments.get(order.id).state is IntentState.REQUIRES_ACTION:
        gateway: Any = payments.gateway
        with suppress(ValueError):  # the payer has done so before a crash
            gateway.complete_action(order.id)


def dispute(payments: Payments) -> None:
    """The payer's bank takes the money back."""
    order = payments.create(PRICE, merchant="acme", idempotency_key="order")
    payments.confirm(order.id, method="4000000000000259", idempotency_key="pay")


SCENARIOS: Mapping[str, Scenario] = {each.__name__: each for each in (buy, capture, challenge, dispute)}
