"""The kata's reference is green, and its wrong solutions are named."""

import pytest

from lldkit.dojo import grade, load_kata


def test_the_reference_passes_every_level() -> None:
    kata = load_kata("parking_lot")
    report = grade(kata, kata.folder / "solutions" / "level6.py")
    assert (report.verdict.value, report.reached) == ("green", 6)


@pytest.mark.parametrize(
    ("bug", "level", "check"),
    [
        ("w02_leaves_twice", 1, "nobody_leaves_who_did_not_come"),
        ("w09_wall_arithmetic", 3, "time_is_what_passes"),
        ("w11_find_then_park", 4, "the_last_space_is_given_once"),
        ("w17_counts_pairs", 5, "what_fits_at_every_instant_is_accepted"),
        ("w21_any_token_will_do", 6, "an_old_token_confirms_nothing"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, check: str) -> None:
    kata = load_kata("parking_lot")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", check)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]
