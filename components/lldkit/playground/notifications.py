"""A day of notifications: recipients in six zones who sleep, a flood at noon, and a provider that is down."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from lldkit.charts import Figure, Line, Panel
from lldkit.circuit_breaker import Breakers, CircuitBreaker, consecutive
from lldkit.circuit_breaker import State as BreakerState
from lldkit.clock import ManualClock
from lldkit.notifications import (
    Call,
    Digest,
    FakeChannel,
    FallbackStarted,
    Later,
    Limit,
    MemoryDirectory,
    MemoryStore,
    Message,
    Mode,
    NotificationEvent,
    Notifier,
    Outcome,
    Preferences,
    Priority,
    Query,
    QuietHours,
    Receipt,
    Recipient,
    Route,
    Template,
    Templates,
)
from lldkit.playground.scene import Scene
from lldkit.rate_limiter import RateLimiter, per_hour
from lldkit.retry import constant

__all__ = ["NEXT", "NotificationDay", "Sample", "day", "demo", "picture"]

NEXT = "lldkit notifications diagram"
MIDNIGHT = datetime(2024, 7, 1, tzinfo=UTC)
MINUTES, STEP = 24 * 60, 10
ZONES = ("America/New_York", "America/Sao_Paulo", "Europe/Berlin", "Africa/Nairobi", "Asia/Kolkata", "Asia/Tokyo")
PEOPLE = 200
CHANNELS = ("email", "push", "sms")
LANES = ("critical", "high", "normal", "low")
BOUNDS = {
    "events_per_hour": (10, 5_000),
    "quiet_share": (0.0, 1.0),
    "digest_seconds": (0, 3_600),
    "sms_per_hour": (1, 60),
    "outage_start": (0.0, 24.0),
    "outage_minutes": (0, 120),
}
ONE = Template(subject="$what", text="$what", digest=Template(subject="$count events", text="$lines"))
TEMPLATES = Templates({name: dict.fromkeys(CHANNELS, ONE) for name in ("alert", "order", "comment", "news")})


@dataclass(frozen=True, slots=True)
class Sample:
    """Ten minutes, at `hour`: decisions by verdict, what waits to be sent by lane, the breaker, fallbacks so far."""

    hour: float
    verdicts: Counter[str]
    waiting: Counter[str]
    open: bool
    fallbacks: int
    sent: int


@dataclass(frozen=True, slots=True)
class NotificationDay:
    """A day, looked at every ten minutes; `sends` are messages that reached a provider, `keys` how many different."""

    samples: tuple[Sample, ...]
    sends: int
    keys: int


class _Provider(FakeChannel):
    """A channel whose provider is down for a while."""

    def __init__(self, name: str, clock: ManualClock, down: tuple[float, float]) -> None:
        super().__init__(name)
        self._clock = clock
        self._down = down

    def send(self, message: Message, /) -> Outcome:
        hour = (self._clock.now() - MIDNIGHT).total_seconds() / 3_600
        return Later("down") if self._down[0] <= hour < self._down[1] else super().send(message)


def day(
    *,
    events_per_hour: int = 80,
    quiet_share: float = 0.6,
    digest_seconds: float = 1_800,
    sms_per_hour: int = 5,
    outage_start: float = 15.0,
    outage_minutes: float = 60,
    seed: int = 7,
) -> NotificationDay:
    """A day of 200 recipients in six zones, of whom `quiet_share` have quiet hours from 22:00 to 07:00.

    Events come at a steady rate, and from 12:00 to 12:30 twelve times as many of low priority. Comments are collected
    for `digest_seconds` (0: not at all). Alerts go by push, and by SMS where that fails, at most `sms_per_hour` to
    each; push is down from `outage_start` for `outage_minutes`. Workers send up to 10 messages per channel in a minute,
    and what the morning lets go is spread over half an hour. `ValueError` names a value out of bounds.
    """
    given = dict(locals())
    for name, (low, high) in BOUNDS.items():
        if not low <= given[name] <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {given[name]!r}")
    down = (outage_start, outage_start + outage_minutes / 60)
    town = _Town(Random(seed), quiet_share, digest_seconds, sms_per_hour, down)
    return town.live(events_per_hour)


class _Town:
    """Everybody, and the notifier that tells them things."""

    def __init__(
        self, rng: Random, quiet_share: float, digest: float, sms_per_hour: int, down: tuple[float, float]
    ) -> None:
        self.rng = rng
        self.clock = ManualClock(start=MIDNIGHT)
        self.store = MemoryStore()
        self.fallbacks = 0
        self.channels = {name: FakeChannel(name) for name in ("email", "sms")}
        self.channels["push"] = _Provider("push", self.clock, down)
        self.breakers = Breakers(
            lambda name: CircuitBreaker(name, trip=consecutive(3), clock=self.clock, rng=Random(1))
        )
        limiter = RateLimiter(per_hour(sms_per_hour), clock=self.clock)
        self.router = Notifier(
            routes=_routes(digest),
            channels=self.channels,
            templates=TEMPLATES,
            directory=MemoryDirectory(_people(rng, quiet_share)),
            store=self.store,
            limits=[Limit(limiter, per="recipient", channel="sms")],
            breakers=self.breakers,
            backoff=constant(120.0),
            spread_seconds=1_800,
            clock=self.clock,
            rng=rng,
            on_event=self.hear,
        )

    def breaker(self, name: str) -> CircuitBreaker:
        return CircuitBreaker(name, trip=consecutive(3), clock=self.clock, rng=Random(1))

    def hear(self, event: NotificationEvent) -> None:
        self.fallbacks += isinstance(event, FallbackStarted)

    def live(self, events_per_hour: int) -> NotificationDay:
        """The whole day."""
        samples: list[Sample] = []
        verdicts: Counter[str] = Counter()
        for minute in range(1, MINUTES + 1):
            self.clock.advance(60)
            for receipt in self.happen(events_per_hour / 60, flooded=12 * 60 <= minute < 12 * 60 + 30):
                verdicts.update(decision.verdict.value for decision in receipt.decisions)
            self.router.run_due(limit=10)
            if minute % STEP == 0:
                samples.append(self.sample(minute / 60, verdicts))
                verdicts = Counter()
        messages = [message.idempotency_key for channel in self.channels.values() for message in channel.sent]
        return NotificationDay(tuple(samples), len(messages), len(set(messages)))

    def happen(self, rate: float, *, flooded: bool) -> list[Receipt]:
        """What comes in a minute."""
        calls = [
            self.call(self.rng.choices(("alert", "order", "comment"), (1, 4, 5))[0]) for _ in range(self.count(rate))
        ]
        if flooded:
            calls += [self.call("news") for _ in range(self.count(rate * 20))]
        return self.router.notify_many(calls)

    def count(self, rate: float) -> int:
        return int(rate) + (self.rng.random() < rate % 1)

    def call(self, category: str) -> Call:
        priority = {"alert": Priority.CRITICAL, "news": Priority.LOW}.get(category, Priority.NORMAL)
        return Call(f"u{self.rng.randrange(PEOPLE)}", category, {"what": category}, priority=priority)

    def sample(self, hour: float, verdicts: Counter[str]) -> Sample:
        """How things stand."""
        now = round((self.clock.now() - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
        waiting = Counter({lane: sum(self.due(lane, channel, now) for channel in CHANNELS) for lane in LANES})
        is_open = self.breakers["push"].state is BreakerState.OPEN
        sent = sum(len(channel.sent) for channel in self.channels.values())
        return Sample(hour, verdicts, waiting, is_open, self.fallbacks, sent)

    def due(self, lane: str, channel: str, now: int) -> int:
        """How many deliveries of a lane could be sent."""
        return len(self.store.find(Query(lane=f"{lane}/{channel}", due=now, limit=100_000)))


def _routes(digest: float) -> Route:
    collected = Digest(window_seconds=digest) if digest else None
    alert = Route(
        to=("push", "sms"), matchers=("category=alert",), mode=Mode.FALLBACK, ignore_quiet_hours=True, name="alert"
    )
    return Route(to=("email",), routes=(alert, Route(matchers=("category=comment",), digest=collected, name="comment")))


def _people(rng: Random, quiet_share: float) -> list[Recipient]:
    quiet = Preferences(quiet=QuietHours("22:00", "07:00"))
    return [
        Recipient(
            f"u{number}",
            {channel: f"{channel}-{number}" for channel in CHANNELS},
            zone=ZONES[number % len(ZONES)],
            preferences=quiet if rng.random() < quiet_share else Preferences(),
        )
        for number in range(PEOPLE)
    ]


def picture(run: NotificationDay) -> Sequence[Panel]:
    """What was decided, what waits, the breaker, and the fallbacks."""
    verdicts = ("send", "digest", "defer", "standby", "suppress")
    tones = ("one", "two", "three", "good", "bad")
    stacked = []
    for number, (verdict, tone) in enumerate(zip(verdicts, tones, strict=True)):
        points = [(each.hour, sum(each.verdicts[name] for name in verdicts[: number + 1])) for each in run.samples]
        stacked.append(Line(points, f"+ {verdict}" if number else verdict, tone, step=True))  # type: ignore[arg-type]
    lanes = [
        Line([(each.hour, each.waiting[lane]) for each in run.samples], lane, tone, step=True)  # type: ignore[arg-type]
        for lane, tone in (("low", "three"), ("normal", "one"), ("critical", "bad"))
    ]
    opened = Line([(each.hour, int(each.open)) for each in run.samples], "", "bad", step=True)
    fallbacks = Line([(each.hour, each.fallbacks) for each in run.samples], "", "two", step=True)
    before = [0, *(each.sent for each in run.samples)]
    sent = [(each.hour, each.sent - earlier) for each, earlier in zip(run.samples, before, strict=False)]
    return [
        Panel([*reversed(stacked)], "decisions in ten minutes, stacked"),
        Panel([Line(sent, "", "one", step=True)], "sent in ten minutes", 80),
        Panel(lanes, "due and not sent yet, by lane"),
        Panel([opened], "push: breaker open", 60),
        Panel([fallbacks], "alerts that went by SMS, so far", 80),
    ]


def demo() -> Figure:
    """A whole day, as `lldkit demo notifications` shows it."""
    run = day()
    low, critical = (max(each.waiting[lane] for each in run.samples) for lane in ("low", "critical"))
    return Figure(
        "A day of notifications, with a flood at noon and an outage in the afternoon",
        picture(run),
        x_label="hours",
        x=(0, 24),
        description=(
            f"Up to {low} low messages wait at noon and at most {critical} critical ones; "
            f"{run.samples[-1].fallbacks} alerts go by SMS instead of push; "
            f"{run.sends} messages reach a provider, under {run.keys} different keys."
        ),
    )


def figure(run: NotificationDay) -> Figure:
    """A day, whatever went wrong in it."""
    says = f"{run.sends} messages reach a provider, under {run.keys} different keys."
    return Figure("A day of notifications", picture(run), x_label="hours", x=(0, 24), description=says)


SCENES = {"notifications": Scene(day, figure, BOUNDS)}
