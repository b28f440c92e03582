"""A notifier with a pure core: frozen deliveries in a tuple, functions from one tuple to the next, a thin shell."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from interface import EPOCH, SYSTEM, Attempt, Channel, Clock, DeadLetter, Decision, Message, Recipient, Route, Store

A = TypeVar("A")
PROGRESS = {"sent": 1, "bounced": 2, "delivered": 3, "read": 4}


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as it is now."""

    who: tuple[str, str, str, int]  # recipient, category, channel, priority
    mandatory: bool
    texts: tuple[str, ...]
    keys: tuple[tuple[str | None, float], ...]
    state: str
    due: float
    group: int
    attempts: int = 0
    outcome: str = ""
    taken: float | None = None
    until: float = 0.0
    fence: int = 0


Table = tuple[Row, ...]  # the delivery with the number n stands at n - 1


class World(NamedTuple):
    """What the core must know, and does not look up by itself."""

    now: float
    instant: datetime
    people: Callable[[str], Recipient]
    limits: Mapping[str, tuple[int, float]]


# -- the core ------------------------------------------------------------------------------------------------------


def ways(route: Route, labels: Mapping[str, str], above: Route | None = None) -> tuple[Route, ...]:
    """The routes that are taken."""
    here = route if route.to is not None or above is None else replace(route, to=above.to)
    below: tuple[Route, ...] = ()
    for child in route.routes:
        if all(agrees(matcher, labels) for matcher in child.match):
            below += ways(child, labels, here)
            if not child.continues:
                return below
    return below or (here,)


def agrees(matcher: str, labels: Mapping[str, str]) -> bool:
    name, negated, regex, value = re.match(r"(\w+)(!?)=?(~?)(.*)", matcher).groups()
    pattern = value if regex else re.escape(value)
    return bool(re.fullmatch(pattern, labels.get(name, ""))) != bool(negated)


def wish(person: Recipient, category: str, channel: str, mandatory: bool) -> str:
    if channel not in person.addresses:
        return "no_address"
    said = (person.channels.get(channel), person.categories.get(category), person.pairs.get((category, channel)))
    *_, last = True, *(word for word in said if word is not None)
    return "send" if mandatory or last else "opted_out"


def put_in(table: Table, at: int, **changes: object) -> Table:
    """The table with another row at this place."""
    return (*table[:at], replace(table[at], **changes), *table[at + 1 :])


def fail(table: Table, at: int, now: float, **changes: object) -> Table:
    """A delivery is over; if its line has nobody else, the next one of it begins."""
    table = put_in(table, at, **changes)
    line = [place for place, row in enumerate(table) if row.group == table[at].group]
    states = {table[place].state for place in line}
    if states & {"waiting", "sending", "sent", "delivered", "read"}:
        return table
    for place in line:
        if table[place].state in {"standby", "superseded"}:
            return put_in(table, place, state="waiting", due=now)
    return table


def arrive(table: Table, at: int, state: str) -> Table:
    """A delivery has reached its recipient, and its line is done."""
    group = table[at].group
    rest = tuple(
        replace(row, state="superseded") if row.group == group and row.state in {"standby", "waiting"} else row
        for row in table
    )
    return put_in(rest, at, state=state)


def add(table: Table, row: Row) -> Table:
    """A new delivery; a text for an open digest goes there."""
    for place, other in enumerate(table):
        if row.state == other.state == "digesting" and (row.who, row.mandatory) == (other.who, other.mandatory):
            return put_in(table, place, texts=other.texts + row.texts, keys=other.keys + row.keys)
    return (*table, row if row.group else replace(row, group=len(table) + 1))


def is_duplicate(table: Table, recipient: str, category: str, key: str, after: float) -> bool:
    return any(
        row.who[:2] == (recipient, category) and had == key and at > after
        for row in table
        if row.state not in {"dead", "suppressed", "bounced"}
        for had, at in row.keys
    )


def is_held_back(table: Table, at: int, world: World) -> bool:
    """By the night, or by a limit."""
    recipient, _, channel, _ = table[at].who
    person = world.people(recipient)
    if person.quiet is not None and not table[at].mandatory:
        local = world.instant.astimezone(ZoneInfo(person.zone))
        minute = local.hour * 60 + local.minute
        first, last = (int(text[:2]) * 60 + int(text[3:]) for text in person.quiet)
        if (minute - first) % 1440 < (last - first) % 1440:
            return True
    if channel not in world.limits:
        return False
    most, seconds = world.limits[channel]
    counted = [
        place
        for place, row in enumerate(table)
        if (row.who[0], row.who[2]) == (recipient, channel)
        and (row.state in PROGRESS or (row.state == "sending" and place != at))
        and world.now < row.taken + seconds
    ]
    return len(counted) >= most


def claim(table: Table, world: World, until: float) -> tuple[Table, int | None]:
    """The delivery that is to be sent now is marked; its place, or None."""
    for at in sorted(range(len(table)), key=lambda place: (-table[place].who[3], place)):
        row = table[at]
        free = row.until <= world.now if row.state == "sending" else row.state in {"waiting", "digesting"}
        if not free or row.due > world.now:
            continue
        recipient, category, channel, _ = row.who
        if wish(world.people(recipient), category, channel, row.mandatory) != "send":
            table = fail(table, at, world.now, state="suppressed")
        elif not is_held_back(table, at, world):
            return put_in(table, at, state="sending", taken=world.now, until=until, fence=row.fence + 1), at
    return table, None


def settle(table: Table, at: int, fence: int, outcome: str | None, now: float, base: float, most: int) -> Table:
    """What became of an attempt."""
    row = table[at]
    if row.state != "sending" or row.fence != fence:
        return table
    if outcome is None:
        return put_in(table, at, state="waiting")
    if outcome == "accepted":
        return arrive(table, at, "sent")
    attempts = row.attempts + 1
    if outcome == "refused" or attempts == most:
        return fail(table, at, now, state="dead", attempts=attempts, outcome=outcome)
    due = now + base * 2**row.attempts
    return put_in(table, at, state="waiting", attempts=attempts, outcome=outcome, due=due)


def hear(table: Table, at: int, event: str, now: float) -> Table:
    """What a provider tells."""
    if PROGRESS[event] <= PROGRESS.get(table[at].state, 0):
        return table
    return fail(table, at, now, state=event) if event == "bounced" else arrive(table, at, event)


# -- the shell -----------------------------------------------------------------------------------------------------


def packed(row: Row) -> str:
    return json.dumps([getattr(row, name) for name in Row.__slots__])


def unpacked(text: str) -> Row:
    who, mandatory, texts, keys, *rest = json.loads(text)
    return Row(tuple(who), mandatory, tuple(texts), tuple((key, at) for key, at in keys), *rest)


def refuse(route: Route, channels: Mapping[str, Channel]) -> None:
    for matcher in route.match:
        if re.fullmatch(r"\w+(=~|!~|!=|=).*", matcher) is None:
            raise ValueError(matcher)
    if not set(route.to or ()) <= set(channels):
        raise ValueError(f"no such channels: {set(route.to) - set(channels)}")
    if (route.mode, route.digest is None) not in {("all", True), ("all", False), ("fallback", True)}:
        raise ValueError(route.mode)
    for child in route.routes:
        refuse(child, channels)


class Notifier:
    """Holds the table and hands it to the core, one step at a time."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        routes: Route,
        clock: Clock = SYSTEM,
        base: float = 1.0,
        max_attempts: int = 3,
        dedupe: float = 86_400.0,
        limits: Mapping[str, tuple[int, float]] = {},
        epoch: str = EPOCH,
        store: Store | None = None,
        lease: float = 30.0,
    ) -> None:
        refuse(routes, channels)
        fine = base > 0 and max_attempts >= 1 and dedupe > 0 and lease > 0 and routes.to is not None
        if not fine or any(most < 1 or seconds <= 0 for most, seconds in limits.values()):
            raise ValueError("see the statement")
        self._table: Table = ()
        self._lock = threading.RLock()
        self._people: dict[str, Recipient] = {}
        self._channels, self._routes, self._clock = dict(channels), routes, clock
        self._epoch = datetime.fromisoformat(epoch)
        self._base, self._most, self._dedupe, self._limits = base, max_attempts, dedupe, dict(limits)
        self._store, self._lease = store, lease if store else float("inf")

    def _step(self, function: Callable[[Table, float], tuple[Table, A]]) -> A:
        """One step of the core, which nobody else sees half done."""
        if self._store is None:
            with self._lock:
                self._table, answer = function(self._table, self._clock.monotonic())
            return answer
        with self._store.transaction() as rows:
            before = tuple(unpacked(rows[number]["row"]) for number in range(1, len(rows) + 1))
            after, answer = function(before, self._clock.monotonic())
            rows.update({number: {"row": packed(row)} for number, row in enumerate(after, start=1)})
        return answer

    def _read(self) -> Table:
        return self._step(lambda table, _: (table, table))

    def _person(self, name: str) -> Recipient:
        return self._people[name] if name in self._people else Recipient(name, {it: name for it in self._channels})

    def put(self, recipient: Recipient) -> None:
        zone = ZoneInfo(recipient.zone)
        if recipient.quiet is not None and recipient.quiet[0] == recipient.quiet[1]:
            raise ValueError(f"no night in {zone}")
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
        person, routes = self._person(recipient), ways(self._routes, {**(labels or {}), "category": category})

        def keep(table: Table, now: float) -> tuple[Table, list[Decision]]:
            if key is not None and is_duplicate(table, recipient, category, key, now - self._dedupe):
                return table, []
            decisions: dict[str, str] = {}
            for route in routes:
                group = 0
                for channel in (name for name in route.to if name not in decisions):
                    decision = wish(person, category, channel, route.mandatory)
                    if decision == "send":
                        decision = "standby" if group else "send" if route.digest is None else "digest"
                        state = {"send": "waiting", "digest": "digesting"}.get(decision, decision)
                        who, due = (recipient, category, channel, priority), now + (route.digest or 0)
                        table = add(table, Row(who, route.mandatory, (text,), ((key, now),), state, due, group))
                        group = group or (len(table) if route.mode == "fallback" else 0)
                    decisions.setdefault(channel, decision)
            return table, [Decision(*item) for item in decisions.items()]

        return self._step(keep)

    def _claim(self) -> tuple[int, int, Message] | None:
        def take(table: Table, now: float) -> tuple[Table, tuple[int, Row] | None]:
            world = World(now, self._epoch + timedelta(seconds=now), self._person, self._limits)
            table, at = claim(table, world, min(now + self._lease, 1e300))
            return table, None if at is None else (at, table[at])

        taken = self._step(take)
        if taken is None:
            return None
        at, row = taken
        recipient, _, channel, _ = row.who
        to = self._person(recipient).addresses[channel]
        return at, row.fence, Message(channel, to, "\n".join(row.texts), at + 1)

    def run_due(self) -> list[Attempt]:
        attempts: list[Attempt] = []
        while (claimed := self._claim()) is not None:
            at, fence, message = claimed
            outcome: str | None = None
            try:
                outcome = self._channels[message.channel].send(message)
            except Exception:
                outcome = "unclear"
            finally:
                self._step(
                    lambda table, now: (settle(table, at, fence, outcome, now, self._base, self._most), None)  # noqa: B023
                )
            attempts.append(Attempt(message.channel, message.to, message.text, outcome))
        return attempts

    def dead_letters(self) -> list[DeadLetter]:
        dead = [row for row in self._read() if row.state == "dead"]
        return [DeadLetter(row.who[2], "\n".join(row.texts), row.attempts, row.outcome) for row in dead]

    def status(self, number: int) -> str:
        table = self._read()
        if not 0 < number <= len(table):
            raise ValueError(number)
        return table[number - 1].state

    def record(self, number: int, event: str) -> str:
        def told(table: Table, now: float) -> tuple[Table, str]:
            if event not in {"bounced", "delivered", "read"} or not 0 < number <= len(table):
                raise ValueError(event)
            if table[number - 1].taken is None:
                raise ValueError(number)
            table = hear(table, number - 1, event, now)
            return table, table[number - 1].state

        return self._step(told)
