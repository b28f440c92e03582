"""T4: every planted wrong solution dies at its level by its check, and prints its golden report."""

import pytest

from lldkit.dojo import gate, load_kata
from lldkit.dojo.interface import Manifest, Verdict, Wrong

PLANTED = load_kata("rate_limiter").wrong


@pytest.mark.parametrize("wrong", PLANTED, ids=lambda wrong: wrong.file.split("/")[1])
def test_a_planted_bug_dies_at_its_level_by_its_check_with_its_golden_report(kata: Manifest, wrong: Wrong) -> None:
    report = gate.grade_wrong(kata, wrong)
    assert report.verdict is Verdict.RED
    assert report.reached == wrong.dies_at - 1
    assert report.failure == wrong.killed_by
    assert report.looks_like is not None
    assert (report.looks_like.id, report.looks_like.similarity) == (wrong.id, 1.0)
    assert gate.golden(report, kata) == (kata.folder / "golden" / f"{wrong.id}.txt").read_text()


@pytest.mark.parametrize("wrong", PLANTED, ids=lambda wrong: wrong.id)
def test_a_planted_bug_violates_a_sentence_of_its_statement(kata: Manifest, wrong: Wrong) -> None:
    statements = [(kata.folder / "levels" / f"{n}.md").read_text() for n in range(1, wrong.dies_at + 1)]
    assert any(wrong.violates in " ".join(text.split()) for text in statements)
