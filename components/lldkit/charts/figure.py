"""The figure: a title over a stack of panels, and its two renderings."""

from collections.abc import Sequence
from dataclasses import dataclass

from lldkit.charts.marks import Bars, Panel, check_span, widen
from lldkit.charts.svg import areas, draw
from lldkit.charts.text import write

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    r"""A chart as a value: equal figures give equal bytes. `x` fixes the shared horizontal range, `width` is in pixels.

    `description` is for readers who hear the chart instead of seeing it. Lines outside a fixed range run along its
    edge, events outside it are left out. A number that cannot be shown is a ValueError where its mark is built.

    >>> from lldkit.charts import Bar, Bars
    >>> ratios = Figure("Time", [Bars([Bar("ours", 1.0, "1 x"), Bar("peer", 3.0, "3 x")])])
    >>> print(*ratios.to_lines(width=40, ascii=True), sep="\n")
    Time
    <BLANKLINE>
      ours ########## 1 x
      peer ############################# 3 x
    """

    title: str
    panels: Sequence[Panel | Bars]
    x_label: str = ""
    x: tuple[float, float] | None = None
    description: str = ""
    width: int = 720

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", tuple(self.panels))
        if not self.panels:
            raise ValueError(f"Figure {self.title!r} has no panels; give at least one")
        if self.x is not None:
            check_span("Figure.x", *self.x)
        if not 320 <= self.width <= 4_000:
            raise ValueError(f"Figure.width is {self.width!r}; it must be from 320 to 4000 pixels")

    def x_range(self) -> tuple[float, float]:
        """The shared horizontal range: the given one, else that of all marks; 0 to 1 where there are none."""
        if self.x is not None:
            return widen(*self.x)
        values = [x for panel in self.panels if isinstance(panel, Panel) for x in panel.x_values()]
        return widen(min(values, default=0.0), max(values, default=1.0))

    def plot_areas(self) -> list[tuple[float, float, float, float]]:
        """Where each panel over the shared range lies in the SVG: left, top, right, bottom in pixels."""
        return areas(self.panels, x_label=self.x_label, width=self.width)

    def to_svg(self) -> str:
        """An SVG document without script, ids or links, readable in light and dark, that ends with a newline."""
        return draw(
            self.title,
            self.panels,
            self.x_range(),
            x_label=self.x_label,
            description=self.description,
            width=self.width,
        )

    def to_lines(self, width: int = 80, *, ascii: bool = False) -> list[str]:  # noqa: A002 - what a terminal calls it
        """The chart as lines of at most `width` characters (at least 40), in block characters or in plain ASCII."""
        if width < 40:
            raise ValueError(f"width is {width!r}; a chart needs at least 40 columns")
        return write(self.title, self.panels, self.x_range(), x_label=self.x_label, width=width, ascii_only=ascii)
