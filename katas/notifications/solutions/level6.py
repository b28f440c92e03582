"""A notifier: who gets what, by which way and when, and what became of it."""

import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from interface import EPOCH, SYSTEM, Attempt, Channel, Clock, DeadLetter, Decision, Message, Recipient, Route, Store

MATCHER = re.compile(r"(\w+)(=~|!~|!=|=)(.*)")
RANKS = ("sent", "bounced", "delivered", "read")  # what providers tell; a later word is never taken back
FAILED = ("dead", "suppressed", "bounced")  # deliveries that block no key
LIVING = ("waiting", "sending", "sent", "delivered", "read")

Rows = dict[int, dict[str, Any]]


def check(route: Route, channels: Mapping[str, Channel]) -> None:
    """Refuse channels that nobody has, and what is no matcher, before anything is sent."""
    for name in route.to or ():
        if name not in channels:
            raise ValueError(f"no channel {name!r}; there are {sorted(channels)}")
    for matcher in route.match:
        if not MATCHER.fullmatch(matcher):
            raise ValueError(f"a matcher is name=value, with one of = != =~ !~, got {matcher!r}")
    if route.mode not in ("all", "fallback") or (route.mode == "fallback" and route.digest is not None):
        raise ValueError(f"a mode is 'all' or 'fallback', and only 'all' has digests, got {route.mode!r}")
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


def is_quiet(person: Recipient, instant: datetime) -> bool:
    """Whether the clock on her wall says that she is not to be disturbed."""
    if person.quiet is None:
        return False
    start, end = map(time.fromisoformat, person.quiet)
    wall = instant.astimezone(ZoneInfo(person.zone)).time()
    return start <= wall < end if start < end else wall >= start or wall < end


def promote(rows: Rows, failed: dict[str, Any], now: float) -> None:
    """The next in line has its turn, unless another one is under way or has arrived."""
    line = [row for _, row in sorted(rows.items()) if row["group"] == failed["group"]]
    rest = [row for row in line if row["state"] in ("standby", "superseded")]
    if rest and not any(row["state"] in LIVING for row in line):
        rest[0].update(state="waiting", due=now)


def supersede(rows: Rows, reached: dict[str, Any]) -> None:
    """Who waits in the same line is not needed any more."""
    for row in rows.values():
        if row["group"] == reached["group"] and row["state"] in ("standby", "waiting"):
            row["state"] = "superseded"


class Notifier:
    """Deliveries are rows, in memory or in a store; what is to be done is read off them. Safe for threads."""

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
        if routes.to is None:
            raise ValueError("the root of the routes needs a `to`")
        check(routes, channels)
        if not base > 0 or max_attempts < 1 or not dedupe > 0 or not lease > 0:
            raise ValueError("base, dedupe and lease must be above 0, max_attempts at least 1")
        for most, seconds in (limits or {}).values():
            if most < 1 or not seconds > 0:
                raise ValueError(f"a limit is (1 or more, seconds above 0), got {(most, seconds)}")
        self._channels, self._routes, self._clock = dict(channels), routes, clock
        self._base, self._max_attempts = base, max_attempts
        self._dedupe, self._limits = dedupe, dict(limits or {})
        self._epoch = datetime.fromisoformat(epoch)
        self._store, self._lease = store, math.inf if store is None else lease
        self._people: dict[str, Recipient] = {}
        self._memory: Rows = {}
        self._lock = threading.Lock()  # guards the memory; never held while a channel sends

    def put(self, recipient: Recipient) -> None:
        """Get to know a recipient, or what has changed."""
        if recipient.quiet is not None and recipient.quiet[0] == recipient.quiet[1]:
            raise ValueError(f"quiet hours that begin when they end: {recipient.quiet}")
        ZoneInfo(recipient.zone)
        self._people[recipient.id] = recipient

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
        """Decide by which ways the text goes, and keep it for `run_due`."""
        person, about = self._person(recipient), {"recipient": recipient, "category": category}
        decisions: dict[str, Decision] = {}
        with self._rows() as rows:
            now = self._clock.monotonic()
            if key is not None and self._is_known(rows, now, about, key):
                return []
            for route in resolve(self._routes, {**(labels or {}), "category": category}, ()):
                group = None
                for channel in route.to:
                    if channel in decisions:
                        continue
                    said = verdict(person, channel, category, route.mandatory)
                    if said == "send":
                        said = "standby" if group is not None else "send" if route.digest is None else "digest"
                        row = about | {"channel": channel, "mandatory": route.mandatory, "priority": priority}
                        number = self._keep(rows, now, row, said, text, key, route.digest, group)
                        group = number if group is None and route.mode == "fallback" else group
                    decisions[channel] = Decision(channel, said)
        return list(decisions.values())

    def run_due(self) -> list[Attempt]:
        """Send what is due, here and now; what was tried."""
        attempts = []
        while (claimed := self._claim()) is not None:
            fence, message = claimed
            try:
                outcome = self._channels[message.channel].send(message)
            except Exception:
                outcome = "unclear"
            except BaseException:
                self._settle(message.id, fence, None)
                raise
            self._settle(message.id, fence, outcome)
            attempts.append(Attempt(message.channel, message.to, message.text, outcome))
        return attempts

    def dead_letters(self) -> list[DeadLetter]:
        """What was given up, in the order in which it came."""
        with self._rows() as rows:
            return [
                DeadLetter(row["channel"], "\n".join(row["texts"]), row["attempts"], row["outcome"])
                for _, row in sorted(rows.items())
                if row["state"] == "dead"
            ]

    def record(self, number: int, event: str) -> str:
        """What the provider tells about a delivery; the status after it."""
        if event not in RANKS[1:]:
            raise ValueError(f"no provider says {event!r}")
        with self._rows() as rows:
            row = rows.get(number)
            if row is None or row["taken"] is None:
                raise ValueError(f"no delivery {number} was handed to a channel")
            if row["state"] not in RANKS or RANKS.index(event) > RANKS.index(row["state"]):
                row["state"] = event
                if event == "bounced":
                    promote(rows, row, self._clock.monotonic())
                else:
                    supersede(rows, row)
            return row["state"]

    def status(self, number: int) -> str:
        """Where a delivery stands."""
        with self._rows() as rows:
            if number not in rows:
                raise ValueError(f"no delivery {number}")
            return rows[number]["state"]

    def _person(self, name: str) -> Recipient:
        """Whoever was never put is reached by every channel, at his name."""
        return self._people.get(name) or Recipient(name, dict.fromkeys(self._channels, name))

    @contextmanager
    def _rows(self) -> Iterator[Rows]:
        """All deliveries by their numbers, for one step in which nobody else acts."""
        if self._store is not None:
            with self._store.transaction() as rows:
                yield rows
        else:
            with self._lock:
                yield self._memory

    def _is_known(self, rows: Rows, now: float, about: Mapping[str, str], key: str) -> bool:
        """Whether this key was kept for this category and recipient, and what was kept with it has not failed."""
        return any(
            other == key and now - at < self._dedupe
            for row in rows.values()
            if row["state"] not in FAILED and about.items() <= row.items()
            for other, at in row["keys"]
        )

    def _keep(
        self,
        rows: Rows,
        now: float,
        row: dict[str, Any],
        said: str,
        text: str,
        key: str | None,
        window: float | None,
        group: int | None,
    ) -> int:
        """Add a delivery, or its text to a digest that is open; the number of the delivery."""
        keys = ((key, now),)
        if said == "digest":
            for number, other in rows.items():
                if other["state"] == "digesting" and row.items() <= other.items():
                    other["texts"] += (text,)
                    other["keys"] += keys
                    return number
        number = max(rows, default=0) + 1
        rows[number] = {
            **row,
            "texts": (text,),
            "keys": keys,
            "state": {"send": "waiting", "digest": "digesting", "standby": "standby"}[said],
            "due": now + window if said == "digest" else now,
            "group": number if group is None else group,
            "attempts": 0,
            "outcome": None,
            "taken": None,
            "fence": 0,
            "until": None,
        }
        return number

    def _claim(self) -> tuple[int, Message] | None:
        """Make the next delivery ours that may be sent now; all questions are asked again."""
        with self._rows() as rows:
            now = self._clock.monotonic()
            for number in sorted(rows, key=lambda number: (-rows[number]["priority"], number)):
                row = rows[number]
                lost = row["state"] == "sending" and row["until"] <= now
                if row["due"] > now or not (lost or row["state"] in ("waiting", "digesting")):
                    continue
                person = self._person(row["recipient"])
                if verdict(person, row["channel"], row["category"], row["mandatory"]) != "send":
                    row["state"] = "suppressed"
                    promote(rows, row, now)  # whose number is higher, so that its turn is still to come
                    continue
                instant = self._epoch + timedelta(seconds=now)
                if (is_quiet(person, instant) and not row["mandatory"]) or self._is_full(rows, row, now):
                    continue
                row.update(state="sending", taken=now, fence=row["fence"] + 1, until=now + self._lease)
                text = "\n".join(row["texts"])
                return row["fence"], Message(row["channel"], person.addresses[row["channel"]], text, number)
        return None

    def _is_full(self, rows: Rows, row: Mapping[str, Any], now: float) -> bool:
        """Whether this recipient has got by this channel what its limit allows."""
        most, seconds = self._limits.get(row["channel"], (math.inf, 0.0))
        counted = [
            other
            for other in rows.values()
            if (other["recipient"], other["channel"]) == (row["recipient"], row["channel"])
            and other is not row
            and other["state"] in ("sending", *RANKS)
            and now - other["taken"] < seconds
        ]
        return len(counted) >= most

    def _settle(self, number: int, fence: int, outcome: str | None) -> None:
        """Write down what became of a claim, unless it is no longer the latest, or the provider has told more."""
        with self._rows() as rows:
            row, now = rows[number], self._clock.monotonic()
            if row["state"] != "sending" or row["fence"] != fence:
                return
            if outcome is None:
                row["state"] = "waiting"
                return
            if outcome == "accepted":
                row["state"] = "sent"
                supersede(rows, row)
                return
            row["attempts"] += 1
            row["outcome"] = outcome
            if outcome == "refused" or row["attempts"] >= self._max_attempts:
                row["state"] = "dead"
                promote(rows, row, now)
            else:
                row.update(state="waiting", due=now + self._base * 2 ** (row["attempts"] - 1))
