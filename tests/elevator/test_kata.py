"""The kata's reference is green, its wrong solutions are named, and its bed tells dispatchers apart."""

import pytest

from lldkit.dojo import grade, load_kata


def test_the_reference_passes_every_level() -> None:
    kata = load_kata("elevator")
    report = grade(kata, kata.folder / "solutions" / "level6.py")
    assert (report.verdict.value, report.reached) == ("green", 6)


@pytest.mark.parametrize(
    ("bug", "level", "check"),
    [
        ("w03_turns_with_calls_ahead", 1, "it_does_not_turn_while_calls_lie_ahead"),
        ("w06_cleared_though_people_stay", 2, "who_does_not_fit_is_not_forgotten"),
        ("w08_two_cars_for_one_call", 3, "two_cars_never_go_for_one_call"),
        ("w13_one_generator_for_all", 4, "everybody_dispatches_the_same_people"),
        ("w15_counts_people", 5, "nobody_counts_people_behind_buttons"),
        ("w18_calls_are_lost", 6, "the_calls_of_a_failed_car_are_given_to_others"),
    ],
)
def test_a_planted_bug_is_named(bug: str, level: int, check: str) -> None:
    kata = load_kata("elevator")
    report = grade(kata, kata.folder / "wrong" / f"{bug}.py", level=level)
    assert (report.verdict.value, report.failure) == ("red", check)
    assert report.looks_like is not None
    assert report.looks_like.id == bug[:3]


DISPATCH = """    def dispatch(self, car, view):
        here = view.cars[car].floor
        others = [other.goal for number, other in enumerate(view.cars) if number != car]
        open_calls = [call for call in view.calls if call not in others]
        return min(open_calls, key=lambda call: RANK, default=None)

    def interval"""


@pytest.mark.parametrize(
    ("rank", "verdict"),
    [
        ("abs(call[0] - here)", "red"),  # the nearest
        ("-call[0]", "red"),  # the highest
        ("-view.calls[call]", "green"),  # the oldest
        ("2 * abs(call[0] - here) - view.calls[call]", "green"),  # the oldest, with an eye on the way
    ],
)
def test_the_bar_of_the_bed_lies_between_the_nearest_and_the_oldest(
    rank: str, verdict: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kata = load_kata("elevator")
    source = (kata.folder / "solutions" / "level5.py").read_text()
    before, _, rest = source.partition("    def dispatch")
    solution = tmp_path_factory.mktemp("bed") / "solution.py"
    solution.write_text(before + DISPATCH.replace("RANK", rank) + rest.partition("    def interval")[2])
    report = grade(kata, solution, level=5)
    assert report.verdict.value == verdict
    assert report.failure == (None if verdict == "green" else "the_bed_is_beaten")
