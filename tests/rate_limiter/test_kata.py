"""The kata grades the component behind its adapter: what is asked of a learner holds for ourselves."""

from lldkit.dojo import grade, load_kata


def test_our_limiter_passes_the_levels_of_its_kata() -> None:
    kata = load_kata("rate_limiter")
    assert kata.library is not None
    last = max(kata.library.levels)
    report = grade(kata, kata.folder / "library.py", level=last)
    assert (report.verdict.value, report.reached) == ("green", last)


def test_a_planted_bug_is_named() -> None:
    kata = load_kata("rate_limiter")
    report = grade(kata, kata.folder / "wrong" / "w09_no_cap.py", level=2)
    assert (report.verdict.value, report.failure) == ("red", "a_bucket_never_holds_more_than_its_burst")
    assert report.looks_like is not None
    assert report.looks_like.id == "w09"
