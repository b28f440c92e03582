"""What a run looked like: one column per thread, time downwards, a row for every step."""

import itertools
import json
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Line", "Row", "Timeline"]

_SHOWN_ROWS = 60
_LAST_COLUMN = 56


@dataclass(frozen=True, slots=True)
class Line:
    """A line of source."""

    file: str
    """The last part of its path."""
    number: int
    text: str

    @classmethod
    def at(cls, path: str, number: int) -> "Line":
        """Read the line from the file at `path`, where that still exists."""
        return cls(path.replace("\\", "/").rsplit("/", 1)[-1], number, linecache.getline(path, number).strip())

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Row:
    """One step of one thread."""

    step: int
    thread: str
    line: Line
    event: str
    time: float
    """Virtual seconds since the run began."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of a run."""

    threads: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_text(self, width: int = 100) -> str:
        """Draw it for a terminal: steps at the left, a `▸` where control passes to another thread.

        A row says what one thread does, so that it may run on to the right over the columns of the others.
        """
        columns = max(1, len(self.threads))
        indent = max(8, min((width - 7) // columns, (width - 7 - _LAST_COLUMN) // max(1, columns - 1)))
        lines = [" step  " + "".join(f"  {name}".ljust(indent) for name in self.threads)]
        previous = ""
        for row in self.shown():
            if row is None:
                lines.append("    …")
                continue
            mark = "▸ " if row.thread != previous else "  "
            at = " " * (indent * self.threads.index(row.thread))
            line = f"{row.step:5}  {at}{mark}{row.line.text or row.line}  · {row.event}"
            lines.append(line if len(line) <= width else line[: width - 1] + "…")
            previous = row.thread
        return "\n".join(line.rstrip() for line in lines)

    def shown(self) -> Iterator[Row | None]:
        """Yield the rows of a picture: several steps of one thread on one line become one; `None` marks a gap."""
        grouped = [_merged(list(rows)) for _, rows in itertools.groupby(self.rows, lambda row: (row.thread, row.line))]
        if len(grouped) <= _SHOWN_ROWS:
            yield from grouped
            return
        yield from grouped[: _SHOWN_ROWS // 3]
        yield None
        yield from grouped[-2 * _SHOWN_ROWS // 3 :]

    def to_json(self) -> str:
        """Return it as one JSON document: `{"threads": [...], "rows": [{"step", "thread", "file", "line", ...}]}`."""
        rows = [
            {
                "step": row.step,
                "thread": row.thread,
                "file": row.line.file,
                "line": row.line.number,
                "text": row.line.text,
                "event": row.event,
                "time": row.time,
            }
            for row in self.rows
        ]
        return json.dumps({"threads": list(self.threads), "rows": rows}, indent=1)

    def to_svg(self, title: str = "") -> str:
        """Draw it as an SVG document, with the locks that are held as bars and the fatal switch marked."""
        from lldkit.interleave.drawing import draw

        return draw(self, title)


def _merged(rows: Sequence[Row]) -> Row:
    """Return the rows of one stretch on one line as a single row, at the step of the first."""
    events = ", ".join(dict.fromkeys(row.event for row in rows))
    first = rows[0]
    return Row(first.step, first.thread, first.line, events, first.time)
