"""The timeline in its three forms: text for a terminal, JSON, and a picture with locks and the fatal switch."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from lldkit.interleave import Failure, Line, Row, Timeline, explore
from lldkit.interleave.demo import DEMOS

SVG = "{http://www.w3.org/2000/svg}"
ROW, TOP = 20, 74


def row(step: int, thread: str, text: str, event: str = "reads x") -> Row:
    return Row(step, thread, Line("a.py", step, text), event, 0.0)


SWITCHED = Timeline(
    ("A", "B"),
    (row(0, "A", "lock.acquire()", "acquires Lock #1"), row(1, "B", "x"), row(2, "B", "y"), row(3, "A", "z")),
)


def failure(name: str) -> Failure:
    found = explore(DEMOS[name].bug).failure
    assert found is not None
    return found


def elements(svg: str, name: str, tone: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter(SVG + name) if one.get("class") == tone]


def test_text_has_a_column_for_each_thread_and_a_mark_where_control_passes() -> None:
    assert SWITCHED.to_text(84).splitlines() == [
        " step    A                    B",
        "    0  ▸ lock.acquire()  · acquires Lock #1",
        "    1                       ▸ x  · reads x",
        "    2                         y  · reads x",
        "    3  ▸ z  · reads x",
    ]


def test_several_steps_on_one_line_are_one_row_and_a_long_run_has_a_gap() -> None:
    same = Timeline(("A",), tuple(Row(n, "A", Line("a.py", 1, "x += 1"), f"step {n}", 0.0) for n in range(3)))
    assert "x += 1  · step 0, step 1, step 2" in same.to_text()
    long = Timeline(("A",), tuple(row(n, "A", f"line {n}") for n in range(200)))
    text = long.to_text().splitlines()
    assert len(text) == 1 + 20 + 1 + 40
    assert text[21].strip() == "…"
    assert "line 199" in text[-1]
    assert "…" in long.to_svg()


def test_json_says_everything_that_a_picture_needs() -> None:
    told = json.loads(SWITCHED.to_json())
    assert told["threads"] == ["A", "B"]
    first = {"step": 0, "thread": "A", "file": "a.py", "line": 0, "time": 0.0}
    assert told["rows"][0] == first | {"text": "lock.acquire()", "event": "acquires Lock #1"}


def test_the_picture_marks_the_switch_at_which_a_thread_was_interrupted() -> None:
    (line,) = elements(SWITCHED.to_svg("It is broken <here>"), "line", "bad")
    assert float(line.get("y1", 0)) == TOP + 0.5 * ROW  # between rows 0 and 1: A goes on later, B does not
    assert "It is broken &lt;here&gt;" in SWITCHED.to_svg("It is broken <here>")


def test_the_picture_of_a_deadlock_marks_the_last_switch_and_shows_who_holds_what() -> None:
    svg = failure("deadlock").timeline.to_svg()
    (line,) = elements(svg, "line", "bad")
    assert float(line.get("y1", 0)) == TOP + 2.5 * ROW  # three rows of one thread, three of the other
    first, second = (elements(svg, "rect", tone) for tone in ("one", "two"))
    assert len(first) == len(second) == 2, "a bar each, and its colour in the legend"
    assert float(first[0].get("height", 0)) == 5 * ROW + 16, "it is never released"
    assert float(second[0].get("height", 0)) == 2 * ROW + 16


def test_a_lock_is_held_from_its_acquire_to_its_release_and_one_that_was_not_got_never() -> None:
    rows = (
        row(0, "A", "with lock:", "acquires Lock #1"),
        row(1, "B", "lock.acquire(timeout=1)", "acquires in time Lock #1"),
        row(2, "A", "with lock:", "releases Lock #1"),
        row(3, "B", "other.acquire(False)", "tries to acquire Lock #2"),
        row(4, "B", "other.release()", "releases Lock #2"),
    )
    svg = Timeline(("A", "B"), rows).to_svg()
    one, two = (elements(svg, "rect", tone)[0] for tone in ("one", "two"))
    assert [(one.get("y"), one.get("height")), (two.get("y"), two.get("height"))] == [("66", "56"), ("126", "36")]
    assert len(elements(svg, "rect", "one")) == 2


@pytest.mark.parametrize("name", sorted(DEMOS))
def test_the_whole_failure_is_the_same_text_every_time_and_names_no_address(name: str) -> None:
    first, second = (str(explore(DEMOS[name].bug)) for _ in range(2))
    assert first == second
    assert re.findall(r"0x[0-9a-f]+", first) == []
    assert failure(name).timeline.to_svg() == failure(name).timeline.to_svg()


def test_a_report_has_the_message_the_columns_the_seed_and_ends_with_the_command_that_replays_it() -> None:
    text = str(explore(DEMOS["lost-update"].bug, seed=3))
    assert "check: the invariant does not hold" in text
    assert "self.value += 1  · reads value" in text
    assert "seed 3, run" in text
    assert re.fullmatch(r'replay\(program, "free:[-\d*,]+"\)', text.splitlines()[-1])
