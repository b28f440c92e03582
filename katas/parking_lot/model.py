"""The sequential model: every space looked at, every minute of a stay counted, every instant of a window tried."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interface import Full, Space, Still, Tariff, Unknown
from lldkit.dojo.author import Advance, Op, Program

NORTH, SOUTH = "north", "south"
NOON = datetime(2026, 1, 1, tzinfo=UTC)


class Model:
    """The lot as the statement describes it, without a thought for speed or threads."""

    def __init__(self, *, capacity=None, spaces=(), sizes=("bike", "car", "truck"), tariff=Tariff(), clock=Still(),
                 epoch=NOON, reservable=0):  # fmt: skip
        self.room = dict(capacity or {})
        if min(self.room.values(), default=0) < 0 or {space.size for space in spaces} - set(sizes):
            raise ValueError
        self.inside = {size: 0 for size in self.room}
        self.spaces, self.sizes, self.taken, self.closed = list(spaces), list(sizes), [], []
        self.tariff, self.clock, self.epoch, self.tickets, self.answers = tariff, clock, epoch, [], {}
        self.reservable, self.windows, self.holds = reservable, [], []

    def take(self, size):
        if not self.free(size):
            return False
        self.inside[size] += 1
        return True

    def give(self, size):
        if size not in self.room or not self.inside[size]:
            raise ValueError
        self.inside[size] -= 1

    def free(self, size):
        if size not in self.room:
            raise ValueError
        return self.room[size] - self.inside[size]

    def open(self, space):
        now = self.clock.monotonic()
        held = any(hold["space"] == space.id and hold["until"] > now and not hold["used"] for hold in self.holds)
        return space.id not in self.taken and space.id not in self.closed and not held

    def best(self, size, gate):
        for larger in self.sizes[self.sizes.index(size) :]:
            fitting = [space for space in self.spaces if space.size == larger and self.open(space)]
            if fitting:
                return sorted(fitting, key=lambda space: (space.distances.get(gate, 0), space.id))[0].id
        return None

    def named(self, space):
        """Right ones differ where a name is none of the lot's: no program is made simpler to one."""
        if all(each.id != space for each in self.spaces):
            raise KeyError(space)

    def park(self, size, gate):
        space = self.best(size, gate)
        self.taken += [space] if space else []
        return space

    def unpark(self, space):
        self.named(space)
        if space not in self.taken:
            return False
        self.taken.remove(space)
        return True

    def out(self, space):
        self.closed.append(space)

    def back(self, space):
        self.named(space)
        self.closed = [each for each in self.closed if each != space]

    def price(self, start, end):
        return minute_by_minute(self.tariff, start, end)

    def enter(self, size, gate, event):
        if event not in self.answers:
            space = self.park(size, gate)
            if space is None:
                raise Full
            self.tickets.append((space, self.clock.monotonic(), self.tariff))
            self.answers[event] = len(self.tickets)
        return self.answers[event]

    def exit(self, ticket, event):
        if event not in self.answers:
            if not 1 <= ticket <= len(self.tickets) or self.tickets[ticket - 1] is None:
                raise Unknown
            space, since, tariff = self.tickets[ticket - 1]
            self.tickets[ticket - 1] = None
            self.taken.remove(space)
            times = (self.epoch + timedelta(seconds=at) for at in (since, self.clock.monotonic()))
            self.answers[event] = minute_by_minute(tariff, *times)
        return self.answers[event]

    def run(self, length):
        best = ()
        for row in sorted({space.row for space in self.spaces}):
            at = {space.position: space.id for space in self.spaces if space.row == row and self.open(space)}
            for start in sorted(at):
                if start - 1 not in at:
                    stretch = [at[start]]
                    while start + len(stretch) in at:
                        stretch.append(at[start + len(stretch)])
                    if len(stretch) >= length and (not best or len(stretch) < len(best)):
                        best = stretch
        return tuple(best[:length])

    def reserve(self, start, end):
        if not start < end:
            raise ValueError
        for instant in range(start, end):
            if sum(begin <= instant < stop for begin, stop in self.windows) >= self.reservable:
                return False
        self.windows.append((start, end))
        return True

    def hold(self, space, seconds):
        if not any(self.open(each) for each in self.spaces if each.id == space):
            return None
        self.holds.append({"space": space, "until": self.clock.monotonic() + seconds, "used": False})
        return len(self.holds)

    def confirm(self, token):
        if not 1 <= token <= len(self.holds):
            return False
        hold = self.holds[token - 1]
        if hold["used"] or hold["until"] <= self.clock.monotonic():
            return False
        hold["used"] = True
        self.taken.append(hold["space"])
        return True

    def set_tariff(self, tariff):
        self.tariff = tariff


def minute_by_minute(tariff, start, end):
    """Stays of whole minutes: the minutes of each day are counted by the wall."""
    minutes = math.floor((end.astimezone(UTC) - start.astimezone(UTC)) / timedelta(minutes=1))
    if minutes * 60 <= tariff.free:
        return 0
    zone, days = ZoneInfo(tariff.zone), {}
    for minute in range(minutes):
        wall = (start.astimezone(UTC) + timedelta(minutes=minute)).astimezone(zone)
        day = wall.date() if wall.hour >= tariff.reset else wall.date() - timedelta(days=1)
        days[day] = days.get(day, 0) + 1
    costs = [math.ceil(count * 60 / tariff.seconds) * tariff.cents for count in days.values()]
    return sum(cost if tariff.cap is None else min(cost, tariff.cap) for cost in costs)


def pick(rng, items):
    return items[int(rng.random() * len(items))]


def counters(rng):
    sizes = ("car", "bike", "boat")
    steps = [Op(pick(rng, ("take", "take", "give", "free")), pick(rng, sizes)) for _ in range(12)]
    return Program({"capacity": {"car": int(rng.random() * 3), "bike": 1}}, steps)


SIZES = ("bike", "car", "truck")


def some_spaces(rng, count):
    return [
        Space(f"S{n + 8}", pick(rng, SIZES), {NORTH: int(rng.random() * 4), SOUTH: int(rng.random() * 4)}, pick(rng, "AB"), n)
        for n in range(count)
    ]


def parking(rng):
    made = some_spaces(rng, 1 + int(rng.random() * 6))
    steps = []
    for _ in range(14):
        space = pick(rng, made).id
        park = Op("park", pick(rng, SIZES), pick(rng, (NORTH, SOUTH)))
        steps.append(pick(rng, (park, park, Op("unpark", space), Op("out", space), Op("back", space))))
    return Program({"spaces": made}, steps)


def a_tariff(rng):
    return Tariff(
        cents=pick(rng, (100, 115, 29)),
        seconds=pick(rng, (600, 1_800, 3_600)),
        free=pick(rng, (0, 0, 900)),
        cap=pick(rng, (None, 0, 500, 900)),
        reset=pick(rng, (0, 6, 13)),
        zone=pick(rng, ("UTC", "Europe/Paris")),
    )


def prices(rng):
    start = datetime(2025, pick(rng, (3, 6, 10)), 25, tzinfo=UTC) + timedelta(minutes=int(rng.random() * 9_000))
    ends = [start + timedelta(minutes=int(rng.random() * pick(rng, (120, 120, 120, 2_000)))) for _ in range(3)]
    return Program({"tariff": a_tariff(rng)}, [Op("price", start, end) for end in ends])


def gates(rng):
    steps = []
    for n in range(12):
        event = f"e{int(rng.random() * 9)}"
        enter = Op("enter", pick(rng, SIZES), NORTH, f"in {event}")
        leave = Op("exit", 1 + int(rng.random() * 4), f"out {event}")
        steps.append(pick(rng, (enter, enter, leave, Advance(1_800.0), Op("park", "car", SOUTH))))
    return Program({"spaces": some_spaces(rng, 3), "tariff": a_tariff(rng), "timed": True}, steps)


def tomorrow(rng):
    made = some_spaces(rng, 9)
    steps = []
    for _ in range(14):
        start = int(rng.random() * 8)
        reserve = Op("reserve", start, start + int(rng.random() * 4))
        look, park = Op("run", 1 + int(rng.random() * 4)), Op("park", "bike", NORTH)
        steps.append(pick(rng, (reserve, reserve, look, park, Op("out", pick(rng, made).id))))
    return Program({"spaces": made, "reservable": int(rng.random() * 3)}, steps)


def holding(rng):
    """Vehicles have tickets, or spaces are given back by name: who takes away a ticket's space is on his own."""
    made, by_ticket = some_spaces(rng, 3), rng.random() < 0.5
    steps = []
    for n in range(14):
        token, space = 1 + int(rng.random() * 4), pick(rng, made).id
        change = Op("set_tariff", Tariff(cents=pick(rng, (100, 300))))
        hold, wait = Op("hold", space, pick(rng, (60.0, 120.0))), Advance(60.0)
        more = (Op("park", "bike", NORTH), change, Op("run", 1), Op("out", space), Op("back", space))
        enter, leave = Op("enter", "bike", NORTH, f"in {n}"), Op("exit", token, f"out {n}")
        ways = (enter, leave) if by_ticket else (Op("unpark", space),)
        steps.append(pick(rng, (hold, hold, wait, Op("confirm", token), Op("confirm", token), *ways, *more)))
    return Program({"spaces": made, "timed": True}, steps)


GENERATORS = {1: [counters], 2: [parking], 3: [prices], 4: [gates], 5: [tomorrow], 6: [holding]}
BUDGETS = {}


def build(setup, make, clock):
    """One lot; with a clock where its program is about time."""
    given = dict(setup)
    return [make(**given, clock=clock)] if given.pop("timed", False) else [make(**given)]


def audit(program):
    """What is left free is parked on, one by one."""
    if "capacity" in program.setup:
        return [Op("free", "car"), Op("free", "bike")]
    if "spaces" not in program.setup:
        return []
    return [Op("park", "bike", NORTH) for _ in range(4)]
