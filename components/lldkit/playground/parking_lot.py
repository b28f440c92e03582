"""One day of a parking lot in virtual time: who gets in, who is refused, what is held and what it earns; and prices."""

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from lldkit.charts import Blocks, Figure, Line, Panel, Ticks
from lldkit.charts.marks import Tone
from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    Allocation,
    BestFit,
    CapacityExceeded,
    LevelBalanced,
    LotEvent,
    LotFull,
    NearestToGate,
    ParkingLot,
    RateTable,
    ReservationInvalid,
    Space,
    Ticket,
    Vehicle,
    free,
    per,
)
from lldkit.playground.scene import Scene

__all__ = ["BOUNDS", "NEXT", "ParkingTrace", "Policy", "compare", "demo", "picture", "prices", "trace"]

NEXT = "lldkit parking-lot --help"
HOURS = 24.0
Span = tuple[int, float, float]
"""Which space, numbered from 0, and from when to when it was so."""
KINDS: dict[str, Tone] = {"occupied": "one", "held": "three", "reserved soon": "two", "out of service": "quiet"}
Policy = Literal["best fit", "nearest", "balanced"]
POLICIES: dict[str, Allocation] = {"best fit": BestFit(), "nearest": NearestToGate(), "balanced": LevelBalanced()}
BOUNDS: dict[str, tuple[float, float]] = {
    "arrivals": (10, 400),
    "stay": (20, 480),
    "spaces": (20, 500),
    "gates": (1, 3),
    "reserved": (0.0, 0.5),
    "no_show": (0.0, 0.4),
    "trucks": (0.0, 0.5),
}
OPENING = datetime(2026, 6, 1, tzinfo=UTC)
CENTRE = RateTable(
    currency="EUR",
    tz="Europe/Paris",
    daily_cap=1_800,
    reset=time(6),
    lines=[free(900, cliff=True), per(3_600, 200, end_seconds=3_600), per(1_800, 150, start_seconds=3_600)],
)
HOURLY = RateTable(currency="EUR", tz="Europe/Paris", lines=[per(3_600, 250)])


@dataclass(frozen=True, slots=True)
class ParkingTrace:
    """What happened, in hours: free spaces by size, spaces held for reservations, refusals, money in major units.

    `grid` has the spans of each space by what it was, as KINDS names it.
    """

    name: str
    spaces: int
    regular: tuple[tuple[float, float], ...]
    large: tuple[tuple[float, float], ...]
    held: tuple[tuple[float, float], ...]
    refused_cars: tuple[float, ...]
    refused_trucks: tuple[float, ...]
    no_shows: tuple[float, ...]
    revenue: tuple[tuple[float, float], ...]
    entered: int
    grid: Mapping[str, tuple[Span, ...]]

    @property
    def refused(self) -> int:
        """How many were turned away."""
        return len(self.refused_cars) + len(self.refused_trucks)


def trace(
    *,
    arrivals: float = 30.0,
    stay: float = 90.0,
    spaces: int = 60,
    gates: int = 2,
    reserved: float = 0.15,
    no_show: float = 0.2,
    trucks: float = 0.2,
    policy: Policy = "best fit",
    seed: int = 7,
) -> ParkingTrace:
    """A day with two peaks: `arrivals` an hour on average, stays of `stay` minutes, exponentially distributed.

    A quarter of the spaces is large and nearest to the gates; a share `trucks` of the vehicles needs those. A share
    `reserved` books an hour ahead, of which a share `no_show` never comes. One space in twenty, the last ones, is out
    of service from eleven to fifteen. Raises `ValueError` naming a parameter that
    is out of its bounds.
    """
    asked = {"arrivals": arrivals, "stay": stay, "spaces": spaces, "gates": gates}
    for name, value in (asked | {"reserved": reserved, "no_show": no_show, "trucks": trucks}).items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    if policy not in POLICIES:
        raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {policy!r}")
    day = _Day(_spaces(spaces, gates), gates, POLICIES[policy], seed)
    day.arrive(arrivals, stay, reserved=reserved, no_show=no_show, trucks=trucks)
    day.run()
    return ParkingTrace(
        f"{policy}, {spaces} spaces, {arrivals:g} an hour",
        spaces,
        tuple(day.lines["regular"]),
        tuple(day.lines["large"]),
        tuple(day.lines["held"]),
        tuple(day.marks["regular"]),
        tuple(day.marks["large"]),
        tuple(day.marks["no_show"]),
        tuple(day.lines["revenue"]),
        day.entered,
        {kind: tuple(day.grid.spans[kind]) for kind in KINDS},
    )


def _spaces(count: int, gates: int) -> list[Space]:
    """Two levels; the first quarter of the spaces is large."""
    return [
        Space(
            f"{n:03}",
            size="large" if n < count // 4 else "regular",
            level=str(n % 2),
            distances={f"gate {gate}": (n * (gate + 1)) % (count + 1) + n for gate in range(gates)},
        )
        for n in range(count)
    ]


class _Grid:
    """What each space was, from when to when, as the events of a lot tell it."""

    def __init__(self, spaces: Sequence[Space]) -> None:
        self._rows = {space.id: row for row, space in enumerate(spaces)}
        self._now: dict[str, tuple[str, float, float]] = {}  # what, since when, and when its reservation begins
        self._spaces: dict[str, Sequence[str]] = {}  # of tickets and reservations
        self._starts: dict[str, float] = {}
        self._out: set[str] = set()
        self.spans: dict[str, list[Span]] = {kind: [] for kind in KINDS}

    def hear(self, event: LotEvent) -> None:
        """Follow the spaces that an event is about."""
        hour, data = (event.at - OPENING).total_seconds() / 3_600, event.data
        if event.what == "reserved":
            self._starts[data["id"]] = (data["start"] / 1e6 - OPENING.timestamp()) / 3_600
        elif event.what == "held":
            self._spaces[data["id"]] = [data["space"]]
            self._become("held", [data["space"]], hour, self._starts[data["id"]])
        elif event.what == "entered":
            self._spaces[data["ticket"]] = data["spaces"]
            self._become("occupied", data["spaces"], hour)
        elif event.what in {"exited", "no_show"}:
            self._become("", self._spaces.pop(data.get("ticket") or data["id"], ()), hour)
        elif event.what in {"out", "in"}:
            (self._out.add if event.what == "out" else self._out.discard)(data["space"])
            if self._now.get(data["space"], ("out of service",))[0] == "out of service":
                self._become("", [data["space"]], hour)

    def end(self, hour: float) -> None:
        """Whatever still is, is until then."""
        self._become("", list(self._now), hour)

    def _become(self, kind: str, spaces: Sequence[str], hour: float, begins: float = 0.0) -> None:
        for space in spaces:
            row, (before, since, start) = self._rows[space], self._now.pop(space, ("", hour, 0.0))
            if before == "held" and since < start:
                self.spans["reserved soon"].append((row, since, min(start, hour)))
                since = start
            if since < hour:
                self.spans[before].append((row, since, hour))
            what = kind or ("out of service" if space in self._out else "")
            if what:
                self._now[space] = (what, hour, begins)


class _Day:
    """A calendar of arrivals and departures over a real lot."""

    def __init__(self, spaces: list[Space], gates: int, allocation: Allocation, seed: int) -> None:
        self.clock, self.rng, self.gates = ManualClock(start=OPENING), Random(seed), gates
        self.entered, self.cents, self.plates = 0, 0, itertools.count()
        self.lines: dict[str, list[tuple[float, float]]] = {
            "regular": [],
            "large": [],
            "held": [],
            "revenue": [(0.0, 0.0)],
        }
        self.marks: dict[str, list[float]] = {"regular": [], "large": [], "no_show": []}
        self.grid = _Grid(spaces)
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []
        ids = itertools.count(1)
        self.lot = ParkingLot(
            spaces,
            tariff=CENTRE,
            allocation=allocation,
            reservable={"regular": len(spaces) // 3},
            clock=self.clock,
            new_id=lambda: str(next(ids)),
            on_event=self.hear,
        )

    def hear(self, event: LotEvent) -> None:
        """Note who did not come, and where everybody stands."""
        self.grid.hear(event)
        if event.what == "no_show":
            self.marks["no_show"].append((event.at - OPENING).total_seconds() / 3_600)

    def arrive(self, rate: float, stay: float, *, reserved: float, no_show: float, trucks: float) -> None:
        """Put all arrivals into the calendar, and the time when some spaces are repaired."""
        for space in self.lot.layout.spaces[-max(1, len(self.lot.layout.spaces) // 20) :]:
            self.at(11.0, self.lot.out_of_service, space.id)
            self.at(15.0, self.lot.in_service, space.id)
        hour = self.rng.expovariate(2 * rate)
        while hour < HOURS:
            if self.rng.random() < _tide(hour):
                size = "large" if self.rng.random() < trucks else "regular"
                minutes = self.rng.expovariate(1 / stay)
                if size == "regular" and self.rng.random() < reserved:
                    comes = self.rng.random() >= no_show
                    self.at(max(0.0, hour - 1), self.book, hour, minutes, comes)
                else:
                    self.at(hour, self.enter, size, minutes, None)
            hour += self.rng.expovariate(2 * rate)

    def at(self, hour: float, act: Callable[..., None], *arguments: object) -> None:
        """Do something later."""
        heapq.heappush(self._calendar, (hour, next(self.plates), lambda: act(*arguments)))

    def run(self) -> None:
        """Let it happen, and look at the signs each time."""
        while self._calendar and self._calendar[0][0] <= HOURS:
            hour, _, act = heapq.heappop(self._calendar)
            self.clock.advance(max(0.0, hour * 3_600 - self.clock.monotonic()))
            act()
            shown = self.lot.availability()
            for size in ("regular", "large"):
                self.lines[size].append((hour, sum(float(a.free) for (_, each), a in shown.items() if each == size)))
            self.lines["held"].append((hour, sum(float(a.held) for a in shown.values())))
        self.grid.end(HOURS)

    def book(self, hour: float, minutes: float, comes: bool) -> None:
        """Reserve, and come in time or not at all."""
        start = OPENING + timedelta(hours=max(hour, self.clock.monotonic() / 3_600))
        try:
            booked = self.lot.reserve("regular", start, start + timedelta(minutes=minutes + 1), owner="somebody")
        except CapacityExceeded:
            self.at(hour, self.enter, "regular", minutes, None)
            return
        if comes:
            self.at(hour, self.enter, "regular", minutes, booked.id)

    def enter(self, size: str, minutes: float, reservation: str | None) -> None:
        """Come to a gate, and leave later."""
        vehicle, gate = Vehicle(f"car {next(self.plates)}", size=size), f"gate {self.rng.randrange(self.gates)}"
        try:
            ticket = self.lot.enter(vehicle, gate=gate, reservation=reservation)
        except (LotFull, ReservationInvalid):
            self.marks[size].append(self.clock.monotonic() / 3_600)
            return
        self.entered += 1
        self.at(self.clock.monotonic() / 3_600 + minutes / 60, self.leave, ticket, gate)

    def leave(self, ticket: Ticket, gate: str) -> None:
        """Pay and leave."""
        paid = self.lot.pay(ticket.id, amount=self.lot.quote(ticket.id).due).paid
        self.lot.exit(ticket.id, gate=gate)
        self.cents += paid.amount
        self.lines["revenue"].append((self.clock.monotonic() / 3_600, self.cents / 100))


def _tide(hour: float) -> float:
    """How busy it is: peaks at nine and at eighteen."""
    return max(0.08, 1 - abs(hour - 9) / 4, 0.9 - abs(hour - 18) / 4)


def picture(day: ParkingTrace) -> Figure:
    """One day: free spaces by size, refusals, reservations, and the revenue."""
    return Figure(f"A day of parking: {day.name}", _panels(day), "hour", (0, HOURS), _says(day))


def compare(days: Sequence[ParkingTrace]) -> Figure:
    """Several days, one below the other."""
    panels = [panel for day in days for panel in _panels(day)]
    return Figure("Free spaces, refusals, revenue", panels, "hour", (0, HOURS), " ".join(map(_says, days)))


def _says(day: ParkingTrace) -> str:
    cars, trucks = len(day.refused_cars), len(day.refused_trucks)
    return f"{day.name}: {day.entered} entered, {cars} cars and {trucks} trucks were refused."


def _panels(day: ParkingTrace) -> list[Panel]:
    free_places = [
        Line(day.regular, "regular", "one", step=True),
        Line(day.large, "large", "two", step=True),
        Line(day.held, "held", "quiet", step=True),
    ]
    ticks = [
        Ticks(day.refused_cars, "car refused", "bad"),
        Ticks(day.refused_trucks, "truck refused", "bad"),
        Ticks(day.no_shows, "no show", "quiet"),
    ]
    grid = [Blocks(day.grid[kind], kind, tone) for kind, tone in KINDS.items()]
    earned = Line(day.revenue, "EUR earned", "good", step=True)
    return [
        Panel(grid, f"spaces, {day.name}", 160, (0, day.spaces)),
        Panel(free_places, "free", 90),
        Panel(ticks, "refused", 70),
        Panel([earned], "revenue", 60),
    ]


def prices() -> Figure:
    """Price against duration: a staircase with a cap beside a plain one, and one night in spring and in autumn."""
    zone = ZoneInfo("Europe/Paris")
    lines = []
    for name, table, start in (
        ("centre, capped", CENTRE, datetime(2026, 6, 1, 8, tzinfo=zone)),
        ("2.50 an hour", HOURLY, datetime(2026, 6, 1, 8, tzinfo=zone)),
    ):
        lines.append(Line(_staircase(table, start, 16), name, "one" if table is CENTRE else "two", step=True))
    nights = [
        Line(_by_wall(HOURLY, datetime(2025, 3, 30, tzinfo=zone)), "spring night", "one", step=True),
        Line(_by_wall(HOURLY, datetime(2025, 10, 26, tzinfo=zone)), "autumn night", "two", step=True),
    ]
    says = "A stay until the same time on the clock is two hours longer in the autumn night than in the spring night."
    panels = [Panel(lines, "EUR by hours parked", 120), Panel(nights, "EUR by the clock, from midnight", 100)]
    return Figure("What parking costs", panels, "hours", (0, 16), says)


def _staircase(table: RateTable, start: datetime, hours: int) -> list[tuple[float, float]]:
    begin = start.astimezone(UTC)
    minutes = range(0, hours * 60 + 1, 15)
    return [(m / 60, table.price(begin, begin + timedelta(minutes=m)).total.amount / 100) for m in minutes]


def _by_wall(table: RateTable, midnight: datetime) -> list[tuple[float, float]]:
    """The price of a stay from midnight until the wall clock shows an hour."""
    ends = [(hour, midnight.replace(hour=hour)) for hour in range(13)]
    return [(float(hour), table.price(midnight, end).total.amount / 100) for hour, end in ends]


def demo() -> Figure:
    """The picture that `lldkit demo parking_lot` shows: two policies on one day."""
    return compare([trace(), trace(policy="nearest")])


SCENES = {"parking_lot": Scene(trace, picture, BOUNDS)}
