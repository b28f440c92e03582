"""What looks wrong about a price list before anybody parks: found by pricing stays around every boundary of a year."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from lldkit.parking_lot.bill import Dimension, Pricer
from lldkit.parking_lot.calendar import boundaries, inside, transitions
from lldkit.parking_lot.ocpi import Restrictions, Tariff
from lldkit.parking_lot.ocpi_pricing import Situation, elements_for
from lldkit.parking_lot.ratetable import RateLine, RateTable

__all__ = ["Finding", "lint"]

SECOND, DAY, WEEK = timedelta(seconds=1), timedelta(days=1), timedelta(days=7)
TIMES = {Dimension.PARKING_TIME, Dimension.TIME}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: `code` is NON_MONOTONE, GAP, UNREACHABLE, CLIFF or DST; `at` are instants that show it."""

    code: str
    message: str
    at: tuple[datetime, ...]


def lint(pricer: Pricer, *, year: int = 2026) -> list[Finding]:
    """What a `Tariff` or a `RateTable` does that its author may not have meant, with dates in `year`.

    NON_MONOTONE: a longer stay costs less. GAP: a time without a price. UNREACHABLE: an element or a window that an
    earlier one always hides. CLIFF: one second more costs much at once. DST: a window that vanishes or doubles in a
    night.
    """
    if isinstance(pricer, Tariff):
        found = [
            _non_monotone(pricer, year),
            _gap(pricer, year),
            *_unreachable(pricer, year),
            _flat_cliff(pricer, year),
        ]
        windows = [(r.start_time or time(), r.end_time or time()) for r in _restrictions(pricer)]
        return [each for each in [*found, *_dst(pricer.tz, windows, year)] if each is not None]
    if isinstance(pricer, RateTable):
        spans = [(window.start_time, window.end_time) for window in pricer.windows]
        edges = _week(pricer.tz, {time(), *(each for span in spans for each in span)}, year)
        return [*_table_findings(pricer, edges), *_dst(pricer.tz, spans, year)]
    raise TypeError(f"lint reads a Tariff or a RateTable, got {pricer!r}")


def _restrictions(tariff: Tariff) -> Iterable[Restrictions]:
    return (element.restrictions for element in tariff.elements)


def _non_monotone(tariff: Tariff, year: int) -> Finding | None:
    """Stays that end just before and just after a boundary; a long step before it makes the first one dearer."""
    steps = {component.step_size for element in tariff.elements for component in element.components} - {1}
    if not steps:
        return None
    for start, end in _stays(tariff, year, steps):
        sooner, later = tariff.price(start, end), tariff.price(start, end + SECOND)
        if later.exact < sooner.exact:
            says = f"from {start:%a %H:%M:%S}: {sooner.total} until {end:%H:%M:%S}, {later.total} one second later"
            return Finding("NON_MONOTONE", says, (end, end + SECOND))
    return None


def _stays(tariff: Tariff, year: int, steps: set[int]) -> Iterator[tuple[datetime, datetime]]:
    """Starts and ends of stays that end at a boundary, with a step just begun."""
    durations = {
        seconds for r in _restrictions(tariff) for seconds in (r.min_duration, r.max_duration) if seconds is not None
    }
    edges = _edges(tariff, year)
    lengths = {1, *(step * n + 1 for step in steps for n in (0, 1, 2, 5)), *(each + 1 for each in durations)}
    lengths |= {3_600 * hours + 1 for hours in range(1, 24)}
    for end in edges:
        yield from ((end - length * SECOND, end) for length in sorted(lengths))
    for start in edges[:20]:
        yield from ((start, start + duration * SECOND) for duration in sorted(durations))


def _edges(tariff: Tariff, year: int) -> list[datetime]:
    """Boundaries of the wall clock in a week of the year, or around the dates that the tariff names."""
    times = {time()} | {at for r in _restrictions(tariff) for at in (r.start_time, r.end_time) if at is not None}
    dates = [day for r in _restrictions(tariff) for day in (r.start_date, r.end_date) if day is not None]
    near = [datetime.combine(day, time(), UTC) - DAY for day in dates]
    more = (boundaries(ZoneInfo(tariff.tz), begin, begin + 2 * DAY, times) for begin in near)
    return sorted({*_week(tariff.tz, times, year), *(each for edges in more for each in edges)})


def _week(tz: str, times: Collection[time], year: int) -> list[datetime]:
    """The instants of the first full week of a year at which the wall clock shows one of `times`."""
    monday = datetime(year, 1, 5, tzinfo=UTC)
    return boundaries(ZoneInfo(tz), monday, monday + WEEK, times)


def _when(tariff: Tariff, restrictions: Restrictions, year: int) -> datetime:
    """A time at which the restrictions hold for somebody who has stayed long enough, if there is one in the week."""
    zone, edges = ZoneInfo(tariff.tz), _edges(tariff, year)
    seconds, kwh = Fraction(restrictions.min_duration or 0), Fraction(restrictions.min_kwh or 0)
    held = (each for each in edges if restrictions.hold(Situation(each.astimezone(zone), seconds, kwh)))
    return next(held, edges[0])


def _gap(tariff: Tariff, year: int) -> Finding | None:
    """The first time of the week at which a stay that has lasted for some seconds has no price by time."""
    zone = ZoneInfo(tariff.tz)
    priced = [e for _, e in elements_for(tariff, False) if TIMES & {each.type for each in e.components}]
    durations = {0, *(r.max_duration for r in _restrictions(tariff) if r.max_duration is not None)}
    edges = _edges(tariff, year)
    for begin, end in pairwise([*edges, edges[-1] + DAY]):
        for seconds in sorted(durations):
            now = Situation(begin.astimezone(zone), Fraction(seconds), Fraction(0))
            if not any(e.restrictions.hold(now) for e in priced):
                says = (
                    f"no price by time {f'after {seconds} s ' if seconds else ''}from {begin.astimezone(zone):%a %H:%M}"
                )
                return Finding("GAP", says, (begin, end))
    return None


def _unreachable(tariff: Tariff, year: int) -> Iterator[Finding]:
    seen: list[tuple[Dimension, Restrictions]] = []
    for number, element in enumerate(tariff.elements, 1):
        mine = element.restrictions
        hiding = (mine, Restrictions(reservation=mine.reservation))
        hidden = [any(kind is each.type and other in hiding for kind, other in seen) for each in element.components]
        if hidden and all(hidden):
            says = f"element {number} is hidden by earlier ones that always match where it does"
            yield Finding("UNREACHABLE", says, (_when(tariff, mine, year),))
        seen += [(component.type, mine) for component in element.components]


def _flat_cliff(tariff: Tariff, year: int) -> Finding | None:
    for number, element in enumerate(tariff.elements, 1):
        least = element.restrictions.min_duration
        if least and any(each.type is Dimension.FLAT and each.price for each in element.components):
            end = _when(tariff, element.restrictions, year)
            says = f"element {number}: a flat price falls due at once after {least} s"
            return Finding("CLIFF", says, (end, end + SECOND))
    return None


def _table_findings(table: RateTable, edges: Sequence[datetime]) -> Iterator[Finding]:
    """Cliffs, gaps and hidden windows of a rate table, by what holds after each edge of a week."""
    holding = [(begin, end, table.lines_at(begin)) for begin, end in pairwise(edges)]
    for line in dict.fromkeys(line for _, _, lines in holding for line in lines if line.kind == "free" and line.cliff):
        begin = next(begin for begin, _, lines in holding if line in lines) + line.seconds * SECOND
        says = f"a stay of {line.seconds} s is free, and one second more is charged from its begin"
        yield Finding("CLIFF", says, (begin, begin + SECOND))
    for begin, end, lines in holding:
        if (seconds := _unpriced(lines)) is not None:
            local, after = begin.astimezone(ZoneInfo(table.tz)), f"after {seconds} s " if seconds else ""
            yield Finding("GAP", f"no price {after}from {local:%a %H:%M}", (begin, end))
            break
    for number, window in enumerate(table.windows, 1):
        inside_it = [begin for begin, _, _ in holding if window.holds(begin.astimezone(ZoneInfo(table.tz)))]
        if inside_it and not any(table.lines_at(begin) is window.lines for begin in inside_it):
            yield Finding("UNREACHABLE", f"window {number} is hidden by earlier ones", (inside_it[0],))


def _unpriced(lines: Sequence[RateLine]) -> int | None:
    """After how many seconds nothing is charged any more, if ever."""
    if any(line.kind == "flat" for line in lines):
        return None
    spans = [(line.start_seconds, line.end_seconds) for line in lines if line.kind == "per"]
    for seconds in sorted({0, *(end for _, end in spans if end is not None)}):
        if not any(start <= seconds and (end is None or seconds < end) for start, end in spans):
            return seconds
    return None


def _dst(tz: str, windows: Sequence[tuple[time, time]], year: int) -> Iterator[Finding]:
    """Windows that lie in an hour which a night lacks, or has twice."""
    zone = ZoneInfo(tz)
    begin = datetime(year, 1, 1, tzinfo=UTC)
    for jump in transitions(zone, begin, begin + 366 * DAY):
        before, after = (jump - SECOND).astimezone(zone), jump.astimezone(zone)
        shift = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        for start, end in dict.fromkeys(windows):
            if start == end:
                continue
            if shift > timedelta() and _in(start, before, after) and _in(end, before, after, closed=True):
                yield Finding(
                    "DST", f"{start:%H:%M}-{end:%H:%M} vanishes: clocks go from it over to {after:%H:%M}", (jump,)
                )
            if shift < timedelta() and inside(after.time(), start, end):
                yield Finding("DST", f"{start:%H:%M}-{end:%H:%M} holds {after:%H:%M} twice", (jump,))


def _in(at: time, before: datetime, after: datetime, *, closed: bool = False) -> bool:
    """Whether a local time is in the gap between two wall clock readings."""
    first, last = (before + SECOND).replace(tzinfo=None).time(), after.time()
    return first <= at < last or (closed and at == last)
