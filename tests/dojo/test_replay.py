"""F8, replay: the history of a kata as traffic lights, with what changed from save to save."""

from typing import Any

from lldkit.dojo.replay import replay

SAVES = {"a": b"one\ntwo\n", "b": b"one\n2\nthree\n"}


def check(verdict: str, reached: int, solution: str = "a", **more: Any) -> dict[str, Any]:
    entry = {"event": "check", "at": "2024-01-01T09:30:00+00:00", "level": 1, "verdict": verdict, "reached": reached}
    return {**entry, "solution": solution, "failure": None, **more}


ENTRIES = [
    {"event": "start"},
    check("red", 0, failure="it_fits", looks_like="w03"),
    {"event": "hint"},
    check("amber", 0, "b"),
    {"event": "give-up"},
    check("green", 1, "b"),
    {"event": "reset"},
    check("grader_error", 0, "gone"),
]


def test_the_first_line_is_the_whole_attempt_in_letters() -> None:
    assert next(replay(ENTRIES, SAVES.get, "")) == "RhAsG|0!"
    assert list(replay([{"event": "start"}], SAVES.get, "")) == ["no grade yet"]


def test_each_grade_shows_what_had_changed_since_the_one_before() -> None:
    assert list(replay(ENTRIES, SAVES.get, "one\n"))[1:] == [
        "  1  R  2024-01-01 09:30  level 1  it_fits  looks like w03  +1 -0",
        "       @@ -1 +1,2 @@",
        "        one",
        "       +two",
        "  2  A  2024-01-01 09:30  level 1    +2 -1",
        "       @@ -1,2 +1,3 @@",
        "        one",
        "       -two",
        "       +2",
        "       +three",
        "  3  G  2024-01-01 09:30  level 1    unchanged",
        "  4  !  2024-01-01 09:30  level 1    unchanged  (the save is gone)",
    ]


def test_the_saves_of_an_interview_are_grades_too() -> None:
    save = {"event": "interview", "what": "save", "interview": "oa90", "minute": 12.5, "solution": "a"}
    told = {"at": "2024-01-01T09:30:00+00:00", "verdict": "red", "reached": 1, "failure": "it_fits"}
    asked = {"event": "interview", "what": "ask"}
    assert list(replay([asked, {**save, **told}], SAVES.get, "one\n", diffs=False)) == [
        "R|",
        "  1  R  2024-01-01 09:30  minute 12.5 of oa90  it_fits  +1 -0",
    ]


def test_the_lights_alone_are_one_line_per_grade() -> None:
    assert len(list(replay(ENTRIES, SAVES.get, "one\n", diffs=False))) == 5
