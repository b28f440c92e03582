"""The kata of the feature flags names its planted bugs."""

from lldkit.dojo import grade, load_kata


def test_a_planted_bug_is_named() -> None:
    kata = load_kata("feature_flags")
    report = grade(kata, kata.folder / "wrong" / "w11_crc_shifted.py", level=3)
    assert (report.verdict.value, report.failure) == ("red", "two_flags_choose_independently")
    assert report.looks_like is not None
    assert report.looks_like.id == "w11"
