"""What a chart is made of: frozen values, checked when they are built, that know nothing about how they are drawn."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, TypeVar

__all__ = ["Band", "Bar", "Bars", "Blocks", "Line", "Mark", "Panel", "Rule", "Ticks", "Tone", "nice_step", "widen"]

Tone = Literal["good", "bad", "one", "two", "three", "quiet"]
LARGEST = 1e15  # beyond it neighbouring whole numbers can no longer be told apart, and neither can ticks of an axis


def check(what: str, numbers: Iterable[float]) -> None:
    """Refuse with a ValueError that names `what` and the number a chart cannot show."""
    for index, number in enumerate(numbers):
        if not abs(number) <= LARGEST:  # false for nan as well
            raise ValueError(f"{what} holds {number!r} at index {index}; a chart shows finite numbers up to 1e15")


def check_span(what: str, low: float, high: float) -> None:
    """Refuse with a ValueError a span that runs backwards."""
    check(what, (low, high))
    if low > high:
        raise ValueError(f"{what} runs from {low!r} to {high!r}; its start must not be above its end")


def widen(low: float, high: float) -> tuple[float, float]:
    """The range itself, or a longer one where it is (nearly) a single point, so that it can be divided by."""
    return (low, high) if high - low > max(1.0, abs(high)) * 1e-9 else (low, low + max(1.0, abs(low) * 1e-6))


def nice_step(low: float, high: float, most: int) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that parts low..high into at most `most` pieces."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class Line:
    """A curve through (x, y) points with ascending x: straight, or with `step` holding each y until the next x."""

    points: Sequence[tuple[float, float]]
    name: str = ""
    tone: Tone = "one"
    step: bool = False
    dashed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple((x, y) for x, y in self.points))
        check(f"Line {self.name!r}", (number for point in self.points for number in point))
        for (before, _), (x, _) in pairwise(self.points):
            if x < before:
                raise ValueError(f"Line {self.name!r} goes back from x={before!r} to x={x!r}; x must ascend")

    def at(self, x: float) -> float | None:
        """The height of the line over `x`; None where the line is not. O(log n)."""
        index = bisect_right(self.points, x, key=lambda point: point[0])
        if index == 0 or (index == len(self.points) and x > self.points[-1][0]):
            return None
        (x0, y0), (x1, y1) = self.points[index - 1], self.points[min(index, len(self.points) - 1)]
        return y0 if self.step or x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@dataclass(frozen=True, slots=True)
class Ticks:
    """Events at the given x, drawn as short strokes in a lane of their own."""

    at: Sequence[float]
    name: str = ""
    tone: Tone = "good"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", tuple(self.at))
        check(f"Ticks {self.name!r}", self.at)


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded span from `start` to `end` on the x axis, as high as its panel."""

    start: float
    end: float
    name: str = ""
    tone: Tone = "quiet"

    def __post_init__(self) -> None:
        check_span(f"Band {self.name!r}", self.start, self.end)


@dataclass(frozen=True, slots=True)
class Rule:
    """A dashed horizontal line at height `y`: a limit or a target."""

    y: float
    name: str = ""
    tone: Tone = "bad"

    def __post_init__(self) -> None:
        check(f"Rule {self.name!r}", (self.y,))


@dataclass(frozen=True, slots=True)
class Blocks:
    """Boxes of one kind in rows: each is (row, start, end) along the x axis, from the height `row` up to `row + 1`."""

    at: Sequence[tuple[int, float, float]]
    name: str = ""
    tone: Tone = "one"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", tuple(self.at))
        for row, start, end in self.at:
            check(f"Blocks {self.name!r}", (row,))
            check_span(f"Blocks {self.name!r}", start, end)


Mark: TypeAlias = Line | Ticks | Band | Rule | Blocks
M = TypeVar("M", Line, Ticks, Band, Rule, Blocks)


@dataclass(frozen=True, slots=True)
class Panel:
    """Marks over the figure's x axis; `height` is in pixels, `y` fixes the vertical range (default: from the data)."""

    marks: Sequence[Mark]
    label: str = ""
    height: int = 120
    y: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "marks", tuple(self.marks))
        if self.y is not None:
            check_span("Panel.y", *self.y)
        if not 40 <= self.height <= 2_000:
            raise ValueError(f"Panel.height is {self.height!r}; it must be from 40 to 2000 pixels")

    def each(self, kind: type[M]) -> list[M]:
        """The marks of one kind, in the order given."""
        return [mark for mark in self.marks if isinstance(mark, kind)]

    @property
    def is_only_lanes(self) -> bool:
        """Whether there are events and nothing that needs a vertical axis."""
        return bool(self.each(Ticks)) and not any(isinstance(mark, Line | Rule | Blocks) for mark in self.marks)

    def y_range(self) -> tuple[float, float]:
        """The vertical range: the given one, else from zero (or below) to a round number above all data."""
        if self.y is not None:
            return widen(*self.y)
        values = [0.0, *(y for line in self.each(Line) for _, y in line.points), *(rule.y for rule in self.each(Rule))]
        values += [row + 1.0 for blocks in self.each(Blocks) for row, _, _ in blocks.at]
        low, high = widen(min(values), max(values))
        step = nice_step(low, high, 4)
        return step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)

    def x_values(self) -> Iterator[float]:
        """Every x of every mark."""
        yield from (x for line in self.each(Line) for x, _ in line.points)
        yield from (x for ticks in self.each(Ticks) for x in ticks.at)
        yield from (x for band in self.each(Band) for x in (band.start, band.end))
        yield from (x for blocks in self.each(Blocks) for _, *span in blocks.at for x in span)


@dataclass(frozen=True, slots=True)
class Bar:
    """One labelled bar; `text` is written at its end."""

    label: str
    value: float
    text: str = ""
    tone: Tone = "quiet"

    def __post_init__(self) -> None:
        check(f"Bar {self.label!r}", (self.value,))
        if self.value < 0:
            raise ValueError(f"Bar {self.label!r} is {self.value!r}; a bar begins at zero and cannot be negative")


@dataclass(frozen=True, slots=True)
class Bars:
    """A panel of horizontal bars under one label, to a scale of its own that begins at zero."""

    rows: Sequence[Bar]
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))

    def share(self, row: Bar) -> float:
        """The length of `row` as a share of the longest bar, 0 to 1."""
        return row.value / (max(bar.value for bar in self.rows) or 1.0)
