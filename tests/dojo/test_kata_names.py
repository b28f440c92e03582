"""B3 and T20 over several katas: bugs made again elsewhere are named rightly, or not at all.

`seeds/<kata>.toml` holds the planted bugs of a kata, made again in an alternative that shares no line with
the reference.
"""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lldkit.dojo import catalog, fingerprint, load_kata
from lldkit.dojo.grader import Options, grade_text
from lldkit.dojo.interface import Manifest, Report

SEEDS = {file.stem: tomllib.loads(file.read_text("utf-8")) for file in Path(__file__).parent.glob("seeds/*.toml")}
SILENT = {
    ("cache", "w14"),  # this one hangs, where the planted one answers with the old error
    ("circuit_breaker", "w07"),  # here an open circuit has no window, and so divides by nothing
}
BUGS = [(kata, bug) for kata, seeds in sorted(SEEDS.items()) for bug in seeds if bug != "alternative"]


def seeded(kata: Manifest, *bugs: str) -> str | None:
    """The alternative with these bugs; None when they are in each other's way."""
    seeds: dict[str, Any] = SEEDS[kata.name]
    source = (kata.folder / "alternatives" / f"{seeds['alternative']}.py").read_text("utf-8")
    for change in (change for bug in bugs for change in seeds[bug]):
        if change["old"] not in source:
            return None
        source = source.replace(change["old"], change["new"])
    return source


def graded(kata: Manifest, source: str, level: int) -> Report:
    """A grade of one level."""
    options = Options(label="solution.py", first=level, schedules=60)
    return grade_text(kata, source.encode(), level=level, options=options)


def level_of(kata: Manifest, bug: str) -> int:
    """Where a planted bug dies."""
    return next(wrong.dies_at for wrong in kata.wrong if wrong.id == bug)


@pytest.mark.parametrize(("name", "bug"), BUGS)
def test_a_planted_bug_made_again_in_another_solution_is_named_rightly(name: str, bug: str) -> None:
    kata = load_kata(name)
    source = seeded(kata, bug)
    assert source is not None
    report = graded(kata, source, level_of(kata, bug))
    assert report.verdict.value == "red"
    named = report.looks_like.id if report.looks_like else None
    assert named == (None if (name, bug) in SILENT else bug)


def test_nine_of_ten_are_named() -> None:
    assert len(BUGS) == 67
    assert len(SILENT) <= len(BUGS) / 10


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_with_two_bugs_at_once_the_name_is_one_of_the_two_or_none(name: str) -> None:
    """T20, for neighbours that die at one level."""
    kata, tried = load_kata(name), 0
    for one, two in pairwise(bug for kata_name, bug in BUGS if kata_name == name):
        level = level_of(kata, one)
        both = seeded(kata, one, two) if level == level_of(kata, two) else None
        if both is None:
            continue
        tried += 1
        report = graded(kata, both, level)
        assert report.verdict.value == "red", (one, two)
        assert report.looks_like is None or report.looks_like.id in {one, two}, (one, two)
    assert tried >= 5


@pytest.mark.parametrize("name", sorted(catalog.names()))
def test_without_its_own_signature_no_planted_bug_of_any_kata_is_taken_for_another(name: str) -> None:
    """Leave one out; those that are said to be alike stand for each other."""
    kata = load_kata(name)
    signatures = fingerprint.load(kata)
    for wrong in kata.wrong:
        others = {
            other.id: signatures[other.id]
            for other in kata.wrong
            if other.dies_at == wrong.dies_at and other.id not in {wrong.id, *wrong.alike}
        }
        assert fingerprint.best(signatures[wrong.id], others) is None, wrong.id
