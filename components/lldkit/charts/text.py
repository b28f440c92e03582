"""Figures as lines of text: the first curve of a panel as a filled area in eighths of a cell, the others as dots."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lldkit.charts.marks import Band, Bars, Blocks, Line, Panel, Rule, Ticks
from lldkit.charts.svg import Scale, number, plain_text, steps

__all__ = ["write"]

PIXELS_OF_A_ROW = 15


class Glyphs(NamedTuple):
    """What cells are made of; `ramp` goes from empty to full in nine steps, `dots` are for the second curve and on."""

    ramp: str
    dots: str
    rule: str
    band: str
    corner: str
    flat: str


BLOCKS = Glyphs(ramp=" ▁▂▃▄▅▆▇█", dots="●○◆", rule="╌", band="░", corner="└", flat="─")
ASCII = Glyphs(ramp=" ..::||##", dots="ox*", rule="-", band="%", corner="+", flat="-")


def write(
    title: str, panels: Sequence[Panel | Bars], x: tuple[float, float], *, x_label: str, width: int, ascii_only: bool
) -> list[str]:
    """The whole figure."""
    glyphs = ASCII if ascii_only else BLOCKS
    left = margin(panels, width)
    lines = [title]
    axis = next((panel for panel in reversed(panels) if isinstance(panel, Panel)), None)
    for panel in panels:
        lines += ["", *(bars(panel, left, width, glyphs) if isinstance(panel, Bars) else [])]
        if isinstance(panel, Panel):
            lines += marks(panel, Scale(*x, 0, width - left - 1), left, glyphs)
        if panel is axis:
            lines += x_axis(Scale(*x, 0, width - left - 2), x_label, left, glyphs)
    printable = (plain_text(line)[:width].rstrip() for line in lines)
    return [line.encode("ascii", "replace").decode() if ascii_only else line for line in printable]


def margin(panels: Sequence[Panel | Bars], width: int) -> int:
    """Columns at the left for the longest label there, and a space."""
    names = [row.label for panel in panels if isinstance(panel, Bars) for row in panel.rows]
    for panel in panels:
        if isinstance(panel, Panel):
            names += [number(y) for y in panel.y_range()] + [ticks.name for ticks in panel.each(Ticks)]
    return min(width // 3, max(map(len, names), default=0) + 2) + 1


def aside(text: str, left: int) -> str:
    """A label in the margin."""
    return f"{text[: left - 1]:>{left - 1}} "


def bars(panel: Bars, left: int, width: int, glyphs: Glyphs) -> Iterator[str]:
    """The rows: label, bar, and the text at its end, for which room is kept."""
    if panel.label:
        yield panel.label
    room = max(8, width - left - 1 - max((len(row.text) for row in panel.rows), default=0))
    for row in panel.rows:
        yield f"{aside(row.label, left)}{glyphs.ramp[8] * max(1, round(room * panel.share(row)))} {row.text}"


def marks(panel: Panel, to_x: Scale, left: int, glyphs: Glyphs) -> Iterator[str]:
    """One panel: its head, lanes, and plot."""
    legend = [f"{glyph} {name}" for glyph, name in key(panel, glyphs) if name]
    if panel.label or legend:
        yield "   ".join([part for part in [panel.label] if part] + legend)
    columns = int(to_x.end)
    shaded = {c for band in panel.each(Band) for c in range(int(to_x(band.start)), math.ceil(to_x(band.end)))}
    ground = [glyphs.band if column in shaded else " " for column in range(columns)]
    for ticks in panel.each(Ticks):
        yield aside(ticks.name, left) + "".join(lane(ticks, to_x, ground, glyphs))
    if not panel.is_only_lanes:
        yield from plot(panel, to_x, ground, left, glyphs)


def key(panel: Panel, glyphs: Glyphs) -> Iterator[tuple[str, str]]:
    """Each glyph of the plot with its name."""
    for index, name in enumerate([mark.name for mark in panel.each(Blocks)] + [mark.name for mark in panel.each(Line)]):
        yield curve_glyph(index, glyphs), name
    for rule in panel.each(Rule):
        yield glyphs.rule, rule.name
    for band in panel.each(Band):
        yield glyphs.band, band.name


def curve_glyph(index: int, glyphs: Glyphs) -> str:
    """A full cell for the first curve, a dot of its own for each other."""
    return glyphs.ramp[8] if index == 0 else glyphs.dots[(index - 1) % len(glyphs.dots)]


def lane(ticks: Ticks, to_x: Scale, ground: Sequence[str], glyphs: Glyphs) -> Iterator[str]:
    """One cell per column, the higher the more events fall into it."""
    last = len(ground) - 1
    counts = Counter(min(last, int(to_x(x))) for x in ticks.at if to_x.low <= x <= to_x.high)
    most = max(4, *counts.values(), 4)
    for column, empty in enumerate(ground):
        yield glyphs.ramp[math.ceil(8 * counts[column] / most)] if counts[column] else empty


def plot(panel: Panel, to_x: Scale, ground: Sequence[str], left: int, glyphs: Glyphs) -> Iterator[str]:
    """The rows of the plot from the top, with the ends of the vertical axis in the margin."""
    low, high = panel.y_range()
    rows = max(3, panel.height // PIXELS_OF_A_ROW)
    to_row = Scale(low, high, 0, rows)
    cells = [list(ground) for _ in range(rows)]  # from the bottom
    for rule in panel.each(Rule):
        row = cells[min(rows - 1, int(to_row(rule.y)))]
        row[:] = [glyphs.rule] * len(row)
    for index, blocks in enumerate(panel.each(Blocks)):
        for place, start, end in blocks.at:
            first, last = int(to_x(max(start, to_x.low))), math.ceil(to_x(min(end, to_x.high)))
            low_row = min(rows - 1, int(to_row(place)))
            for row in cells[low_row : max(low_row + 1, int(to_row(place + 1)))]:
                row[first:last] = [curve_glyph(index, glyphs)] * len(row[first:last])
    for index, line in enumerate(panel.each(Line), len(panel.each(Blocks))):
        for column, value in heights(line, to_x, len(ground)):
            if index == 0:
                fill(cells, column, to_row(value), glyphs)
            else:
                cells[min(rows - 1, int(to_row(value)))][column] = curve_glyph(index, glyphs)
    ends = {rows - 1: number(high), 0: number(low)}
    for index in reversed(range(rows)):
        yield aside(ends.get(index, ""), left) + "".join(cells[index])


def fill(cells: list[list[str]], column: int, level: float, glyphs: Glyphs) -> None:
    """Fill a column from the bottom up to `level`, measured in rows."""
    for row in range(math.ceil(level)):
        cells[row][column] = glyphs.ramp[max(1, min(8, round(8 * (level - row))))]


def heights(line: Line, to_x: Scale, columns: int) -> Iterator[tuple[int, float]]:
    """The highest value of the line in each column that it crosses, so that no peak is lost."""
    highest = dict[int, float]()
    for x, y in line.points:
        if to_x.low <= x <= to_x.high:
            column = min(columns - 1, int(to_x(x)))
            highest[column] = max(y, highest.get(column, y))
    for column in range(columns):
        at_start = line.at(to_x.low + (to_x.high - to_x.low) * column / columns)
        values = [value for value in (highest.get(column), at_start) if value is not None]
        if values:
            yield column, max(values)


def x_axis(to_x: Scale, x_label: str, left: int, glyphs: Glyphs) -> Iterator[str]:
    """A base line, and round numbers below it where they have room."""
    columns = int(to_x.end) + 1
    yield " " * (left - 1) + glyphs.corner + glyphs.flat * columns
    text = ""
    for value in steps(to_x.low, to_x.high, max(2, columns // 10)):
        start = left + round(to_x(value)) - (len(number(value)) - 1) // 2
        if start > len(text) or not text:
            text = text.ljust(start) + number(value)
    yield text
    if x_label:
        yield " " * left + x_label.center(columns).rstrip()
