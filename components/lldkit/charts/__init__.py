"""Charts as plain SVG text, and the same charts as lines for a terminal.

A `Figure` is a title and a stack of panels. A `Panel` holds marks over one shared x axis: `Line`, `Ticks` (events, a
lane for each mark), `Band` (a shaded span), `Rule` (a horizontal reference line) and `Blocks` (boxes in rows). `Bars`
is a panel of labelled horizontal bars with a scale of its own. Colours are named by role (`Tone`) and follow the
reader's colour scheme.

    figure = Figure("Arrivals", [Panel([Ticks([0.1, 0.4], "admitted"), Ticks([0.5], "denied", "bad")])], x_label="s")
    figure.to_svg()             # str, a whole SVG document
    figure.to_lines(width=80)   # list[str], for print
"""

from lldkit.charts.figure import Figure
from lldkit.charts.marks import Band, Bar, Bars, Blocks, Line, Mark, Panel, Rule, Ticks, Tone

__all__ = ["Band", "Bar", "Bars", "Blocks", "Figure", "Line", "Mark", "Panel", "Rule", "Ticks", "Tone"]
