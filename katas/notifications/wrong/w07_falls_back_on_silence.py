"""A notifier: who gets what, by which way and when, and what became of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interface import SYSTEM, Attempt, Channel, Clock, DeadLetter, Decision, Message, Recipient, Route

MATCHER = re.compile(r"(\w+)(=~|!~|!=|=)(.*)")

Rows = dict[int, dict[str, Any]]


def check(route: Route, channels: Mapping[str, Channel]) -> None:
    """Refuse channels that nobody has, and what is no matcher, before anything is sent."""
    for name in route.to or ():
        if name not in channels:
            raise ValueError(f"no channel {name!r}; there are {sorted(channels)}")
    for matcher in route.match:
        if not MATCHER.fullmatch(matcher):
            raise ValueError(f"a matcher is name=value, with one of = != =~ !~, got {matcher!r}")
    if route.mode not in ("all", "fallback"):
        raise ValueError(f"a mode is 'all' or 'fallback', got {route.mode!r}")
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


def promote(rows: Rows, failed: dict[str, Any], now: float) -> None:
    """The next channel of a fallback, if there is one, has its turn."""
    for number in sorted(rows):
        row = rows[number]
        if row["group"] == failed["group"] and row["state"] == "standby":
            row.update(state="waiting", due=now)
            return


def supersede(rows: Rows, reached: dict[str, Any]) -> None:
    """The other channels of a fallback are not needed any more."""
    for row in rows.values():
        if row["group"] == reached["group"] and row["state"] == "standby":
            row["state"] = "superseded"


class Notifier:
    """Deliveries are rows; what is to be done is read off them."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        routes: Route,
        clock: Clock = SYSTEM,
        base: float = 1.0,
        max_attempts: int = 3,
    ) -> None:
        if routes.to is None:
            raise ValueError("the root of the routes needs a `to`")
        check(routes, channels)
        if not base > 0 or max_attempts < 1:
            raise ValueError("base must be above 0, max_attempts at least 1")
        self._channels, self._routes, self._clock = dict(channels), routes, clock
        self._base, self._max_attempts = base, max_attempts
        self._people: dict[str, Recipient] = {}
        self._rows: Rows = {}

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
            group = None
            for channel in route.to:
                if channel in decisions:
                    continue
                said = verdict(person, channel, category, route.mandatory)
                if said == "send":
                    said = "send" if group is None else "standby"
                    row = {"recipient": recipient, "channel": channel, "priority": priority, "text": text}
                    number = self._keep(row, said, group)
                    group = number if group is None and route.mode == "fallback" else group
                decisions[channel] = Decision(channel, said)
        return list(decisions.values())

    def run_due(self) -> list[Attempt]:
        """Send what is due, here and now; what was tried."""
        attempts = []
        while (claimed := self._claim()) is not None:
            number, message = claimed
            try:
                outcome = self._channels[message.channel].send(message)
            except Exception:
                outcome = "unclear"
            except BaseException:
                self._settle(number, None)
                raise
            self._settle(number, outcome)
            attempts.append(Attempt(message.channel, message.to, message.text, outcome))
        return attempts

    def dead_letters(self) -> list[DeadLetter]:
        """What was given up, in the order in which it came."""
        return [
            DeadLetter(row["channel"], row["text"], row["attempts"], row["outcome"])
            for row in self._rows.values()
            if row["state"] == "dead"
        ]

    def _person(self, name: str) -> Recipient:
        """Whoever was never put is reached by every channel, at his name."""
        return self._people.get(name) or Recipient(name, dict.fromkeys(self._channels, name))

    def _keep(self, row: dict[str, Any], said: str, group: int | None) -> int:
        """Add a delivery; its number."""
        number = len(self._rows) + 1
        self._rows[number] = {
            **row,
            "state": "waiting" if said == "send" else "standby",
            "due": self._clock.monotonic(),
            "group": number if group is None else group,
            "attempts": 0,
            "outcome": None,
        }
        return number

    def _claim(self) -> tuple[int, Message] | None:
        """Make the next delivery ours that may be sent now."""
        now = self._clock.monotonic()
        due = [number for number, row in self._rows.items() if row["state"] == "waiting" and row["due"] <= now]
        if not due:
            return None
        number = min(due, key=lambda number: (-self._rows[number]["priority"], number))
        row = self._rows[number]
        row["state"] = "sending"
        return number, Message(row["channel"], self._person(row["recipient"]).addresses[row["channel"]], row["text"])

    def _settle(self, number: int, outcome: str | None) -> None:
        """Write down what became of a claim."""
        row, now = self._rows[number], self._clock.monotonic()
        if outcome is None:
            row["state"] = "waiting"
            return
        if outcome == "accepted":
            row["state"] = "sent"
            supersede(self._rows, row)
            return
        row["attempts"] += 1
        row["outcome"] = outcome
        if outcome == "unclear":
            promote(self._rows, row, now)
        if outcome == "refused" or row["attempts"] >= self._max_attempts:
            row["state"] = "dead"
            promote(self._rows, row, now)
        else:
            row.update(state="waiting", due=now + self._base * 2 ** (row["attempts"] - 1))
