"""A shop's day: payments through a gateway that loses answers, while the shop dies now and then and starts again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from lldkit.charts import Figure, Line, Panel
from lldkit.clock import ManualClock
from lldkit.payments import (
    Capture,
    Delivery,
    FakeGateway,
    Faults,
    GatewayUnavailable,
    IdempotencyInProgress,
    InvalidTransition,
    MemoryStore,
    Money,
    OperationInProgress,
    OutcomeUnknown,
    Payments,
    StandardWebhooks,
    account_id,
)
from lldkit.playground.scene import Scene
from lldkit.simulation import Crash, Crashes
from lldkit.simulation import Faults as Boundaries

__all__ = ["NEXT", "Sample", "ShopDay", "day", "demo", "picture"]

NEXT = "lldkit payments explore --scenario capture"
HOURS, MINUTE, PRICE = 24, 60, 100_00
SECRET = "whsec_" + "cGxheWdyb3VuZCBzZWNyZXQgb2YgMzIgYnl0ZXMhISE="  # of a shop that does not exist
CARD = "4242424242424242"
NOT_NOW = (OutcomeUnknown, GatewayUnavailable, OperationInProgress, IdempotencyInProgress, InvalidTransition, Crash)
BOUNDS = {
    "payments": (10, 500),
    "lost_before": (0.0, 0.3),
    "lost_after": (0.0, 0.3),
    "unavailable": (0.0, 0.3),
    "delay": (0, 600),
    "duplicates": (0.0, 0.5),
    "crash_every": (0, 50),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the shop, at `hour`: how many intents are in each state, and what was captured, in cents."""

    hour: float
    states: Counter[str]
    at_gateway: int
    in_ledger: int


@dataclass(frozen=True, slots=True)
class ShopDay:
    """A day, looked at every five minutes; `charges` are captures at the gateway, `deaths` those of the shop."""

    samples: tuple[Sample, ...]
    payments: int
    charges: int
    deaths: int


def day(
    *,
    payments: int = 100,
    lost_before: float = 0.05,
    lost_after: float = 0.15,
    unavailable: float = 0.05,
    delay: float = 300,
    duplicates: float = 0.2,
    crash_every: int = 50,
    seed: int = 7,
) -> ShopDay:
    """A day of payments that are held, and captured some hours later, each of 100.00.

    A share of `lost_before` and `lost_after` of the gateway's answers is lost before or after the work, webhooks take
    up to `delay` seconds, and the shop dies about once in `crash_every` calls of store and gateway (0: never). What did
    not work is tried again ten minutes later with the same key, or, where its outcome is unknown, two hours later;
    `recover` runs every hour. `ValueError` names a value out of bounds.
    """
    given = dict(locals())
    for name, (low, high) in BOUNDS.items():
        if not low <= given[name] <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {given[name]!r}")
    faults = Faults(lost_before, lost_after, unavailable, duplicates)
    shop = _Shop(seed, faults, delay, 1 / crash_every if crash_every else 0.0)
    return shop.live(payments)


class _Shop:
    """A shop with its gateway, and what is to happen next."""

    def __init__(self, seed: int, faults: Faults, delay: float, crash_rate: float) -> None:
        self.rng = Random(seed)
        self.clock = ManualClock()
        self.gateway = FakeGateway(clock=self.clock, seed=seed, faults=faults, secret=SECRET)
        self.store = MemoryStore()
        self.boundaries = Boundaries(seed, plan=[Crashes("*", crash_rate)])
        self.delay = delay
        self.deaths = 0
        self.ids = count(1)
        self.intents: list[str] = []
        self.agenda: list[tuple[float, int, Callable[[], object]]] = []
        self.order = count()  # of what happens at the same time
        self.shop = self.started()

    def started(self) -> Payments:
        """The process, over what the last one has left."""
        self.boundaries.revive()
        return Payments(
            store=self.boundaries.wrap(self.store, name="store"),
            gateway=self.boundaries.wrap(self.gateway, name="gateway", only=["send", "query"]),
            verifier=StandardWebhooks(secrets=[SECRET], tolerance_seconds=3_600),
            clock=self.clock,
            new_id=lambda: f"pi_{next(self.ids):04d}",
        )

    def live(self, payments: int) -> ShopDay:
        """The whole day."""
        for number in range(payments):
            self.at(self.rng.uniform(0, 0.75 * HOURS * 3_600), partial(self.buy, number))
        for hour in range(HOURS):
            self.at(hour * 60 * MINUTE, self.recover)
        samples: list[Sample] = []
        for minute in range(0, HOURS * 60 + 1, 5):
            self.at(minute * MINUTE, lambda: samples.append(self.sample()))
        while self.agenda and self.agenda[0][0] <= HOURS * 3_600:
            self.happen()
        charges = sum(row.kind == "capture" for row in self.gateway.statement())
        return ShopDay(tuple(samples), payments, charges, self.deaths)

    def at(self, second: float, what: Callable[[], object]) -> None:
        heappush(self.agenda, (second, next(self.order), what))

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        self.at(self.clock.monotonic() + seconds, what)

    def happen(self) -> None:
        """The next thing; what does not work is tried again, by a new process if this one has died."""
        second, _, what = heappop(self.agenda)
        self.clock.advance(second - self.clock.monotonic())
        try:
            what()
        except NOT_NOW as reason:
            if isinstance(reason, Crash):
                self.deaths += 1
                self.shop = self.started()
            self.later((120 if isinstance(reason, OutcomeUnknown) else 10) * MINUTE, what)
        for delivery in self.gateway.deliveries():
            self.later(self.rng.uniform(0, self.delay), partial(self.receive, delivery))

    def recover(self) -> None:
        self.shop.recover()

    def receive(self, delivery: Delivery) -> None:
        self.shop.receive(*delivery)

    def buy(self, number: int) -> None:
        price = Money(PRICE, "USD")
        order = self.shop.create(price, merchant="acme", capture=Capture.MANUAL, idempotency_key=f"order {number}")
        if order.id not in self.intents:
            self.intents.append(order.id)
        self.later(self.rng.uniform(1, 5) * 3_600, partial(self.capture, order.id))
        self.shop.confirm(order.id, method=CARD, idempotency_key=f"pay {number}")

    def capture(self, intent_id: str) -> None:
        self.shop.capture(intent_id, idempotency_key=f"send {intent_id}")

    def sample(self) -> Sample:
        """A look past the boundaries, by somebody who does not die."""
        looking = Payments(store=self.store, clock=self.clock)
        states = Counter[str](looking.get(intent_id).state for intent_id in self.intents)
        captured = sum(self.gateway.effects(intent_id).captured for intent_id in self.intents)
        merchant = account_id("merchant", "acme", "USD")
        posted = looking.ledger.balance(merchant).credits_posted if captured else 0
        return Sample(self.clock.monotonic() / 3_600, states, captured, posted)


GROUPS = {
    "captured": ("captured",),
    "+ authorized": ("captured", "authorized", "capturing", "created", "processing"),
}


def picture(run: ShopDay) -> Sequence[Panel]:
    """The intents by state, those of which nobody knows, and the money on both sides."""
    tones = ("good", "one")
    stacked = [
        Line([(each.hour, sum(each.states[state] for state in states)) for each in run.samples], name, tone, step=True)  # type: ignore[arg-type]
        for (name, states), tone in zip(GROUPS.items(), tones, strict=True)
    ]
    everything = Line([(each.hour, each.states.total()) for each in run.samples], "+ outcome unknown", "bad", step=True)
    unknown = Line([(each.hour, each.states["outcome_unknown"]) for each in run.samples], "unknown", "bad", step=True)
    apart = Line([(each.hour, (each.at_gateway - each.in_ledger) / 100) for each in run.samples], "", "two", step=True)
    money = [
        Line([(each.hour, each.at_gateway / 100) for each in run.samples], "at the gateway", "one", step=True),
        Line(
            [(each.hour, each.in_ledger / 100) for each in run.samples], "in our ledger", "two", step=True, dashed=True
        ),
    ]
    return [
        Panel([everything, *reversed(stacked)], "intents, stacked by state"),
        Panel([unknown], "outcome unknown", 80),
        Panel(money, "captured, in dollars"),
        Panel([apart], "captured there, not yet known here", 80),
    ]


def demo() -> Figure:
    """A whole day, as `lldkit demo payments` shows it."""
    run = day()
    most = max(each.states["outcome_unknown"] for each in run.samples)
    last = run.samples[-1]
    return Figure(
        "A day of payments over a gateway that loses answers",
        picture(run),
        x_label="hours",
        x=(0, HOURS),
        description=(
            f"The shop dies {run.deaths} times and up to {most} outcomes are unknown at once; in the evening "
            f"{run.payments} payments are {run.charges} charges, and the ledger holds "
            f"{'the same' if last.at_gateway == last.in_ledger else 'another amount'} as the gateway."
        ),
    )


def figure(run: ShopDay) -> Figure:
    """A day, whatever went wrong in it."""
    says = f"The shop dies {run.deaths} times; {run.payments} payments are {run.charges} charges."
    return Figure("A day of payments", picture(run), x_label="hours", x=(0, HOURS), description=says)


SCENES = {"payments": Scene(day, figure, BOUNDS)}
