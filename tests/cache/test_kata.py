"""The kata grades the component behind its adapter: what is asked of a learner holds for ourselves."""

from lldkit.dojo import grade, load_kata


def test_our_cache_passes_the_levels_of_its_kata() -> None:
    kata = load_kata("cache")
    assert kata.library is not None
    last = max(kata.library.levels)
    report = grade(kata, kata.folder / "library.py", level=last)
    assert (report.verdict.value, report.reached) == ("green", last)


def test_a_planted_bug_is_named() -> None:
    kata = load_kata("cache")
    report = grade(kata, kata.folder / "wrong" / "w16_stale_write_back.py", level=4)
    assert (report.verdict.value, report.failure) == ("red", "a_change_wins_over_a_load")
    assert report.looks_like is not None
    assert report.looks_like.id == "w16"
