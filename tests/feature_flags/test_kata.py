"""The kata grades the component behind its adapter: what is asked of a learner holds for ourselves."""

from lldkit.dojo import grade, load_kata


def test_our_flags_pass_the_levels_of_their_kata() -> None:
    kata = load_kata("feature_flags")
    report = grade(kata, kata.folder / "library.py", level=6)
    assert (report.verdict.value, report.reached) == ("green", 6)


def test_a_planted_bug_is_named() -> None:
    kata = load_kata("feature_flags")
    report = grade(kata, kata.folder / "wrong" / "w11_crc_shifted.py", level=3)
    assert (report.verdict.value, report.failure) == ("red", "two_flags_choose_independently")
    assert report.looks_like is not None
    assert report.looks_like.id == "w11"
