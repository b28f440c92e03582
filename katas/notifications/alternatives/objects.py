"""A notifier of objects: deliveries that know what may happen to them, routes compiled to functions, gates in a row."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from interface import EPOCH, SYSTEM, Attempt, Channel, Clock, DeadLetter, Decision, Message, Recipient, Route, Store

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]


def compiled(matcher: str) -> Test:
    """A matcher as a function."""
    parts = re.split(r"(=~|!~|!=|=)", matcher, maxsplit=1)
    if len(parts) != 3 or not re.fullmatch(r"\w+", parts[0]):
        raise ValueError(f"not a matcher: {matcher!r}")
    name, operator, value = parts
    pattern = re.compile(value if operator[-1] == "~" else re.escape(value))
    if operator[0] == "!":
        return lambda labels: not pattern.fullmatch(labels.get(name, ""))
    return lambda labels: bool(pattern.fullmatch(labels.get(name, "")))


class Node:
    """A route whose matchers and children are compiled, and whose `to` is filled in."""

    def __init__(self, route: Route, channels: Mapping[str, Channel], to: tuple[str, ...] | None) -> None:
        self.route = route
        self.to = to if route.to is None else route.to
        if self.to is None or not channels.keys() >= set(self.to):
            raise ValueError(f"a route needs channels that there are, got {self.to}")
        if route.mode not in {"all", "fallback"} or (route.mode == "fallback" and route.digest is not None):
            raise ValueError(f"a line has no digest, and no mode is called {route.mode!r}")
        self.tests = [compiled(matcher) for matcher in route.match]
        self.children = [Node(child, channels, self.to) for child in route.routes]

    def ways(self, labels: Labels) -> Iterator["Node"]:
        """The nodes that are taken."""
        alone = True
        for child in self.children:
            if all(test(labels) for test in child.tests):
                alone = False
                yield from child.ways(labels)
                if not child.route.continues:
                    return
        if alone:
            yield self


@dataclass(slots=True)
class Delivery:
    """One message on one channel, from the moment when it was kept."""

    number: int
    line: int
    recipient: str
    category: str
    channel: str
    priority: int
    mandatory: bool
    texts: tuple[str, ...]
    keys: tuple[tuple[str | None, float], ...]
    state: str
    due: float
    attempts: int = 0
    outcome: str | None = None
    handed: float | None = None
    until: float | None = None
    claim: int = 0

    @property
    def rank(self) -> int:
        """How far it has come, as far as the provider can tell."""
        return {"sent": 1, "bounced": 2, "delivered": 3, "read": 4}.get(self.state, 0)

    @property
    def has_failed(self) -> bool:
        return self.state in {"dead", "suppressed", "bounced"}

    def is_due(self, now: float) -> bool:
        if self.state == "sending":
            return self.until is not None and self.until <= now
        return self.state in {"waiting", "digesting"} and self.due <= now


class Deliveries:
    """All deliveries, as long as nobody else may touch them."""

    def __init__(self, known: dict[int, Delivery], now: float) -> None:
        self.known, self.now = known, now

    def add(self, **facts: object) -> Delivery:
        number = len(self.known) + 1
        delivery = self.known[number] = Delivery(number=number, line=facts.pop("line") or number, **facts)
        return delivery

    def line(self, delivery: Delivery) -> list[Delivery]:
        return [other for _, other in sorted(self.known.items()) if other.line == delivery.line]

    def fails(self, delivery: Delivery, state: str) -> None:
        """It is over, and the next in line is asked for if all that had their turn have failed."""
        delivery.state = state
        line = self.line(delivery)
        spare = [other for other in line if other.state in {"standby", "superseded"}]
        if spare and all(other.has_failed or other in spare for other in line):
            spare[0].state, spare[0].due = "waiting", self.now

    def arrives(self, delivery: Delivery, state: str) -> None:
        """It has done what the line is for."""
        delivery.state = state
        for other in self.line(delivery):
            if other.state in {"standby", "waiting"}:
                other.state = "superseded"


class Notifier:
    """Asks gates, one after the other, whether a delivery may leave; the first that says no keeps it."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        routes: Route,
        clock: Clock = SYSTEM,
        base: float = 1.0,
        max_attempts: int = 3,
        dedupe: float = 86_400.0,
        limits: Mapping[str, tuple[int, float]] | None = None,
        epoch: str = EPOCH,
        store: Store | None = None,
        lease: float = 30.0,
    ) -> None:
        limits = dict(limits or {})
        if min(base, dedupe, lease, *(seconds for _, seconds in limits.values())) <= 0:
            raise ValueError("base, dedupe, lease and the seconds of limits are above 0")
        if min(max_attempts, *(most for most, _ in limits.values()), 1) < 1:
            raise ValueError("max_attempts and limits are 1 or more")
        self.root = Node(routes, channels, None)
        self.channels, self.clock = dict(channels), clock
        self.epoch = datetime.fromisoformat(epoch)
        self.base, self.max_attempts, self.dedupe, self.limits = base, max_attempts, dedupe, limits
        self.store, self.lease = store, lease
        self.memory: dict[int, Delivery] = {}
        self.lock = threading.Lock()
        self.recipients: dict[str, Recipient] = {}
        self.gates = [self.is_awake, self.has_room]

    @contextmanager
    def deliveries(self) -> Iterator[Deliveries]:
        """All of them, for one step."""
        if self.store is None:
            with self.lock:
                yield Deliveries(self.memory, self.clock.monotonic())
            return
        with self.store.transaction() as rows:
            known = {number: Delivery(**row) for number, row in rows.items()}
            yield Deliveries(known, self.clock.monotonic())
            rows.update({number: asdict(delivery) for number, delivery in known.items()})

    def put(self, recipient: Recipient) -> None:
        ZoneInfo(recipient.zone)
        if recipient.quiet and len(set(recipient.quiet)) < 2:
            raise ValueError(f"a night without length: {recipient.quiet}")
        self.recipients[recipient.id] = recipient

    def get(self, name: str) -> Recipient:
        return self.recipients.get(name) or Recipient(name, {channel: name for channel in self.channels})

    def asked(self, recipient: str, category: str, channel: str, mandatory: bool) -> str:
        """What this recipient says to this channel now."""
        person = self.get(recipient)
        if channel not in person.addresses:
            return "no_address"
        for wishes, key in (
            (person.pairs, (category, channel)),
            (person.categories, category),
            (person.channels, channel),
        ):
            if key in wishes:
                return "send" if wishes[key] or mandatory else "opted_out"
        return "send"

    def notify(
        self,
        recipient: str,
        category: str,
        text: str,
        *,
        labels: Labels | None = None,
        priority: int = 0,
        key: str | None = None,
    ) -> list[Decision]:
        said: dict[str, str] = {}
        with self.deliveries() as all_:
            if key is not None and self.is_duplicate(all_, recipient, category, key):
                return []
            for node in self.root.ways({**(labels or {}), "category": category}):
                route, first = node.route, None
                for channel in node.to:
                    if channel in said:
                        continue
                    said[channel] = self.asked(recipient, category, channel, route.mandatory)
                    if said[channel] != "send":
                        continue
                    facts = {
                        "recipient": recipient,
                        "category": category,
                        "channel": channel,
                        "priority": priority,
                        "mandatory": route.mandatory,
                    }
                    if route.digest is not None:
                        said[channel] = "digest"
                        self.collect(all_, facts, text, key, route.digest)
                        continue
                    if first is not None and route.mode == "fallback":
                        said[channel] = "standby"
                    state = "standby" if said[channel] == "standby" else "waiting"
                    line = first.line if state == "standby" else 0
                    keys = ((key, all_.now),)
                    made = all_.add(**facts, texts=(text,), keys=keys, state=state, due=all_.now, line=line)
                    first = first or made
        return [Decision(channel, word) for channel, word in said.items()]

    def is_duplicate(self, all_: Deliveries, recipient: str, category: str, key: str) -> bool:
        held = {
            had
            for delivery in all_.known.values()
            if (delivery.recipient, delivery.category) == (recipient, category) and not delivery.has_failed
            for had, at in delivery.keys
            if all_.now < at + self.dedupe
        }
        return key in held

    def collect(self, all_: Deliveries, facts: dict[str, object], text: str, key: str | None, seconds: float) -> None:
        """Into the digest that is open, or a new one."""
        for delivery in all_.known.values():
            if delivery.state == "digesting" and all(getattr(delivery, name) == facts[name] for name in facts):
                delivery.texts = (*delivery.texts, text)
                delivery.keys = (*delivery.keys, (key, all_.now))
                return
        due, keys = all_.now + seconds, ((key, all_.now),)
        all_.add(**facts, texts=(text,), keys=keys, state="digesting", due=due, line=0)

    def is_awake(self, all_: Deliveries, delivery: Delivery) -> bool:
        person = self.get(delivery.recipient)
        if delivery.mandatory or person.quiet is None:
            return True
        wall = (self.epoch + timedelta(seconds=all_.now)).astimezone(ZoneInfo(person.zone)).strftime("%H:%M")
        first, last = person.quiet
        if first < last:
            return not first <= wall < last
        return last <= wall < first

    def has_room(self, all_: Deliveries, delivery: Delivery) -> bool:
        if delivery.channel not in self.limits:
            return True
        most, seconds = self.limits[delivery.channel]
        for other in all_.known.values():
            alike = (other.recipient, other.channel) == (delivery.recipient, delivery.channel)
            counts = other.rank > 0 or (other.state == "sending" and other is not delivery)
            if alike and counts and other.handed + seconds > all_.now:
                most -= 1
        return most > 0

    def claim(self) -> tuple[int, Message] | None:
        """Take what is to be sent now."""
        with self.deliveries() as all_:
            order = sorted(all_.known.values(), key=lambda delivery: (-delivery.priority, delivery.number))
            for delivery in order:
                if not delivery.is_due(all_.now):
                    continue
                asked = (delivery.recipient, delivery.category, delivery.channel, delivery.mandatory)
                if self.asked(*asked) != "send":
                    all_.fails(delivery, "suppressed")
                elif all(gate(all_, delivery) for gate in self.gates):
                    delivery.state, delivery.handed = "sending", all_.now
                    delivery.until = None if self.store is None else all_.now + self.lease
                    delivery.claim += 1
                    to = self.get(delivery.recipient).addresses[delivery.channel]
                    return delivery.claim, Message(delivery.channel, to, "\n".join(delivery.texts), delivery.number)
        return None

    def run_due(self) -> list[Attempt]:
        tried = []
        while claimed := self.claim():
            claim, message = claimed
            outcome = None
            try:
                outcome = self.channels[message.channel].send(message)
            except Exception:
                outcome = "unclear"
            finally:
                self.settle(claim, message.id, outcome)
            tried.append(Attempt(message.channel, message.to, message.text, outcome))
        return tried

    def settle(self, claim: int, number: int, outcome: str | None) -> None:
        with self.deliveries() as all_:
            delivery = all_.known[number]
            if (delivery.state, delivery.claim) != ("sending", claim):
                return
            if outcome == "accepted":
                all_.arrives(delivery, "sent")
                return
            delivery.state = "waiting"
            if outcome is None:
                return
            delivery.outcome = outcome
            delivery.due = all_.now + self.base * 2**delivery.attempts
            delivery.attempts += 1
            if outcome == "refused" or delivery.attempts == self.max_attempts:
                all_.fails(delivery, "dead")

    def dead_letters(self) -> list[DeadLetter]:
        with self.deliveries() as all_:
            dead = [delivery for _, delivery in sorted(all_.known.items()) if delivery.state == "dead"]
        return [DeadLetter(it.channel, "\n".join(it.texts), it.attempts, it.outcome) for it in dead]

    def status(self, number: int) -> str:
        with self.deliveries() as all_:
            if number not in all_.known:
                raise ValueError(f"no delivery {number}")
            return all_.known[number].state

    def record(self, number: int, event: str) -> str:
        self.status(number)
        with self.deliveries() as all_:
            delivery = all_.known[number]
            rank = {"bounced": 2, "delivered": 3, "read": 4}.get(event)
            if rank is None or delivery.handed is None:
                raise ValueError(f"{event!r} cannot be said of delivery {number}")
            if rank > delivery.rank:
                (all_.fails if event == "bounced" else all_.arrives)(delivery, event)
            return delivery.state
