"""A small world: a notifier with fake channels, one recipient in Berlin, and a clock that stands still."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from lldkit.clock import ManualClock
from lldkit.notifications import (
    Delivery,
    FakeChannel,
    JsonValue,
    MemoryDirectory,
    MemoryStore,
    NotificationEvent,
    Notifier,
    Outcome,
    Recipient,
    Route,
    Store,
    Template,
    Templates,
)
from lldkit.retry import constant

__all__ = ["CHANNELS", "EVERYTHING", "NOON", "World", "states", "utc"]

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
CHANNELS = ("email", "sms", "push")
ADDRESSES = {"email": "u1@example.com", "sms": "+15550100", "push": "token-1"}
ONE = Template(subject="about $name", text="it is $name", digest=Template(subject="$count events", text="$lines"))
CATEGORIES = ("news", "comment", "security", "order", "alert")
EVERYTHING = Templates({category: dict.fromkeys(CHANNELS, ONE) for category in CATEGORIES})


def utc(text: str) -> datetime:
    """An instant, in UTC unless the text says otherwise."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class World:
    """A notifier and what it stands in."""

    def __init__(
        self,
        routes: Route,
        *,
        scripts: Mapping[str, Iterable[Outcome]] | None = None,
        store: Store | None = None,
        start: datetime = NOON,
        **given: Any,
    ) -> None:
        self.clock = ManualClock(start=start)
        self.channels = {name: FakeChannel(name, script=(scripts or {}).get(name, ())) for name in CHANNELS}
        self.directory = MemoryDirectory([Recipient("u1", ADDRESSES, zone="Europe/Berlin")])
        self.store = store or MemoryStore()
        self.events: list[NotificationEvent] = []
        self.given: dict[str, Any] = {
            "routes": routes,
            "channels": self.channels,
            "templates": EVERYTHING,
            "directory": self.directory,
            "store": self.store,
            "backoff": constant(10.0),
            "clock": self.clock,
            "rng": Random(1),
            "on_event": self.events.append,
            **given,
        }
        self.router = Notifier(**self.given)

    def again(self, **changed: Any) -> Notifier:
        """Another notifier in the same world, as after a restart."""
        return Notifier(**{**self.given, **changed})

    def notify(self, category: str = "news", recipient: str = "u1", **given: Any) -> str:
        """Tell u1 something; the receipt's id."""
        data: Mapping[str, JsonValue] = given.pop("data", {"name": "x"})
        return self.router.notify(recipient, category, data, **given).id

    def sent(self, channel: str = "email") -> list[str | None]:
        """The texts that went over a channel."""
        return [message.text for message in self.channels[channel].sent]

    def states(self, receipt_id: str) -> list[str]:
        """Where the deliveries of a receipt stand."""
        return states(self.router.deliveries(receipt_id))

    def recipient(self, **given: Any) -> None:
        """Change u1."""
        self.directory.put(Recipient("u1", **{"addresses": ADDRESSES, "zone": "Europe/Berlin", **given}))

    def run(self, seconds: float = 0.0) -> Any:
        """Let time pass, then send what is due."""
        self.clock.advance(seconds)
        return self.router.run_due()


def states(deliveries: Iterable[Delivery]) -> list[str]:
    """Where they stand."""
    return [f"{delivery.channel} {delivery.state}" for delivery in deliveries]
