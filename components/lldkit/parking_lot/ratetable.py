"""Rate tables in the words of APDS and ISO TS 5206: increments, flat rates, free time, windows, a daily cap.

Prices are gross, in whole minor units. Half-open everywhere: exactly N increments cost N.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from lldkit.arguments import check_count
from lldkit.money import Money, minor_units
from lldkit.parking_lot.bill import Bill, Charge, Dimension, make_bill
from lldkit.parking_lot.calendar import WEEKDAYS, boundaries, inside, resets

__all__ = ["Crossing", "RateLine", "RateTable", "Window", "flat", "free", "per"]

Crossing: TypeAlias = Literal["split", "overpay", "follow"]
Found: TypeAlias = tuple[datetime, datetime, int, int, object]
"""What is charged, in whole numbers: from when to when, how many times, minor units each time, because of what."""


@dataclass(frozen=True, slots=True)
class RateLine:
    """One line of a table; made by `flat`, `per` and `free`."""

    kind: Literal["flat", "per", "free"]
    value: int = 0
    seconds: int = 0
    start_seconds: int = 0
    end_seconds: int | None = None
    cliff: bool = False

    def __str__(self) -> str:
        if self.kind == "free":
            return f"free for {self.seconds} s{', if it is not longer' if self.cliff else ''}"
        if self.kind == "flat":
            return "flat rate"
        until = "" if self.end_seconds is None else f" to {self.end_seconds} s"
        return f"per {self.seconds} s from {self.start_seconds} s{until}"


def flat(value: int) -> RateLine:
    """Once, when the stay or its window begins."""
    return RateLine("flat", check_count("value", value))


def per(seconds: int, value: int, *, start_seconds: int = 0, end_seconds: int | None = None) -> RateLine:
    """For each increment that has begun, of those between `start_seconds` and `end_seconds` after the begin."""
    check_count("seconds", seconds, least=1)
    check_count("start_seconds", start_seconds)
    if end_seconds is not None:
        check_count("end_seconds", end_seconds, least=start_seconds + 1)
    return RateLine("per", check_count("value", value), seconds, start_seconds, end_seconds)


def free(seconds: int, *, cliff: bool) -> RateLine:
    """Once per stay: with a cliff a stay of up to `seconds` is free, else the first `seconds` of any stay are."""
    return RateLine("free", 0, check_count("seconds", seconds, least=1), cliff=cliff)


@dataclass(frozen=True, slots=True)
class Window:
    """Other lines between two local times, which may go over midnight; `days` are those on which it begins."""

    lines: Sequence[RateLine]
    days: Collection[str] | None = field(default=None, kw_only=True)
    start_time: time = field(kw_only=True)
    end_time: time = field(kw_only=True)

    def __post_init__(self) -> None:
        unknown = set(self.days or ()) - set(WEEKDAYS)
        if unknown:
            raise ValueError(f"days must be names such as 'MONDAY', got {sorted(unknown)}")
        object.__setattr__(self, "lines", tuple(self.lines))
        object.__setattr__(self, "days", None if self.days is None else frozenset(self.days))

    def holds(self, local: datetime) -> bool:
        """Whether a wall clock that shows this is inside."""
        at = local.time()
        if not inside(at, self.start_time, self.end_time):
            return False
        begun_before = self.start_time >= self.end_time > at
        return self.days is None or WEEKDAYS[local.weekday() - begun_before] in self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTable:
    """What stays cost by lines: those of the window that holds, else `lines`.

    At each `reset`, a local time, the increments and the cap begin anew. Where a window ends during an increment,
    `crossing` says how it goes on: "split" begins the other rate at once, "overpay" when the increment has run out, and
    "follow" keeps the rate of the begin. Reservations cost nothing. Immutable.

    >>> table = RateTable(currency="EUR", tz="Europe/Paris", lines=[per(3600, 200)])
    >>> at = datetime(2025, 6, 1, 10, tzinfo=UTC)
    >>> table.price(at, at + timedelta(hours=1, seconds=1)).total.format()
    '4.00'
    """

    currency: str
    tz: str
    lines: Sequence[RateLine] = ()
    windows: Sequence[Window] = ()
    daily_cap: int | None = None
    reset: time = time(0)
    crossing: Crossing = "split"
    vat: Decimal | None = None

    def __post_init__(self) -> None:
        minor_units(self.currency)
        ZoneInfo(self.tz)
        if self.crossing not in {"split", "overpay", "follow"}:
            raise ValueError(f"crossing must be 'split', 'overpay' or 'follow', got {self.crossing!r}")
        if self.daily_cap is not None:
            check_count("daily_cap", self.daily_cap)
        if self.vat is not None and not isinstance(self.vat, Decimal):
            raise TypeError(f"vat must be a Decimal or None, got {self.vat!r}")
        object.__setattr__(self, "lines", tuple(self.lines))
        object.__setattr__(self, "windows", tuple(self.windows))

    def price(self, start: datetime, end: datetime, *, reservation: bool = False) -> Bill:
        """The bill of a stay; see `Pricer`."""
        begin = start.astimezone(UTC)  # differences and orders within another zone would be those of wall clocks
        end = max(begin, end.astimezone(UTC))
        found: list[Found] = []
        if not reservation:
            given = next((line for line in self.lines_at(begin) if line.kind == "free"), None)
            if given is not None and end > begin:
                pause = timedelta(seconds=given.seconds)
                if not given.cliff or end - begin <= pause:
                    found.append((begin, min(end, begin + pause), 1, 0, given))
                    begin = min(end, begin + pause)
            zone = ZoneInfo(self.tz)
            edges = self._edges(zone, begin, end)
            for first, last in pairwise([begin, *resets(zone, begin, end, self.reset), end]):
                found += self._day(first, last, edges)
        return make_bill(self._charges(found), self.currency, tz=self.tz)

    def _day(self, begin: datetime, end: datetime, edges: Sequence[datetime]) -> list[Found]:
        """What is charged between two resets, and what the cap takes off; windows may begin or end at `edges`."""
        found: list[Found] = []
        rates = self.lines_at(begin)
        while begin < end:
            edge, following = end, rates
            for later in edges[bisect_right(edges, begin) : bisect_left(edges, end)]:
                following = self.lines_at(later)
                if following != rates:
                    edge = later
                    break
            more, run_out = self._charge(rates, begin, edge)
            found += more
            begin = max(edge, run_out) if self.crossing == "overpay" else edge
            rates = following if begin == edge else self.lines_at(begin)
        over = sum(count * value for _, _, count, value, _ in found) - (self.daily_cap or 0)
        if self.daily_cap is not None and over > 0:
            found.append((end, end, 1, -over, f"daily cap of {Money(self.daily_cap, self.currency)}"))
        return found

    def _edges(self, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
        """Where another window may hold, if that is of account."""
        if self.crossing == "follow" or not self.windows:
            return []
        times = {each for window in self.windows for each in (window.start_time, window.end_time, time())}
        return boundaries(zone, begin, end, times)

    def lines_at(self, at: datetime) -> Sequence[RateLine]:
        """The lines of the window that holds at an instant, else those of the table."""
        if not self.windows:
            return self.lines
        local = at.astimezone(ZoneInfo(self.tz))
        return next((window.lines for window in self.windows if window.holds(local)), self.lines)

    def _charge(self, rates: Sequence[RateLine], begin: datetime, end: datetime) -> tuple[list[Found], datetime]:
        """What is charged by one rate, and when the last increment that has begun runs out."""
        found: list[Found] = []
        run_out = end
        for rate in rates:
            if rate.kind == "flat":
                found.append((begin, end, 1, rate.value, rate))
            elif rate.kind == "per":
                first = begin + timedelta(seconds=rate.start_seconds)
                last = end if rate.end_seconds is None else min(end, begin + timedelta(seconds=rate.end_seconds))
                if last > first:
                    count = -((first - last) // timedelta(seconds=rate.seconds))
                    over = first + count * timedelta(seconds=rate.seconds)
                    if rate.end_seconds is not None:
                        over = min(over, begin + timedelta(seconds=rate.end_seconds))
                    found.append((first, last, count, rate.value, rate))
                    run_out = max(run_out, over)
        return found, run_out

    def _charges(self, found: Iterable[Found]) -> Iterator[Charge]:
        """What is charged, in major units, with what of it is net."""
        unit = 10 ** minor_units(self.currency)
        share = None if self.vat is None else 1 / (1 + Fraction(self.vat) / 100)
        for start, end, count, value, because in found:
            exact = Fraction(value * count, unit)
            what, net = "reduction" if value < 0 else "parking" if value else "free", share * exact if share else exact
            price = exact if count == 1 else Fraction(value, unit)
            yield Charge(what, start, end, count, price, exact, net, because, Dimension.PARKING_TIME)
