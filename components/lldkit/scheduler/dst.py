"""What a change of the clocks does to a schedule, as a policy that is chosen by name.

What the clock of a zone shows is a *wall*. Where the offset from UTC grows, walls are left out (a gap); where it
shrinks, walls come twice (a fold). Between two changes a wall is an instant plus a constant. So all of time is made of
`Piece`s, each a range of walls with one offset, and a policy only says where the pieces around a change begin and end.

Instants and walls are both datetimes in UTC here: a wall is the one that reads as the clock does, so that the offset is
all that lies between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import ClassVar, Literal, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo

from lldkit.scheduler.interface import UnknownZone

__all__ = ["DST", "Change", "Fold", "Gap", "Piece", "Rule", "changes", "pieces", "utc", "zone_of"]

DAY = timedelta(days=1)
STRIDE = 3 * DAY  # no zone has ever changed its offset twice within this
SECOND = timedelta(seconds=1)

Gap: TypeAlias = Literal["after", "skip", "shift"]
"""A wall in a gap runs at the gap's end, once for all of them; not at all; or as long after the end as it is after the
start."""
Fold: TypeAlias = Literal["first", "second", "both"]
"""Which of the two instants of a repeated wall run."""
Rule: TypeAlias = tuple[Gap, Fold]


@dataclass(frozen=True, slots=True)
class DST:
    """What happens in gaps and folds: a rule for fixed times, and one for expressions that repeat like an interval.

    An expression is like an interval when its second, minute or hour has `*`, `-` or `/` ("any"), or when its minute or
    hour begins with `*` ("star"). `DST.CRONOS` is the default: a nightly job runs exactly once every night, an hourly
    one every hour. `VIXIE` is Debian's cron, `SKIP_ONCE` never runs twice and leaves gaps out, `WALL` follows the clock
    on the wall blindly.
    """

    fixed: Rule
    interval: Rule
    interval_like: Literal["star", "any"] = "any"

    CRONOS: ClassVar["DST"]
    VIXIE: ClassVar["DST"]
    SKIP_ONCE: ClassVar["DST"]
    WALL: ClassVar["DST"]

    def __post_init__(self) -> None:
        for name, (gap, fold) in (("fixed", self.fixed), ("interval", self.interval)):
            if gap not in get_args(Gap):
                raise ValueError(f"the gap of {name} must be one of {get_args(Gap)}, got {gap!r}")
            if fold not in get_args(Fold):
                raise ValueError(f"the fold of {name} must be one of {get_args(Fold)}, got {fold!r}")
        if self.interval_like not in ("star", "any"):
            raise ValueError(f"interval_like must be 'star' or 'any', got {self.interval_like!r}")


DST.CRONOS = DST(fixed=("after", "first"), interval=("after", "both"))
DST.VIXIE = DST(fixed=("after", "first"), interval=("skip", "both"), interval_like="star")
DST.SKIP_ONCE = DST(fixed=("skip", "first"), interval=("skip", "first"))
DST.WALL = DST(fixed=("skip", "both"), interval=("skip", "both"))


def zone_of(tz: str | ZoneInfo) -> ZoneInfo:
    """The zone of this name; UnknownZone where the machine's database has none."""
    if isinstance(tz, ZoneInfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):  # not there; no path inside the database; a folder of it
        raise UnknownZone(tz) from None


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where differences are those of time; a ValueError for a naive moment."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment must be aware, as datetime.now(UTC) is, got {moment!r}")
    return moment.astimezone(UTC)


class Change(NamedTuple):
    """From the instant `at` on the zone's clock is `after` ahead of UTC, and was `before` until then."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def leaves(self) -> datetime:
        """The wall at which the clock is set."""
        return self.at + self.before

    @property
    def enters(self) -> datetime:
        """The wall to which it is set."""
        return self.at + self.after


def changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes of offset in (start, end]."""
    offset = _offset(zone, start)
    while start < end:
        until = min(start + STRIDE, end)
        if (later := _offset(zone, until)) != offset:
            yield Change(_first_with(zone, start, until, later), offset, later)
        start, offset = until, later


def _first_with(zone: tzinfo, before: datetime, at: datetime, offset: timedelta) -> datetime:
    """The first whole second after `before`, at most `at`, from which on the offset is `offset`."""
    low, high = 0, -(-(at - before) // SECOND)
    base = before.replace(microsecond=0)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, base + middle * SECOND) == offset:
            high = middle
        else:
            low = middle
    return base + high * SECOND


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


class Piece(NamedTuple):
    """The walls from `first` until before `end`, and their instants: `offset` behind them, or all of them at `at`."""

    first: datetime
    end: datetime
    offset: timedelta
    at: datetime | None = None

    def instant(self, wall: datetime) -> datetime:
        """When this wall is due."""
        return wall - self.offset if self.at is None else self.at


def pieces(zone: ZoneInfo, start: datetime, end: datetime, rule: Rule) -> list[Piece]:
    """The pieces under `rule` that hold all runs of the instants [start, end).

    They begin two days early, because what a change moves may fall behind it; no change is larger than a day.
    """
    gap, fold = rule
    start -= 2 * DAY
    offset = _offset(zone, start)
    first = start + offset
    found = []
    for change in changes(zone, start, end):
        leaves, enters = change.leaves, change.enters
        if enters > leaves:
            found.append(Piece(first, leaves, offset))
            if gap == "after":
                found.append(Piece(leaves, enters, offset, change.at))
            elif gap == "shift":
                found.append(Piece(leaves, enters, offset))
            first = enters
        else:
            found.append(Piece(first, enters if fold == "second" else leaves, offset))
            first = leaves if fold == "first" else enters
        offset = change.after
    found.append(Piece(first, end + offset, offset))
    return found
