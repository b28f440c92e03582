"""Triggers that are told by walls, and when these are due as instants of their zone."""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from lldkit.scheduler.dst import DAY, Piece, Rule, pieces, utc
from lldkit.scheduler.triggers import TICK, BaseTrigger

__all__ = ["Walls", "Zoned"]

WINDOW = 4 * DAY  # how far the search looks at once; beyond it jumps to where the next wall is

NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Walls(Protocol):
    """An ascending sequence of walls, in whole seconds; see `lldkit.scheduler.dst` for how walls are written."""

    def after(self, wall: datetime, /) -> datetime | None:
        """The first one strictly after `wall`."""
        ...

    def before(self, wall: datetime, /) -> datetime | None:
        """The last one strictly before `wall`."""
        ...


class Zoned(BaseTrigger):
    """Runs at the walls of a zone, with a rule for its gaps and folds.

    Most of the time no clock changes, and a run is a wall minus the offset. Only near a change are the pieces of time
    looked at one by one; then the earliest run of all of them is the next.
    """

    def __init__(self, walls: Walls, zone: ZoneInfo, rule: Rule) -> None:
        self.walls = walls
        self.zone = zone
        self.rule = rule
        self._quiet = (NEVER, NEVER, timedelta())  # instants and their one offset; a whole new tuple each time

    def next(self, after: datetime, /) -> datetime | None:
        """The first run strictly after `after`; as `BaseTrigger.next`."""
        start = utc(after)
        try:
            begins, ends, offset = self._quiet
            if begins <= start < ends:
                wall = self.walls.after(start + offset)
                if wall is None:
                    return None
                if (run := wall - offset) < ends:
                    return self._aware(run)
                start = _beyond(ends, run)
            return self._next_near_changes(start)
        except OverflowError:  # datetime ends with the year 9999, and the search some days before
            return None

    def _next_near_changes(self, start: datetime) -> datetime | None:
        while True:
            end = start + WINDOW
            found = self._pieces(start, end)
            if runs := [run for piece in found if (run := self._first(piece, start)) is not None]:
                return self._aware(min(runs))
            offset = found[-1].offset
            wall = self.walls.after(end + offset - TICK)
            if wall is None:
                return None
            start = _beyond(end, wall - offset)

    def _first(self, piece: Piece, start: datetime) -> datetime | None:
        """The first run of the piece after the instant `start`."""
        known = piece.first - TICK if piece.at else max(piece.first - TICK, start + piece.offset)
        wall = self.walls.after(known)
        if wall is None or wall >= piece.end:
            return None
        run = piece.instant(wall)
        return run if run > start else None

    def prev(self, before: datetime, /) -> datetime | None:
        """The last run strictly before `before`; as `BaseTrigger.prev`."""
        end = utc(before)
        try:
            while True:
                start = end - WINDOW
                found = self._pieces(start, end)
                if runs := [run for piece in found if (run := self._last(piece, end)) is not None]:
                    return self._aware(max(runs))
                wall = self.walls.before(found[0].first)
                if wall is None:
                    return None
                end = min(start, wall - found[0].offset + DAY)
        except OverflowError:
            return None

    def _last(self, piece: Piece, end: datetime) -> datetime | None:
        """The last run of the piece before the instant `end`."""
        known = piece.end if piece.at else min(piece.end, end + piece.offset)
        wall = self.walls.before(known)
        if wall is None or wall < piece.first:
            return None
        run = piece.instant(wall)
        return run if run < end else None

    def _pieces(self, start: datetime, end: datetime) -> list[Piece]:
        found = pieces(self.zone, start, end, self.rule)
        if len(found) == 1:
            self._quiet = (start, end, found[0].offset)
        return found

    def _aware(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)


def _beyond(end: datetime, run: datetime) -> datetime:
    """From where to look on, if nothing is due before `end`, and `run` is next unless a change moves it."""
    return max(end - TICK, run - DAY)
