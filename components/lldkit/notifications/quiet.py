"""Quiet hours: a time of the recipient's day in which nothing is sent that can wait."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lldkit.arguments import check_count
from lldkit.notifications.windows import zone_of

__all__ = ["QuietHours"]

DAY = timedelta(days=1)
SEARCH = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end`, wall times such as "22:00", the end not included, over midnight if the end comes first.

    `weekdays` (0 for Sunday to 6) name the days on which they start; None: all. Where the clocks skip the start or the
    end it is the instant of the jump; where they repeat, the start is the first and the end the second of the two, so
    that nothing is let go twice.

    >>> night = QuietHours("22:00", "07:00")
    >>> night.until(datetime(2024, 7, 1, 23, 0, tzinfo=UTC), "UTC")
    datetime.datetime(2024, 7, 2, 7, 0, tzinfo=datetime.timezone.utc)
    """

    start: str
    end: str
    weekdays: tuple[int, ...] | None = field(default=None, kw_only=True)
    _start: time = field(init=False, repr=False, compare=False)
    _end: time = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        start, end = _wall_time("start", self.start), _wall_time("end", self.end)
        if start == end:
            raise ValueError(f"start and end must differ, got {self.start!r} for both; quiet for ever is an opt-out")
        for day in self.weekdays or ():
            check_count("weekdays", day, most=6)
        if self.weekdays is not None:
            object.__setattr__(self, "weekdays", tuple(self.weekdays))
        object.__setattr__(self, "_start", start)
        object.__setattr__(self, "_end", end)

    def interval(self, first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """When the quiet time that starts on that day begins and ends."""
        last = first if self._start < self._end else first + DAY
        begins = _instant(datetime.combine(first, self._start), zone, fold=0)
        return begins, _instant(datetime.combine(last, self._end), zone, fold=1)

    def until(self, instant: datetime, zone: str) -> datetime | None:
        """None if the instant (aware) is not quiet in that zone, else the one (UTC) at which quiet ends."""
        now = instant.astimezone(UTC)
        for begins, ends in _around(self, zone, now.date()):
            if begins <= now < ends:
                return ends
        return None


@lru_cache(maxsize=4_096)
def _around(quiet: QuietHours, zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """The quiet times (UTC) around a day, those joined that meet: where a day is skipped one follows the other."""
    where = zone_of(zone)
    found: list[tuple[datetime, datetime]] = []
    for first in (day + number * DAY for number in (-2, -1, 0, 1, 2)):
        if quiet.weekdays is None or first.isoweekday() % 7 in quiet.weekdays:
            begins, ends = quiet.interval(first, where)
            if found and found[-1][1] >= begins:
                begins = found.pop()[0]
            if begins < ends:
                found.append((begins, ends))
    return found


def _wall_time(name: str, text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is not None or len(text) != len("22:00"):
        raise ValueError(f"{name} must be a wall time such as '22:00', got {text!r}")
    return found


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    """When the wall shows this; of two such instants the first or (fold=1) the second, in a gap that of the jump."""
    early, late = (wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if early <= late:
        return late if fold else early
    low, high = late, early  # in a gap the two readings stand on either side of the jump
    before = low.astimezone(zone).utcoffset()
    while high - low > SEARCH:
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)
