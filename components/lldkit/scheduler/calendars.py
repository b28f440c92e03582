"""Every so many years, months, weeks and days, counted from one date, so that a short month shifts nothing for good."""

import calendar as gregorian
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, final, get_args
from zoneinfo import ZoneInfo

from lldkit.arguments import check_count
from lldkit.scheduler.dst import DST, zone_of
from lldkit.scheduler.zoned import Zoned

__all__ = ["Calendar", "OnMissing", "calendar"]

OnMissing = Literal["skip", "last"]
MOST = 120_000  # months in all the years that datetime knows


class _Steps:
    """The walls `at` on the dates start, start + 1 step, start + 2 steps ... , each counted from the start.

    A step is some months and then some days. Where a month lacks the day, its last day stands for it, or nothing.
    """

    def __init__(self, start: date, months: int, days: int, at: time, on_missing: OnMissing) -> None:
        self.start, self.at, self.on_missing = start, at, on_missing
        self._months, self._days = months, days
        self._most = 3_660_000 // (months * 28 + days) + 1  # steps that certainly lead out of the years of datetime

    def after(self, wall: datetime, /) -> datetime | None:
        """The first wall strictly after `wall`."""
        return self._first_from(self._count(wall, or_equal=True), 1)

    def before(self, wall: datetime, /) -> datetime | None:
        """The last wall strictly before `wall`."""
        return self._first_from(self._count(wall, or_equal=False) - 1, -1)

    def _count(self, wall: datetime, *, or_equal: bool) -> int:
        """How many steps are before `wall`, or at it; found by halving, because their dates ascend."""
        low, high = 0, self._most
        while low < high:
            middle = (low + high) // 2
            reached = self._wall(middle)
            if reached is not None and (reached < wall or (or_equal and reached == wall)):
                low = middle + 1
            else:
                high = middle
        return low

    def _first_from(self, step: int, direction: int) -> datetime | None:
        """The wall of the first step, from `step` on in this direction, that has one."""
        while step >= 0 and (wall := self._wall(step)) is not None:
            if self.on_missing == "last" or not self._is_missing(step):
                return wall
            step += direction
        return None

    def _wall(self, step: int) -> datetime | None:
        """The wall of a step, missing or not; None beyond the year 9999."""
        year, month = self._month(step)
        if year > 9999:
            return None
        day = min(self.start.day, gregorian.monthrange(year, month)[1])
        try:
            return datetime.combine(date(year, month, day) + timedelta(days=step * self._days), self.at, UTC)
        except OverflowError:
            return None

    def _is_missing(self, step: int) -> bool:
        year, month = self._month(step)
        return self.start.day > gregorian.monthrange(year, month)[1]

    def _month(self, step: int) -> tuple[int, int]:
        years, month = divmod(self.start.month - 1 + step * self._months, 12)
        return self.start.year + years, month + 1


@final
class Calendar(Zoned):
    """A run on every so many-th date; see `calendar`."""

    def __init__(self, period: dict[str, int], steps: _Steps, zone: ZoneInfo, dst: DST) -> None:
        super().__init__(steps, zone, dst.fixed)
        self._period = {name: value for name, value in period.items() if value}
        self._steps = steps
        self._dst = dst

    def explain(self) -> str:
        """When it runs, in English."""
        steps = self._steps
        period = " and ".join(
            name.removesuffix("s") if value == 1 else f"{value} {name}" for name, value in self._period.items()
        )
        missing = "skipping months without that day" if steps.on_missing == "skip" else "or the last day of the month"
        note = f", {missing}" if steps.start.day > 28 and {"years", "months"} & set(self._period) else ""
        return f"every {period} from {steps.start} on, at {steps.at} ({self.zone.key}){note}"

    def __repr__(self) -> str:
        steps = self._steps
        period = ", ".join(f"{name}={value}" for name, value in self._period.items())
        rest = f"on_missing={steps.on_missing!r}, dst={self._dst!r}"
        return f"calendar({period}, at={steps.at}, tz={self.zone.key!r}, start={steps.start}, {rest})"


def calendar(
    *,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    at: time,
    tz: str | ZoneInfo,
    start: date,
    on_missing: OnMissing = "skip",
    dst: DST = DST.CRONOS,
) -> Calendar:
    """A trigger at one time of day, every so many years, months, weeks and days from `start`, which is the first run.

    Each date is counted from the start, months first, so monthly from 31 January is 31 March, whatever February has.
    `on_missing` says what to do in months without the day: no run ("skip") or their last day ("last"). The fixed rule
    of `dst` holds. Immutable, safe for threads; O(log n) in the number of steps.

    >>> salary = calendar(months=1, at=time(9), tz="Europe/Berlin", start=date(2028, 1, 31), on_missing="last")
    >>> [str(run.date()) for run in salary.next_runs(3, after=datetime(2028, 1, 1, tzinfo=UTC))]
    ['2028-01-31', '2028-02-29', '2028-03-31']
    """
    period = {"years": years, "months": months, "weeks": weeks, "days": days}
    for name, value in period.items():
        check_count(name, value, most=MOST)
    if not any(period.values()):
        raise ValueError("a calendar needs years, months, weeks or days above 0, got none")
    if at.tzinfo is not None or at.microsecond:
        raise ValueError(f"at must be a time of day in whole seconds and without zone, got {at!r}")
    if isinstance(start, datetime):
        raise TypeError(f"start must be a date without time, got {start!r}")
    if on_missing not in get_args(OnMissing):
        raise ValueError(f"on_missing must be 'skip' or 'last', got {on_missing!r}")
    steps = _Steps(start, 12 * years + months, 7 * weeks + days, at, on_missing)
    return Calendar(period, steps, zone_of(tz), dst)
