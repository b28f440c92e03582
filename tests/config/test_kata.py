"""The kata grades the component behind its adapter: what is asked of a learner holds for ourselves."""

from lldkit.dojo import grade, load_kata


def test_our_config_passes_the_levels_of_its_kata() -> None:
    kata = load_kata("config")
    report = grade(kata, kata.folder / "library.py", level=5)
    assert (report.verdict.value, report.reached) == ("green", 5)


def test_a_planted_bug_is_named() -> None:
    kata = load_kata("config")
    report = grade(kata, kata.folder / "wrong" / "w04_dict_update.py", level=3)
    assert (report.verdict.value, report.failure) == ("red", "sections_are_merged_at_any_depth")
    assert report.looks_like is not None
    assert report.looks_like.id == "w04"
