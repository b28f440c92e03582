"""A notifier: who gets what, and by which way."""

import re
from collections.abc import Mapping
from dataclasses import replace

from interface import SYSTEM, Attempt, Channel, Clock, Decision, Message, Route

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
            break
    return taken or [replace(route, to=to)]


class Notifier:
    """Messages in a list, until they are sent."""

    def __init__(self, *, channels: Mapping[str, Channel], routes: Route, clock: Clock = SYSTEM) -> None:
        if routes.to is None:
            raise ValueError("the root of the routes needs a `to`")
        check(routes, channels)
        self._channels, self._routes = dict(channels), routes
        self._waiting: list[Message] = []

    def notify(
        self, recipient: str, category: str, text: str, *, labels: Mapping[str, str] | None = None
    ) -> list[Decision]:
        """Decide by which ways the text goes, and keep it for `run_due`."""
        taken = resolve(self._routes, {**(labels or {}), "category": category}, ())
        names = dict.fromkeys(name for route in taken for name in route.to)
        self._waiting += [Message(name, recipient, text) for name in names]
        return [Decision(name, "send") for name in names]

    def run_due(self) -> list[Attempt]:
        """Send what waits; what was tried."""
        attempts = []
        while self._waiting:
            message = self._waiting.pop(0)
            outcome = self._channels[message.channel].send(message)
            attempts.append(Attempt(message.channel, message.to, message.text, outcome))
        return attempts
