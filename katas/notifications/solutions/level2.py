"""A notifier: who gets what, and by which way."""

import re
from collections.abc import Mapping
from dataclasses import replace

from interface import SYSTEM, Attempt, Channel, Clock, Decision, Message, Recipient, Route

MATCHER = re.compile(r"(\w+)(=~|!~|!=|=)(.*)")


def check(route: Route, channels: Mapping[str, Channel]) -> None:
    """Refuse channels that nobody has, and what is no matcher, before anything is sent."""
    for name in route.to or ():
        if name not in channels:
            raise ValueError(f"no channel {name!r}; there are {sorted(channels)}")
    for matcher in route.match:
        if not MATCHER.fullmatch(matcher):
            raise ValueError(f"a matcher is name=value, with one of = != =~ !~, got {matcher!r}")
    for child in route.routes:
        check(child, channels)


def matches(route: Route, labels: Mapping[str, str]) -> bool:
    """Whether all matchers of a route agree with the labels."""
    for matcher in route.match:
        name, operator, wanted = MATCHER.fullmatch(matcher).groups()
        value = labels.get(name, "")
        found = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
        if found == operator.startswith("!"):
            return False
    return True


def resolve(route: Route, labels: Mapping[str, str], to: tuple[str, ...]) -> list[Route]:
    """The routes that are taken, depth first, each with its `to`."""
    to = to if route.to is None else route.to
    taken: list[Route] = []
    for child in route.routes:
        if matches(child, labels):
            taken += resolve(child, labels, to)
            if not child.continues:
                break
    return taken or [replace(route, to=to)]


def verdict(person: Recipient, channel: str, category: str, mandatory: bool) -> str:
    """Whether a person can be reached, and wants to be."""
    if channel not in person.addresses:
        return "no_address"
    wish = person.channels.get(channel, True)
    wish = person.categories.get(category, wish)
    wish = person.pairs.get((category, channel), wish)
    return "send" if wish or mandatory else "opted_out"


class Notifier:
    """Messages in a list, until they are sent; the most urgent is looked for."""

    def __init__(self, *, channels: Mapping[str, Channel], routes: Route, clock: Clock = SYSTEM) -> None:
        if routes.to is None:
            raise ValueError("the root of the routes needs a `to`")
        check(routes, channels)
        self._channels, self._routes = dict(channels), routes
        self._people: dict[str, Recipient] = {}
        self._waiting: list[tuple[int, Message]] = []  # with their priorities

    def put(self, recipient: Recipient) -> None:
        """Get to know a recipient, or what has changed."""
        self._people[recipient.id] = recipient

    def notify(
        self,
        recipient: str,
        category: str,
        text: str,
        *,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
    ) -> list[Decision]:
        """Decide by which ways the text goes, and keep it for `run_due`."""
        person, decisions = self._person(recipient), {}
        for route in resolve(self._routes, {**(labels or {}), "category": category}, ()):
            for channel in route.to:
                if channel in decisions:
                    continue
                said = verdict(person, channel, category, route.mandatory)
                if said == "send":
                    self._waiting.append((priority, Message(channel, person.addresses[channel], text)))
                decisions[channel] = Decision(channel, said)
        return list(decisions.values())

    def run_due(self) -> list[Attempt]:
        """Send what waits; what was tried."""
        attempts = []
        while self._waiting:
            first = max(self._waiting, key=lambda waiting: waiting[0])  # the earliest of equals
            self._waiting.remove(first)
            message = first[1]
            outcome = self._channels[message.channel].send(message)
            attempts.append(Attempt(message.channel, message.to, message.text, outcome))
        return attempts

    def _person(self, name: str) -> Recipient:
        """Whoever was never put is reached by every channel, at his name."""
        return self._people.get(name) or Recipient(name, dict.fromkeys(self._channels, name))
