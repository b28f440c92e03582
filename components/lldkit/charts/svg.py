"""Figures as SVG: every number is rounded and every text escaped in one place, `tag` and `label`."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from lldkit.charts.marks import Band, Bars, Blocks, Line, Panel, Rule, Ticks, nice_step

__all__ = ["EDGE", "STYLE", "Scale", "areas", "document", "draw", "label", "number", "plain_text", "steps", "tag"]

COLOURS = {  # role: on light paper, on dark paper
    "good": ("#1a7f37", "#3fb950"),
    "bad": ("#cf222e", "#f85149"),
    "one": ("#0969da", "#58a6ff"),
    "two": ("#bc4c00", "#f0883e"),
    "three": ("#8250df", "#bc8cff"),
    "quiet": ("#818b98", "#9198a1"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#59636e", "#9198a1"),
    "grid": ("#d8dee4", "#30363d"),
    "paper": ("#ffffff", "#0d1117"),
}
LIGHT, DARK = ("".join(f".chart .{role}{{color:{pair[side]}}}" for role, pair in COLOURS.items()) for side in (0, 1))
STYLE = (
    ".chart{font:12px system-ui,-apple-system,'Segoe UI',sans-serif}.chart .title{font-size:15px;font-weight:600}"
    f"{LIGHT}@media (prefers-color-scheme:dark){{{DARK}}}"
)
EDGE, LANE, BAR, HEAD, GAP, LETTER = 18.0, 18.0, 20.0, 22.0, 14.0, 6.6  # pixels; LETTER is a generous average


def tag(name: str, content: str = "", /, **attributes: str | float) -> str:
    """One element; `content` is markup, attribute names write `_` for `-`."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else pixels(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{pairs}>{content}</{name}>" if content else f"<{name}{pairs}/>"


def plain_text(text: str) -> str:
    """`text` on one line, with a replacement for what neither XML nor a terminal should be given."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def label(text: str, x: float, y: float, role: str = "faint", anchor: str = "start") -> str:
    """A line of text."""
    return (
        tag("text", escape(plain_text(text)), class_=role, x=x, y=y, text_anchor=anchor, fill="currentColor")
        if text
        else ""
    )


def pixels(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def number(value: float) -> str:
    """A number as people write it: 1,000,000 and 0.3."""
    return f"{round(value, 12) + 0.0:,.9g}"


class Scale(NamedTuple):
    """The map from low..high to start..end; what lies outside goes to the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where `value` stands."""
        return self.start + (self.end - self.start) * min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def steps(low: float, high: float, most: int) -> list[float]:
    """The round numbers from low to high, about `most` of them."""
    step = nice_step(low, high, most)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def draw(
    title: str, panels: Sequence[Panel | Bars], x: tuple[float, float], *, x_label: str, description: str, width: int
) -> str:
    """The whole document."""
    left, right = margin(panels), width - EDGE
    body, (tops, bottom) = [label(title, EDGE, 28, "ink title")], layout(panels, x_label)
    for panel, top in zip(panels, tops, strict=True):
        if isinstance(panel, Bars):
            body += bars(panel, left, right, top)
        else:
            body += marks(panel, Scale(*x, left, right), top)
        if panel is axis_bearer(panels):
            body += x_axis(Scale(*x, left, right), x_label, top + height(panel))
    return document(title, body, width=width, height=bottom, description=description)


def axis_bearer(panels: Sequence[Panel | Bars]) -> Panel | None:
    """The panel below which the shared axis is drawn: the last one that has it."""
    return next((panel for panel in reversed(panels) if isinstance(panel, Panel)), None)


def layout(panels: Sequence[Panel | Bars], x_label: str) -> tuple[list[float], float]:
    """Where each panel begins, and where the last one ends, in pixels from the top."""
    tops, top = [], 40.0
    for panel in panels:
        tops.append(top)
        top += height(panel) + GAP
        if panel is axis_bearer(panels):
            top += 38.0 if x_label else 22.0
    return tops, top


def areas(panels: Sequence[Panel | Bars], *, x_label: str, width: int) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of what each panel draws over the shared axis, in pixels."""
    left, (tops, _) = margin(panels), layout(panels, x_label)
    return [
        (left, top + head_height(panel), width - EDGE, top + height(panel))
        for panel, top in zip(panels, tops, strict=True)
        if isinstance(panel, Panel)
    ]


def document(title: str, body: Sequence[str], *, width: int, height: float, description: str = "") -> str:
    """An SVG document of these elements, on paper, with a title for who cannot see it."""
    first = [tag("title", escape(plain_text(title))), tag("desc", escape(plain_text(description or title)))]
    first += [tag("style", STYLE), tag("rect", class_="paper", width=width, height=height, rx=6, fill="currentColor")]
    content = "\n".join(["", *first, *filter(None, body), ""])
    size = {"width": pixels(width), "height": pixels(height), "viewBox": f"0 0 {width} {pixels(height)}"}
    return tag("svg", content, xmlns="http://www.w3.org/2000/svg", class_="chart", role="img", **size) + "\n"


def margin(panels: Sequence[Panel | Bars]) -> float:
    """Room at the left for the longest label there."""
    names = [row.label for panel in panels if isinstance(panel, Bars) for row in panel.rows]
    for panel in panels:
        if isinstance(panel, Panel):
            names += [number(y) for y in panel.y_range()] + [ticks.name for ticks in panel.each(Ticks)]
    return EDGE + min(220.0, max(30.0, LETTER * max(map(len, names), default=0) + 8))


def height(panel: Panel | Bars) -> float:
    """The pixels that a panel takes, without the axis below it."""
    if isinstance(panel, Bars):
        return (HEAD if panel.label else 0.0) + BAR * len(panel.rows)
    return head_height(panel) + LANE * len(panel.each(Ticks)) + (0 if panel.is_only_lanes else panel.height)


def head_height(panel: Panel) -> float:
    """The pixels of the line with label and legend; none where there is neither."""
    return HEAD if panel.label or any(mark.name for mark in panel.marks if not isinstance(mark, Ticks)) else 0.0


def bars(panel: Bars, left: float, right: float, top: float) -> Iterator[str]:
    """The rows: label, bar, and the text at its end, for which room is kept."""
    yield label(panel.label, EDGE, top + 13, "ink")
    top += height(panel) - BAR * len(panel.rows)
    room = right - left - LETTER * max((len(row.text) for row in panel.rows), default=0) - 8
    for row in panel.rows:
        length = room * panel.share(row)
        yield label(row.label, left - 8, top + 14, "ink" if row.tone != "quiet" else "faint", "end")
        yield tag(
            "rect", class_=row.tone, x=left, y=top + 4, width=max(length, 1), height=BAR - 7, rx=2, fill="currentColor"
        )
        yield label(row.text, left + length + 6, top + 14, "ink" if row.tone != "quiet" else "faint")
        top += BAR


def marks(panel: Panel, to_x: Scale, top: float) -> Iterator[str]:
    """One panel: its head, lanes, and plot."""
    left, right, bottom = to_x.start, to_x.end, top + height(panel)
    lanes = panel.each(Ticks)
    plot = bottom - (0 if panel.is_only_lanes else panel.height)
    yield from head(panel, right, top + 13)
    for band in panel.each(Band):
        start, end, start_y = to_x(band.start), to_x(band.end), plot - LANE * len(lanes)
        yield tag("rect", class_=band.tone, x=start, y=start_y, width=end - start, height=bottom - start_y,
                  fill="currentColor", fill_opacity="0.16")  # fmt: skip
    for index, ticks in enumerate(lanes):
        yield from lane(ticks, to_x, plot - LANE * (len(lanes) - index))
    if panel.is_only_lanes:
        return
    to_y = Scale(*panel.y_range(), bottom, plot + 4)
    for y in steps(*panel.y_range(), 4):
        yield stroke(f"M{pixels(left)} {pixels(to_y(y))}H{pixels(right)}", "grid")
        yield label(number(y), left - 8, to_y(y) + 4, "faint", "end")
    for rule in panel.each(Rule):
        yield stroke(f"M{pixels(left)} {pixels(to_y(rule.y))}H{pixels(right)}", rule.tone, dash="5 4", width=1.5)
    for blocks in panel.each(Blocks):
        yield tag("path", class_=blocks.tone, d=boxes(blocks, to_x, to_y), fill="currentColor")
    for line in panel.each(Line):
        yield stroke(path(line, to_x, to_y), line.tone, dash="2 3" if line.dashed else "", width=1.75)


def head(panel: Panel, right: float, y: float) -> Iterator[str]:
    """The panel's label at the left and its legend at the right."""
    yield label(panel.label, EDGE, y, "ink")
    for mark in reversed([mark for mark in panel.marks if mark.name and not isinstance(mark, Ticks)]):
        right -= LETTER * len(mark.name)
        yield label(mark.name, right, y)
        if isinstance(mark, Band | Blocks):
            yield tag("rect", class_=mark.tone, x=right - 22, y=y - 9, width=16, height=10,
                      fill="currentColor", fill_opacity="0.3" if isinstance(mark, Band) else "1")  # fmt: skip
        else:
            dash = "5 4" if isinstance(mark, Rule) else "2 3" if mark.dashed else ""
            yield stroke(f"M{pixels(right - 22)} {pixels(y - 4)}h16", mark.tone, dash=dash, width=2)
        right -= 34


def lane(ticks: Ticks, to_x: Scale, top: float) -> Iterator[str]:
    """The strokes of one lane; those that fall on the same tenth of a pixel are drawn once."""
    yield label(ticks.name, to_x.start - 8, top + 13, "faint", "end")
    yield stroke(f"M{pixels(to_x.start)} {pixels(top + LANE - 1)}H{pixels(to_x.end)}", "grid")
    places = dict.fromkeys(pixels(to_x(x)) for x in ticks.at if to_x.low <= x <= to_x.high)
    yield stroke("".join(f"M{place} {pixels(top + 3)}v{pixels(LANE - 6)}" for place in places), ticks.tone, width=1.5)


def x_axis(to_x: Scale, x_label: str, top: float) -> Iterator[str]:
    """The shared axis: ticks at round numbers, and what they measure."""
    yield stroke(f"M{pixels(to_x.start)} {pixels(top)}H{pixels(to_x.end)}", "faint")
    for value in steps(to_x.low, to_x.high, max(2, int((to_x.end - to_x.start) // 70))):
        yield stroke(f"M{pixels(to_x(value))} {pixels(top)}v4", "faint")
        clipped = to_x(value) + LETTER * len(number(value)) / 2 > to_x.end + EDGE
        yield label(number(value), to_x(value), top + 17, "faint", "end" if clipped else "middle")
    yield label(x_label, (to_x.start + to_x.end) / 2, top + 34, "faint", "middle")


def boxes(blocks: Blocks, to_x: Scale, to_y: Scale) -> str:
    """All boxes as one path; what is outside the range is left out, and rows keep a little apart."""
    parts = []
    for row, start, end in blocks.at:
        first, last = to_x(max(start, to_x.low)), to_x(min(end, to_x.high))
        if first < last:
            top, bottom = pixels(to_y(row + 0.9)), pixels(to_y(row))
            parts.append(f"M{pixels(first)} {top}H{pixels(last)}V{bottom}H{pixels(first)}Z")
    return "".join(parts)


def path(line: Line, to_x: Scale, to_y: Scale) -> str:
    """The curve; points that fall on the pixel of the one before are left out."""
    places = [place for place, _ in groupby((pixels(to_x(x)), pixels(to_y(y))) for x, y in line.points)]
    rest = "".join(f"H{x}V{y}" if line.step else f"L{x} {y}" for x, y in places[1:])
    return f"M{places[0][0]} {places[0][1]}{rest}" if places else ""


def stroke(path_data: str, role: str, *, dash: str = "", width: float = 1.0) -> str:
    """An open path in the colour of `role`; nothing where there is no path."""
    if not path_data:
        return ""
    dashes = {"stroke_dasharray": dash} if dash else {}
    return tag("path", class_=role, d=path_data, fill="none", stroke="currentColor", stroke_width=width, **dashes)
