"""F10: a level is due 1, 3, 7 and 21 days after it was green, each time from the stub."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.dojo import review
from lldkit.dojo.interface import Manifest
from lldkit.dojo.practice import Practice
from lldkit.dojo.workspace import Workspace

MONDAY = datetime(2024, 1, 1, 9, tzinfo=UTC)


def check(day: float, reached: int, *, kata: str = "cache") -> dict[str, Any]:
    at = (MONDAY + timedelta(days=day)).isoformat()
    return {"event": "check", "kata": kata, "at": at, "reached": reached, "verdict": "red", "level": reached + 1}


def begun(level: int, *, kata: str = "cache") -> dict[str, Any]:
    return {"event": "review", "kata": kata, "at": MONDAY.isoformat(), "level": level}


def days(entries: list[dict[str, Any]]) -> list[tuple[int, float, int]]:
    """(level, days after Monday, number of the review), in order of time."""
    return [(item.level, (item.at - MONDAY) / timedelta(days=1), item.times) for item in review.schedule(entries)]


def test_the_first_review_is_due_a_day_after_the_level_was_green() -> None:
    assert days([]) == []
    assert days([check(0, 0)]) == []
    assert days([check(0, 1), check(2, 2), check(5, 2)]) == [(1, 1, 1), (2, 3, 1)]


def test_each_review_that_is_green_makes_the_wait_longer() -> None:
    entries = [check(0, 1)]
    for day, due, times in ((1, 4, 2), (4, 11, 3), (11.5, 32.5, 4)):
        entries += [begun(1), check(day, 1)]
        assert days(entries) == [(1, due, times)]
    assert days([*entries, begun(1), check(40, 1)]) == [], "four reviews are all"


def test_a_check_outside_a_review_or_before_it_is_due_moves_nothing() -> None:
    assert days([check(0, 1), check(3, 1)]) == [(1, 1, 1)]
    assert days([check(0, 1), begun(1), check(0.5, 1)]) == [(1, 1, 1)]
    assert days([check(0, 1), begun(1), check(3, 0)]) == [(1, 1, 1)]


def test_a_review_of_a_level_renews_those_below_that_are_due() -> None:
    assert days([check(0, 2), check(10, 3), begun(2), check(10.5, 3)]) == [(3, 11, 1), (1, 13.5, 2), (2, 13.5, 2)]


def test_katas_do_not_mix() -> None:
    entries = [check(0, 1), check(0, 1, kata="retry"), begun(1), check(2, 1, kata="retry"), check(2, 1)]
    assert {(item.kata, item.times) for item in review.schedule(entries)} == {("cache", 2), ("retry", 1)}


def test_the_list_names_the_latest_level_and_when() -> None:
    waiting = review.schedule(
        [check(0, 2), check(0, 1, kata="retry"), begun(1, kata="retry"), check(1, 1, kata="retry")]
    )
    assert list(review.lines(waiting, MONDAY + timedelta(days=1))) == [
        "cache              level 2, review 1 of 4: due",
        "retry              level 1, review 2 of 4: on 2024-01-05",
        "Redo one from the stub: lldkit kata review NAME",
    ]
    assert list(review.lines([], MONDAY)) == ["Nothing waits for a review yet."]
    assert [item.kata for item in review.due([check(0, 1)], MONDAY + timedelta(hours=23))] == []


@pytest.fixture
def practice(kata: Manifest, tmp_path: Path) -> Practice:
    """Level 1 is green since Monday."""
    practice = Practice(Workspace(tmp_path), kata, clock=ManualClock(start=MONDAY))
    practice.start()
    practice.path.write_text((kata.folder / "solutions" / "level1.py").read_text())
    practice.check()
    return practice


def pass_days(practice: Practice, number: float) -> None:
    assert isinstance(practice.clock, ManualClock)
    practice.clock.advance(number * 86_400)


def test_a_review_begins_from_the_stub_keeps_what_was_there_and_ends_with_green(
    practice: Practice, kata: Manifest
) -> None:
    mine = practice.path.read_text()
    assert practice.review().code == 2, "nothing is due on the same day"
    pass_days(practice, 1)
    told = "\n".join(practice.review().lines)
    assert practice.path.read_text() == (kata.folder / "stub" / "solution.py").read_text()
    backup = Path(told.partition("kept as ")[2].splitlines()[0])
    assert backup.read_text() == mine
    assert "Redo levels 1 to 1" in told
    assert practice.level == 1, "the open level waits until the review is over"
    assert practice.check().code == 1
    practice.path.write_text(mine)
    answer = practice.check()
    assert any(line.startswith("  Reviewed; the next time on 2024-01-05.") for line in answer.lines)
    assert practice.level == 2
    assert practice.progress.reached == 1
