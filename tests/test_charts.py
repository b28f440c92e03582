"""Charts: well-formed, within bounds, equal bytes for equal figures, and no number that cannot be shown."""

import math
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.charts import Band, Bar, Bars, Blocks, Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.charts.marks import nice_step
from lldkit.charts.svg import number, steps

SVG = "{http://www.w3.org/2000/svg}"


def everything() -> Figure:
    """One figure with every kind of mark."""
    return Figure(
        "A burst",
        [
            Panel([Ticks([0.1, 0.2, 4.0], "admitted"), Ticks([2.5], "denied", "bad"), Band(1, 3, "burst")], "arrivals"),
            Panel([Line([(0, 5), (2, 1), (5, 8)], "level"), Line([(0, 0), (5, 2)], "model", "two"), Rule(7, "limit")]),
            Bars([Bar("lldkit", 1.0, "1 x", "one"), Bar("peer", 4.0, "4 x")], "time"),
        ],
        x_label="seconds",
        description="Three panels.",
    )


def parse(figure: Figure) -> ET.Element:
    return ET.fromstring(figure.to_svg())


def texts(root: ET.Element) -> list[str]:
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def test_the_svg_is_one_well_formed_image_with_a_title_and_a_description() -> None:
    root = parse(everything())
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert [(child.tag, child.text) for child in root][:2] == [
        (f"{SVG}title", "A burst"),
        (f"{SVG}desc", "Three panels."),
    ]
    expected = [
        "A burst",
        "arrivals",
        "burst",
        "admitted",
        "denied",
        "level",
        "model",
        "limit",
        "seconds",
        "time",
        "4 x",
    ]
    assert set(expected) <= set(texts(root))


def test_it_can_be_inlined_anywhere_because_it_holds_no_script_id_or_link() -> None:
    root = parse(everything())
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "path",
    }
    assert not any({"id", "href", "onload"} & set(node.keys()) for node in root.iter())


def test_every_role_has_a_colour_in_light_and_in_dark() -> None:
    root = parse(everything())
    light, _, dark = str(root.findtext(f"{SVG}style")).partition("@media (prefers-color-scheme:dark)")
    roles = {role for node in root.iter() for role in node.get("class", "").split()} - {"chart", "title"}
    assert {"good", "bad", "one", "two", "quiet", "ink", "paper"} <= roles
    for role in roles:
        assert f".chart .{role}{{color:#" in light
        assert f".chart .{role}{{color:#" in dark


def places(root: ET.Element) -> list[tuple[float, float]]:
    """The corners of every rectangle, the anchors of every text and the absolute points of every path."""
    found = []
    for node in root.iter():
        if node.tag in {f"{SVG}rect", f"{SVG}text"}:
            x, y = float(node.get("x", 0)), float(node.get("y", 0))
            found += [(x, y), (x + float(node.get("width", 0)), y + float(node.get("height", 0)))]
        x = y = 0.0
        for verb, operands in re.findall(r"([MLHVhv])([^MLHVhv]*)", node.get("d", "")):
            values = [float(value) for value in operands.split()]
            if verb in "ML":
                x, y = values
            elif verb in "Hh":
                x = values[0] + (x if verb == "h" else 0)
            else:
                y = values[0] + (y if verb == "v" else 0)
            found.append((x, y))
    return found


numbers = st.floats(-1e15, 1e15)
ranges = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(st.tuples(numbers, numbers), max_size=8), st.lists(numbers, max_size=5), st.none() | ranges, ranges)
def test_whatever_the_data_nothing_leaves_the_picture(
    points: list[tuple[float, float]], at: list[float], x: tuple[float, float] | None, band: tuple[float, float]
) -> None:
    marks: list[Mark] = [
        Line(sorted(points), "line", step=len(points) % 2 == 0),
        Ticks(at, "events"),
        Band(*band),
        Rule(band[0]),
    ]
    figure = Figure("Any", [Panel(marks), Bars([Bar("a", abs(band[0]), "a")])], x=x)
    root = parse(figure)
    for left, top in places(root):
        assert 0 <= left <= float(root.get("width", 0))
        assert 0 <= top <= float(root.get("height", 0))
    for width in (40, 93):
        assert max(len(line) for line in figure.to_lines(width)) <= width


@pytest.mark.parametrize("end", [5e-324, 1e-300, 1e15])
def test_a_range_of_nearly_no_length_is_a_chart_too(end: float) -> None:
    for start in (0.0, end, -end):
        figure = Figure("Any", [Panel([Line([(min(start, end), end), (end, start)])])])
        assert len(figure.to_lines()) > 4
        assert parse(figure).get("role") == "img"


def test_a_known_point_stands_where_the_axes_say() -> None:
    figure = Figure("t", [Panel([Line([(0, 0), (5, 10), (10, 5)])], y=(0, 10))], x=(0, 10))
    curve = next(node.get("d", "") for node in parse(figure).iter(f"{SVG}path") if node.get("class") == "one")
    (x0, y0), (x1, y1), (x2, y2) = [tuple(map(float, pair.split())) for pair in re.split("[ML]", curve)[1:]]
    assert x1 - x0 == x2 - x1
    assert y0 - y1 == 2 * (y2 - y1) == 116.0  # the plot is 120 pixels high, 4 of them above the top of the axis


def test_a_step_line_goes_across_before_it_goes_up() -> None:
    figure = Figure("t", [Panel([Line([(0, 0), (1, 5)], step=True)])])
    curve = next(node.get("d", "") for node in parse(figure).iter(f"{SVG}path") if node.get("class") == "one")
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+V[\d.]+", curve)
    assert [Line([(0, 0), (1, 5)], step=True).at(x) for x in (-1, 0, 0.99, 1, 2)] == [None, 0, 0, 5, None]
    assert [Line([(0, 0), (1, 5)]).at(x) for x in (-1, 0, 0.5, 1, 2)] == [None, 0, 2.5, 5, None]


def test_a_peak_between_two_equal_pixels_is_kept() -> None:
    spike = Line([(0, 0), (5, 0), (5, 9), (5, 0), (10, 0)])
    curve = next(
        node.get("d", "")
        for node in parse(Figure("t", [Panel([spike])])).iter(f"{SVG}path")
        if node.get("class") == "one"
    )
    assert curve.count("L") == 4
    assert sum(line.count("█") for line in Figure("t", [Panel([spike], y=(0, 9))]).to_lines(60)) == 8


def test_events_outside_a_fixed_range_are_left_out_and_equal_ones_drawn_once() -> None:
    figure = Figure("t", [Panel([Ticks([-1, 2, 2, 2.000001, 11], "e")])], x=(0, 10))
    strokes = next(node.get("d", "") for node in parse(figure).iter(f"{SVG}path") if node.get("class") == "good")
    assert strokes.count("M") == 1
    (lane,) = [line for line in figure.to_lines(50) if line.lstrip().startswith("e ")]
    assert len(lane.replace(" ", "")) == 2  # its name, and one column


def test_text_is_escaped_and_what_xml_cannot_hold_is_replaced() -> None:
    name = "<b>&\"'\x00\n\ud800"
    figure = Figure(name, [Panel([Line([(0, 1)], name), Ticks([0], name)], name), Bars([Bar(name, 1, name)], name)])
    root = parse(figure)
    assert set(texts(root)) >= {"<b>&\"'\ufffd\ufffd\ufffd"}
    assert root.find(f"{SVG}title") is not None
    assert not any("\n" in line or "\x00" in line for line in figure.to_lines())


def test_equal_figures_give_equal_bytes() -> None:
    assert everything() == everything()
    assert everything().to_svg() == everything().to_svg()
    assert everything().to_svg().endswith("</svg>\n")
    assert "e-" not in " ".join(str(place) for place in places(parse(everything())))


@pytest.mark.parametrize(
    "panel",
    [Panel([]), Panel([Blocks([])]), Panel([Line([]), Ticks([])]), Panel([Ticks([])]), Bars([]), Bars([Bar("a", 0)])],
)
def test_no_data_is_a_chart_too(panel: Panel | Bars) -> None:
    figure = Figure("Nothing yet", [panel])
    assert "Nothing yet" in texts(parse(figure))
    assert figure.to_lines()[0] == "Nothing yet"


NONSENSE: list[tuple[Callable[[], object], str]] = [
    (lambda: Line([(0, 1), (1, math.nan)], "level"), r"Line 'level' holds nan at index 3; .* finite"),
    (lambda: Line([(1, 0), (0, 0)], "level"), r"goes back from x=1 to x=0"),
    (lambda: Ticks([0, math.inf], "hits"), r"Ticks 'hits' holds inf at index 1"),
    (lambda: Band(0, -math.inf), r"Band '' holds -inf"),
    (lambda: Band(2, 1, "outage"), r"Band 'outage' runs from 2 to 1"),
    (lambda: Rule(math.nan, "limit"), r"Rule 'limit' holds nan"),
    (lambda: Blocks([(0, 2, 1)], "taken"), r"Blocks 'taken' runs from 2 to 1"),
    (lambda: Blocks([(0, 0, math.inf)], "taken"), r"Blocks 'taken' holds inf"),
    (lambda: Rule(1e300), r"up to 1e15"),
    (lambda: Bar("peer", math.inf), r"Bar 'peer' holds inf"),
    (lambda: Bar("peer", -1), r"cannot be negative"),
    (lambda: Panel([], height=10), r"height is 10; .* 40 to 2000"),
    (lambda: Panel([], y=(1, 0)), r"Panel.y runs from 1 to 0"),
    (lambda: Figure("t", []), r"Figure 't' has no panels"),
    (lambda: Figure("t", [Panel([])], x=(0, math.nan)), r"Figure.x holds nan"),
    (lambda: Figure("t", [Panel([])], width=3), r"width is 3"),
    (lambda: Figure("t", [Panel([])]).to_lines(39), r"at least 40 columns"),
]


@pytest.mark.parametrize(("build", "message"), NONSENSE)
def test_nonsense_is_refused_with_its_value(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_what_is_handed_in_may_change_later_without_changing_the_figure() -> None:
    at = [1.0]
    ticks = Ticks(at)
    at.append(math.nan)
    assert ticks.at == (1.0,)


@pytest.mark.parametrize(
    ("low", "high", "most", "step"),
    [(0, 10, 5, 2), (0, 10, 10, 1), (0, 7, 4, 2), (0, 0.3, 4, 0.1), (0, 26_000, 4, 10_000)],
)
def test_axes_step_by_one_two_or_five(low: float, high: float, most: int, step: float) -> None:
    assert nice_step(low, high, most) == pytest.approx(step)


def test_axes_are_labelled_as_people_write_numbers() -> None:
    assert [number(value) for value in steps(0, 0.3, 4)] == ["0", "0.1", "0.2", "0.3"]
    assert [number(value) for value in (-0.0, 1_000_000.0, 1.5)] == ["0", "1,000,000", "1.5"]


def test_a_terminal_shows_the_same_chart() -> None:
    stairs = Line([(0, 0), (2.5, 5), (5, 10), (7.5, 2.5), (10, 2.5)], "level", step=True)
    figure = Figure("Level", [Panel([stairs, Rule(10, "limit")], height=60)], x_label="s")
    # 46 columns less 5 of margin and 1 of air are 40, so that x rises by 0.25 a column; four rows of 2.5 each.
    assert figure.to_lines(46, ascii=True) == [
        "Level",
        "",
        "# level   - limit",
        "  10 " + "-" * 20 + "#" * 10 + "-" * 10,
        "     " + " " * 20 + "#" * 10,
        "     " + " " * 10 + "#" * 20,
        "   0 " + " " * 10 + "#" * 30,
        "    +" + "-" * 40,
        "     0" + " " * 19 + "5" + " " * 18 + "10",
        "     " + " " * 19 + "s",
    ]
    assert figure.to_lines(46)[3] == "  10 " + "╌" * 20 + "█" * 10 + "╌" * 10


def test_plain_ascii_is_plain_ascii() -> None:
    figure = everything()
    assert all(line.isascii() for line in figure.to_lines(ascii=True))
    assert Figure("é", [Panel([])]).to_lines(ascii=True)[0] == "?"
    assert "░" in "\n".join(figure.to_lines())


def test_boxes_stand_in_their_rows_and_what_is_outside_the_range_is_cut_off() -> None:
    taken = Blocks([(0, 0, 5), (1, 5, 20), (0, 11, 12)], "taken", "one")
    figure = Figure("t", [Panel([taken, Blocks([(1, 0, 2.5)], "out", "quiet")], height=44)], x=(0, 10))
    assert figure.panels[0].y_range() == (0.0, 2.0)  # type: ignore[union-attr]
    drawn = next(node.get("d", "") for node in parse(figure).iter(f"{SVG}path") if node.get("class") == "one")
    first, second = [tuple(map(float, re.findall(r"[0-9.]+", box))) for box in drawn.split("Z")[:-1]]
    x0, top, x1, bottom, back = first
    assert (back, round(bottom - top, 6)) == (x0, 18.0)  # 40 pixels for two rows, of which a tenth is left free
    assert second[:3] == (x1, top - 20, x1 + (x1 - x0))  # the upper row, up to the end of the range
    assert figure.to_lines(45, ascii=True)[2:6] == [
        "# taken   o out",
        "  2 " + "o" * 10 + " " * 10 + "#" * 20,
        "    " + "o" * 10 + " " * 10 + "#" * 20,
        "  0 " + "#" * 20,
    ]
