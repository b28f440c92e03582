"""When a level is due for review: 1, 3, 7 and 21 days after it was green, each time from the stub; pure.

The first wait begins when the level is first green, each further one when a review of it is green; after the fourth
review nothing is due any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["DAYS", "Due", "due", "lines", "schedule"]

DAYS = (1, 3, 7, 21)


@dataclass(frozen=True, slots=True)
class Due:
    """Level `level` of `kata` is to be redone from `at` (aware UTC) on, for the time number `times`."""

    at: datetime
    kata: str
    level: int
    times: int


def schedule(entries: Iterable[dict[str, Any]]) -> list[Due]:
    """The next review of every level that has been green, the earliest first, folded from the journal."""
    passed: dict[tuple[str, int], tuple[datetime, int]] = {}  # when it was green last, and how many reviews were
    under_review: dict[str, int] = {}
    for entry in entries:
        kata, event = entry["kata"], entry["event"]
        if event == "review":
            under_review[kata] = entry["level"]
        elif event == "check" and entry.get("reached", 0) > 0:
            at, reached = datetime.fromisoformat(entry["at"]), entry["reached"]
            redone = under_review.get(kata, 0)
            for level in range(1, reached + 1):
                before = passed.setdefault((kata, level), (at, 0))
                if level <= redone <= reached and (wait := _next(*before)) is not None and wait <= at:
                    passed[kata, level] = (at, before[1] + 1)
            if reached >= redone:
                under_review.pop(kata, None)
    found = [
        Due(wait, kata, level, done + 1)
        for (kata, level), (at, done) in passed.items()
        if (wait := _next(at, done)) is not None
    ]
    return sorted(found, key=lambda item: (item.at, item.kata, item.level))


def due(entries: Iterable[dict[str, Any]], now: datetime) -> list[Due]:
    """The reviews whose time has come."""
    return [item for item in schedule(entries) if item.at <= now]


def lines(waiting: Iterable[Due], now: datetime) -> Iterator[str]:
    """The reviews for a reader: which kata up to which level, and when."""
    latest: dict[tuple[str, bool], Due] = {}
    for item in waiting:
        key = (item.kata, item.at <= now)
        if key not in latest or item.level > latest[key].level:
            latest[key] = item
    for item in latest.values():
        when = "due" if item.at <= now else f"on {item.at:%Y-%m-%d}"
        yield f"{item.kata:18} level {item.level}, review {item.times} of {len(DAYS)}: {when}"
    yield "Redo one from the stub: lldkit kata review NAME" if latest else "Nothing waits for a review yet."


def _next(at: datetime, done: int) -> datetime | None:
    return at + timedelta(days=DAYS[done]) if done < len(DAYS) else None
