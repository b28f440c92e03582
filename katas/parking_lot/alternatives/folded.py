"""Another right one: nothing is remembered but what has happened, and every question folds it anew."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interface import Busy, Full, Still, Tariff, Unknown, nothing


class Lot:
    """A list of facts."""

    def __init__(self, **given):
        self.given = {"spaces": (), "sizes": ("bike", "car", "truck"), "tariff": Tariff(), "clock": Still(),
                      "epoch": datetime(2026, 1, 1, tzinfo=UTC), "cashier": nothing, "reservable": 0, "log": None,
                      "gates": nothing, **given, "capacity": dict(given.get("capacity", {}))}  # fmt: skip
        self.given |= {"spaces": tuple(self.given["spaces"]), "sizes": tuple(self.given["sizes"])}
        sizes = self.given["sizes"]
        if any(n < 0 for n in self.given["capacity"].values()) or any(s.size not in sizes for s in self.given["spaces"]):
            raise ValueError("a capacity below 0, or a size that is none")
        self.facts = [] if self.given["log"] is None else self.given["log"].records()
        self.here, self.busy, self.guard = [], [], threading.RLock()

    def count(self, *fact):
        return sum(each[: len(fact)] == fact for each in self.facts)

    def tell(self, *fact, durable=False):
        if durable and self.given["log"] is not None:
            self.given["log"].append(fact)
        self.facts.append(fact)

    def take(self, size):
        with self.guard:
            if self.free(size) <= 0:
                return False
            self.tell("take", size)
            return True

    def give(self, size):
        with self.guard:
            self.free(size)
            if self.count("take", size) <= self.count("give", size):
                raise ValueError(size)
            self.tell("give", size)

    def free(self, size):
        if size not in self.given["capacity"]:
            raise ValueError(size)
        with self.guard:
            return self.given["capacity"][size] - self.count("take", size) + self.count("give", size)

    def state(self):
        """Who stands where, what is out, what is held, who is inside, what was answered, the tariff."""
        used, out, holds, inside, answers, tariff = set(), set(), {}, {}, {}, self.given["tariff"]
        for what, *told in self.facts:
            if what in {"park", "confirm"}:
                used.add(told[0])
                holds.pop(told[0], None)
            elif what == "unpark":
                used.discard(told[0])
            elif what in {"out", "back"}:
                (out.add if what == "out" else out.discard)(told[0])
            elif what == "enter":
                event, space, since, paid_by = told
                answers[event] = 1 + sum(number[0] == "enter" for number in self.facts[: self.facts.index((what, *told))])
                inside[answers[event]] = space, since, paid_by
                used.add(space)
            elif what == "exit":
                event, ticket, answers[event] = told
                used.discard(inside.pop(ticket)[0])
            elif what == "hold":
                holds[told[0]] = told[1:]
            elif what == "tariff":
                tariff = told[0]
        return used, out, holds, inside, answers, tariff

    def open_spaces(self):
        used, out, holds, *_ = self.state()
        now = self.given["clock"].monotonic()
        kept = {space for space, (until, _) in holds.items() if until > now}
        return [space for space in self.given["spaces"] if space.id not in used | out | kept]

    def choose(self, size, gate):
        order = list(self.given["sizes"])
        least = order.index(size)
        fitting = [space for space in self.open_spaces() if order.index(space.size) >= least]
        chosen = min(fitting, key=lambda s: (order.index(s.size), s.distances[gate], s.id), default=None)
        return chosen and chosen.id

    def park(self, size, gate):
        with self.guard:
            space = self.choose(size, gate)
            if space is not None:
                self.tell("park", space)
            return space

    def unpark(self, space):
        with self.guard:
            if space not in self.state()[0]:
                return False
            self.tell("unpark", space)
            return True

    def out(self, space):
        with self.guard:
            self.tell("out", space)

    def back(self, space):
        with self.guard:
            self.tell("back", space)

    def price(self, start, end):
        return cost(self.given["tariff"], start, end)

    def enter(self, size, gate, event):
        with self.guard:
            if event not in self.state()[4]:
                space = self.choose(size, gate)
                if space is None:
                    raise Full
                self.tell("enter", event, space, self.given["clock"].monotonic(), self.state()[5], durable=True)
            return self.state()[4][event]

    def exit(self, ticket, event):
        with self.guard:
            *_, inside, answers, _ = self.state()
            if event in answers:
                return answers[event]
            if ticket in self.busy:
                raise Busy
            if ticket not in inside:
                raise Unknown
            self.busy.append(ticket)
        try:
            _, since, tariff = inside[ticket]
            start = self.given["epoch"] + timedelta(seconds=since)
            cents = cost(tariff, start, self.given["epoch"] + timedelta(seconds=self.given["clock"].monotonic()))
            self.given["cashier"](ticket, cents)
            with self.guard:
                self.tell("exit", event, ticket, cents, durable=True)
        finally:
            self.busy.remove(ticket)
        self.given["gates"](ticket)
        return cents

    def run(self, length):
        with self.guard:
            free = {(space.row, space.position): space.id for space in self.open_spaces()}
        best = None
        for row, position in sorted(free):
            if (row, position - 1) in free:
                continue
            size = 1
            while (row, position + size) in free:
                size += 1
            if size >= length and (best is None or size < best[0]):
                best = size, row, position
        return () if best is None else tuple(free[best[1], best[2] + n] for n in range(length))

    def reserve(self, start, end):
        if not start < end:
            raise ValueError((start, end))
        with self.guard:
            windows = [fact[1:] for fact in self.facts if fact[0] == "window"]
            steps = sorted([(b, 1) for b, e in windows] + [(e, -1) for b, e in windows])
            level = sum(step for at, step in steps if at <= start)
            peak = level
            for at, step in steps:
                if start < at < end:
                    level += step
                    peak = max(peak, level)
            if peak + 1 > self.given["reservable"]:
                return False
            self.tell("window", start, end)
            return True

    def hold(self, space, seconds):
        with self.guard:
            if all(each.id != space for each in self.open_spaces()):
                return None
            token = 1 + self.count("hold")
            self.tell("hold", space, self.given["clock"].monotonic() + seconds, token, durable=True)
            return token

    def confirm(self, token):
        with self.guard:
            mine = [space for space, (until, held) in self.state()[2].items()
                    if held == token and until > self.given["clock"].monotonic()]  # fmt: skip
            if mine:
                self.tell("confirm", mine[0], durable=True)
            return bool(mine)

    def set_tariff(self, tariff):
        with self.guard:
            self.tell("tariff", tariff, durable=True)


def cost(tariff, start, end):
    """Increment by increment; at a reset the next one begins at once."""
    at, end, zone = start.astimezone(UTC), end.astimezone(UTC), ZoneInfo(tariff.zone)
    if (end - at).total_seconds() <= tariff.free:
        return 0
    days = {}
    while at < end:
        wall = at.astimezone(zone)
        day = wall.date() - timedelta(days=wall.hour < tariff.reset)
        days[day] = days.get(day, 0) + tariff.cents
        following = day + timedelta(days=1)
        reset = datetime(following.year, following.month, following.day, tariff.reset, tzinfo=zone).astimezone(UTC)
        at = min(at + timedelta(seconds=tariff.seconds), reset)
    return sum(days.values()) if tariff.cap is None else sum(min(each, tariff.cap) for each in days.values())
