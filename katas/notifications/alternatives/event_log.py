"""A notifier that only writes down what has happened; where a delivery stands is read off the log, each time anew."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from interface import EPOCH, SYSTEM, Attempt, Channel, Clock, DeadLetter, Decision, Message, Recipient, Route, Store

WORDS = ["sent", "bounced", "delivered", "read"]


class Log:
    """What has happened, in order, and the deliveries that follow from it."""

    def __init__(self, events: dict[int, dict[str, Any]], now: float) -> None:
        self.now, self._events = now, events
        self.deliveries: list[SimpleNamespace] = []
        for _, event in sorted(events.items()):
            self._apply(event)

    def write(self, what: str, **facts: Any) -> None:
        """One more thing has happened."""
        event = {"what": what, "at": self.now, **facts}
        self._events[len(self._events) + 1] = event
        self._apply(event)

    def _apply(self, event: Mapping[str, Any]) -> None:
        facts = {name: fact for name, fact in event.items() if name not in {"what", "of", "at"}}
        getattr(self, f"_{event['what']}")(
            self.deliveries[event["of"] - 1] if "of" in event else None, event["at"], **facts
        )

    def _kept(self, _: None, at: float, text: str, key: str | None, line: int, **facts: Any) -> None:
        number = len(self.deliveries) + 1
        made = SimpleNamespace(number=number, line=line or number, attempts=0, fence=0, taken=None, **facts)
        made.texts, made.keys = [text], {(key, at)}
        self.deliveries.append(made)

    def _joined(self, it: Any, at: float, text: str, key: str | None) -> None:
        it.texts.append(text)
        it.keys.add((key, at))

    def _claimed(self, it: Any, at: float, until: float | None) -> None:
        it.state, it.taken, it.until, it.fence = "sending", at, until, it.fence + 1

    def _released(self, it: Any, at: float) -> None:
        it.state = "waiting"

    def _failed(self, it: Any, at: float, outcome: str, wait: float | None) -> None:
        it.attempts, it.outcome = it.attempts + 1, outcome
        if wait is None:
            self._gone(it, at, "dead")
        else:
            it.state, it.due = "waiting", at + wait

    def _gone(self, it: Any, at: float, state: str) -> None:
        it.state = state
        line = [other for other in self.deliveries if other.line == it.line]
        spare = [other for other in line if other.state in ("standby", "superseded")]
        if spare and not any(other.state in ("waiting", "sending", "sent", "delivered", "read") for other in line):
            spare[0].state, spare[0].due = "waiting", at

    def _arrived(self, it: Any, at: float, state: str) -> None:
        it.state = state
        for other in self.deliveries:
            if other.line == it.line and other.state in ("standby", "waiting"):
                other.state = "superseded"

    def find(self, number: int) -> SimpleNamespace:
        if number < 1 or number > len(self.deliveries):
            raise ValueError(f"no delivery {number}")
        return self.deliveries[number - 1]


def follow(route: Route, labels: Mapping[str, str], to: tuple[str, ...]) -> Iterator[tuple[Route, tuple[str, ...]]]:
    """The routes that are taken, and their channels."""
    to = route.to if route.to is not None else to
    none = True
    for child in route.routes:
        if not all(holds(matcher, labels) for matcher in child.match):
            continue
        none = False
        yield from follow(child, labels, to)
        if not child.continues:
            break
    if none:
        yield route, to


def holds(matcher: str, labels: Mapping[str, str]) -> bool:
    found = re.fullmatch(r"(\w+)(=~|!~|!=|=)(.*)", matcher)
    match found.groups() if found else ():
        case name, "=", value:
            return labels.get(name, "") == value
        case name, "!=", value:
            return labels.get(name, "") != value
        case name, "=~", value:
            return re.fullmatch(value, labels.get(name, "")) is not None
        case name, "!~", value:
            return re.fullmatch(value, labels.get(name, "")) is None
    raise ValueError(f"not a matcher: {matcher!r}")


def proven(route: Route, channels: Mapping[str, Channel]) -> None:
    """Ask every matcher and every channel once."""
    for matcher in route.match:
        holds(matcher, {})
    for channel in route.to or ():
        if channel not in channels:
            raise ValueError(f"no channel {channel!r}")
    if route.mode not in ("all", "fallback") or (route.mode == "fallback" and route.digest is not None):
        raise ValueError(f"mode {route.mode!r}, digest {route.digest}")
    for child in route.routes:
        proven(child, channels)


class Notifier:
    """Asks the log what is to be done, and writes into it what was."""

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
        proven(routes, channels)
        if routes.to is None:
            raise ValueError("the root needs channels, or the empty tuple")
        for name, value in {"base": base, "dedupe": dedupe, "lease": lease, "max_attempts": max_attempts}.items():
            if value <= 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        self._limits = {}
        for name, (most, seconds) in (limits or {}).items():
            if most <= 0 or seconds <= 0:
                raise ValueError(f"the limit of {name} must be above 0")
            self._limits[name] = (most, seconds)
        self._channels, self._routes, self._clock = {**channels}, routes, clock
        self._epoch = datetime.fromisoformat(epoch)
        self._base, self._max_attempts, self._dedupe, self._lease = base, max_attempts, dedupe, lease
        self._store, self._events, self._turn = store, {}, threading.Lock()
        self._book: dict[str, Recipient] = {}

    @contextmanager
    def _log(self) -> Iterator[Log]:
        if self._store is None:
            with self._turn:
                yield Log(self._events, self._clock.monotonic())
        else:
            with self._store.transaction() as rows:
                yield Log(rows, self._clock.monotonic())

    def put(self, recipient: Recipient) -> None:
        ZoneInfo(recipient.zone)
        if recipient.quiet is not None and time.fromisoformat(recipient.quiet[0]) == time.fromisoformat(
            recipient.quiet[1]
        ):
            raise ValueError("no time at all, or all the time?")
        self._book[recipient.id] = recipient

    def _look_up(self, name: str) -> Recipient:
        everywhere = {channel: name for channel in self._channels}
        return self._book.get(name, Recipient(name, everywhere))

    def _wanted(self, name: str, category: str, channel: str, mandatory: bool) -> str:
        person = self._look_up(name)
        if channel not in person.addresses:
            return "no_address"
        if mandatory:
            return "send"
        if (category, channel) in person.pairs:
            wanted = person.pairs[category, channel]
        elif category in person.categories:
            wanted = person.categories[category]
        else:
            wanted = person.channels.get(channel, True)
        return "send" if wanted else "opted_out"

    def notify(
        self,
        recipient: str,
        category: str,
        text: str,
        *,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        key: str | None = None,
    ) -> list[Decision]:
        decisions: list[Decision] = []
        with self._log() as log:
            for it in log.deliveries:
                mine = (it.recipient, it.category) == (recipient, category)
                if key is None or not mine or it.state in ("dead", "suppressed", "bounced"):
                    continue
                if any(had == key and log.now < at + self._dedupe for had, at in it.keys):
                    return []
            for route, to in follow(self._routes, {**(labels or {}), "category": category}, ()):
                line = 0
                for channel in to:
                    if channel in [decision.channel for decision in decisions]:
                        continue
                    said = self._wanted(recipient, category, channel, route.mandatory)
                    if said == "send":
                        said = "standby" if line else "digest" if route.digest is not None else "send"
                        facts = {"recipient": recipient, "category": category, "channel": channel}
                        facts |= {"priority": priority, "mandatory": route.mandatory}
                        self._keep(log, said, facts, route, line, text=text, key=key)
                        if route.mode == "fallback" and not line:
                            line = len(log.deliveries)
                    decisions.append(Decision(channel, said))
        return decisions

    def _keep(self, log: Log, said: str, facts: dict[str, Any], route: Route, line: int, **news: Any) -> None:
        if said == "digest":
            for it in log.deliveries:
                if it.state == "digesting" and all(vars(it)[name] == fact for name, fact in facts.items()):
                    log.write("joined", of=it.number, **news)
                    return
        state = {"send": "waiting", "standby": "standby", "digest": "digesting"}[said]
        due = log.now + (route.digest if said == "digest" else 0.0)
        log.write("kept", **news, line=line, **facts, state=state, due=due, outcome=None, until=None)

    def run_due(self) -> list[Attempt]:
        done: list[Attempt] = []
        while True:
            with self._log() as log:
                it = self._first(log)
                if it is None:
                    return done
                log.write("claimed", of=it.number, until=None if self._store is None else log.now + self._lease)
                to, fence = self._look_up(it.recipient).addresses[it.channel], it.fence
                message = Message(it.channel, to, "\n".join(it.texts), it.number)
            try:
                outcome = self._channels[message.channel].send(message)
            except Exception:
                outcome = "unclear"
            except BaseException:
                with self._latest(message.id, fence) as (log, it):
                    if it is not None:
                        log.write("released", of=it.number)
                raise
            with self._latest(message.id, fence) as (log, it):
                if it is not None:
                    self._settle(log, it, outcome)
            done.append(Attempt(message.channel, to, message.text, outcome))

    def _first(self, log: Log) -> SimpleNamespace | None:
        """What is to be sent now; what is found unwanted on the way is written down as such."""
        for it in sorted(log.deliveries, key=lambda it: it.priority, reverse=True):
            lost = it.state == "sending" and it.until is not None and it.until <= log.now
            if not (lost or (it.state in ("waiting", "digesting") and it.due <= log.now)):
                continue
            if self._wanted(it.recipient, it.category, it.channel, it.mandatory) != "send":
                log.write("gone", of=it.number, state="suppressed")
            elif not self._sleeps(log, it) and not self._has_enough(log, it):
                return it
        return None

    def _sleeps(self, log: Log, it: SimpleNamespace) -> bool:
        person = self._look_up(it.recipient)
        if it.mandatory or person.quiet is None:
            return False
        local = (self._epoch + timedelta(seconds=log.now)).astimezone(ZoneInfo(person.zone))
        starts, ends = (datetime.combine(local.date(), time.fromisoformat(text)) for text in person.quiet)
        wall = local.replace(tzinfo=None)
        return (starts <= wall) + (wall < ends) + (ends < starts) == 2

    def _has_enough(self, log: Log, it: SimpleNamespace) -> bool:
        if it.channel not in self._limits:
            return False
        most, seconds = self._limits[it.channel]
        alike = [
            one
            for one in log.deliveries
            if (one.recipient, one.channel) == (it.recipient, it.channel) and one is not it
        ]
        counted = [one.taken for one in alike if one.state in ("sending", *WORDS) and log.now < one.taken + seconds]
        return len(counted) >= most

    @contextmanager
    def _latest(self, number: int, fence: int) -> Iterator[tuple[Log, SimpleNamespace | None]]:
        """The delivery, if this claim of it is the latest, and still of interest."""
        with self._log() as log:
            it = log.find(number)
            yield log, it if it.fence == fence and it.state == "sending" else None

    def _settle(self, log: Log, it: SimpleNamespace, outcome: str) -> None:
        if outcome == "accepted":
            log.write("arrived", of=it.number, state="sent")
            return
        last = outcome == "refused" or it.attempts + 1 >= self._max_attempts
        log.write("failed", of=it.number, outcome=outcome, wait=None if last else self._base * 2**it.attempts)

    def dead_letters(self) -> list[DeadLetter]:
        with self._log() as log:
            dead = [it for it in log.deliveries if it.state == "dead"]
            return [DeadLetter(it.channel, "\n".join(it.texts), it.attempts, it.outcome) for it in dead]

    def status(self, number: int) -> str:
        with self._log() as log:
            return log.find(number).state

    def record(self, number: int, event: str) -> str:
        with self._log() as log:
            it = log.find(number)
            if it.taken is None or event not in WORDS[1:]:
                raise ValueError(f"delivery {number} cannot be {event!r}")
            before = WORDS.index(it.state) if it.state in WORDS else -1
            if WORDS.index(event) > before:
                log.write("gone" if event == "bounced" else "arrived", of=number, state=event)
            return log.find(number).state
