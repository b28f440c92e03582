"""A timeline as SVG: a column for each thread, time downwards, held locks as bars, the fatal switch in red."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lldkit.charts.svg import EDGE, document, label, tag
from lldkit.interleave.timeline import Row, Timeline

__all__ = ["draw"]

_ROW, _TOP, _WIDTH, _BAR = 20.0, 74.0, 760, 5.0  # pixels
_TEXT = 330.0  # room for the text of the last column
_LETTER = 7.0
_TAKES = re.compile(r"(acquires in time|acquires|tries to acquire) (.+)")
_TONES = ("one", "two", "three", "quiet")


@dataclass(slots=True)
class _Held:
    """A lock in the hands of a thread, from row `start` to row `end`."""

    lock: str
    thread: str
    start: int
    end: int | None
    surely: bool
    """It was not only tried for."""


def draw(timeline: Timeline, title: str = "") -> str:
    """Return the picture."""
    rows = list(timeline.shown())
    names = timeline.threads
    column = min(360.0, (_WIDTH - 3 * EDGE - _TEXT) / max(1, len(names) - 1))
    at = {name: 3 * EDGE + index * column for index, name in enumerate(names)}
    bottom = _TOP + len(rows) * _ROW
    body = [label(title, EDGE, 28, "ink title")]
    for name, x in at.items():
        body.append(tag("line", class_="grid", x1=x - 8, x2=x - 8, y1=_TOP - 12, y2=bottom, stroke="currentColor"))
        body.append(label(name, x, _TOP - 20, "ink"))
    locks, held = _locks(rows), list(_held(rows))
    body += [_bar(one, at[one.thread], locks[one.lock], len(rows)) for one in held]
    body += _switches(rows, at)
    for place, row in enumerate(rows):
        body += _row(row, at, _TOP + place * _ROW)
    for lock, order in locks.items():
        bottom += _ROW
        tone = _TONES[order % len(_TONES)]
        body.append(tag("rect", class_=tone, x=EDGE, y=bottom - 9, width=_BAR, height=12, fill="currentColor"))
        body.append(label(f"{lock} is held", 2 * EDGE, bottom))
    told = f"{len(rows)} rows of threads {', '.join(names)}"
    return document(title or "Threads over time", body, width=_WIDTH, height=bottom + EDGE, description=told)


def _row(row: Row | None, at: dict[str, float], y: float) -> Iterator[str]:
    if row is None:
        yield label("…", EDGE, y + 4)
        return
    x = at[row.thread]
    room = int((_WIDTH - EDGE - x) / _LETTER)
    text = row.line.text or str(row.line)
    yield label(str(row.step), EDGE, y + 4)
    yield label(text if len(text) <= room else text[: room - 1] + "…", x, y + 4, "ink")
    event, used = f"· {row.event}", (len(text) + 1) * _LETTER
    if used + len(event) * _LETTER <= _WIDTH - EDGE - x:
        yield label(event, x + used, y + 4)


def _switches(rows: Sequence[Row | None], at: dict[str, float]) -> Iterator[str]:
    """Yield a line from column to column wherever control passes on."""
    fatal = _fatal(rows)
    for place in range(1, len(rows)):
        before, row = rows[place - 1], rows[place]
        if before is None or row is None or before.thread == row.thread:
            continue
        y, tone = _TOP + (place - 0.5) * _ROW, "bad" if place == fatal else "quiet"
        start, end = at[before.thread] - 8, at[row.thread] - 8
        width = 2 if place == fatal else 1
        yield tag("line", class_=tone, x1=start, x2=end, y1=y, y2=y, stroke="currentColor", stroke_width=width)
        yield tag("circle", class_=tone, cx=end, cy=y, r=3, fill="currentColor")


def _fatal(rows: Sequence[Row | None]) -> int:
    """Return the row before which a thread was interrupted for the last time; 0 where nobody was.

    Interrupted is a thread that goes on later. Where none does, as in a deadlock, the last switch is the one.
    """
    later: set[str] = set()
    last = 0
    for place in range(len(rows) - 1, 0, -1):
        before, row = rows[place - 1], rows[place]
        if row is not None:
            later.add(row.thread)
        if before is not None and row is not None and before.thread != row.thread:
            last = last or place
            if before.thread in later:
                return place
    return last


def _locks(rows: Sequence[Row | None]) -> dict[str, int]:
    """Return the locks that are taken, numbered in the order of their first use."""
    locks: dict[str, int] = {}
    for one in _held(rows):
        locks.setdefault(one.lock, len(locks))
    return locks


def _held(rows: Sequence[Row | None]) -> Iterator[_Held]:
    """Yield who held which lock and when; what was tried for counts if it was given back."""
    held: dict[tuple[str, str], _Held] = {}
    every: list[_Held] = []
    for place, row in enumerate(rows):
        for event in row.event.split(", ") if row is not None else ():
            thread = row.thread if row is not None else ""
            taken = _TAKES.fullmatch(event)
            if taken is not None:
                one = _Held(taken[2], thread, place, None, surely=taken[1] == "acquires")
                held[thread, taken[2]] = one
                every.append(one)
            elif event.startswith("releases ") and (thread, event[9:]) in held:
                held.pop((thread, event[9:])).end = place
    yield from (one for one in every if one.surely or one.end is not None)


def _bar(held: _Held, x: float, order: int, rows: int) -> str:
    y = _TOP + held.start * _ROW - 8
    end = _TOP + (rows - 1 if held.end is None else held.end) * _ROW + 8
    left = x - 12 - (_BAR + 1) * (order + 1)
    tone = _TONES[order % len(_TONES)]
    return tag("rect", class_=tone, x=left, y=y, width=_BAR, height=end - y, rx=2, fill="currentColor")
