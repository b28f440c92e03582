"""The kata's reference is green, and its wrong solutions are named."""

import pytest

from lldkit.dojo import grade, load_kata


def test_the_reference_passes_every_level() -> None:
    kata = load_kata("notifications")
    report = grade(kata, kata.folder / "solutions" / "level6.py")
    assert (report.verdict.value, report.reached) == ("green", 6)


@pytest.mark.parametrize(
    ("bug", "level", "check"),
    [
        ("w02_searches_the_value", 1, "a_regular_expression_matches_the_whole_value"),
        ("w04_mandatory_is_optional", 2, "mandatory_asks_nobody"),
        ("w07_falls_back_on_silence", 3, "what_is_unclear_may_have_been_sent"),
        ("w09_looks_then_marks", 4, "one_key_from_two_threads"),
        ("w17_lost_in_the_flush", 5, "nothing_is_lost_while_a_digest_is_sent"),
        ("w20_a_late_sent_wins", 6, "a_late_sent_takes_nothing_back"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, check: str) -> None:
    kata = load_kata("notifications")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", check)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]
