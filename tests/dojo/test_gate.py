"""The author's gate finds what a learner would have stumbled over, and proves the kata that ships."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lldkit.__main__ import main
from lldkit.dojo import bench, catalog, gate, grade, load_kata
from lldkit.dojo.examine import FEW, MANY
from lldkit.dojo.interface import Manifest, Mutant, Report, Verdict
from lldkit.dojo.mutate import mutants
from lldkit.dojo.survivors import killers

Jar = Callable[..., Manifest]
SCENARIO = '''
from lldkit.dojo.author import scenario

@scenario(level=2)
def two_look(make):
    """Who looks changes nothing."""
    jar = make(clock=make.clock())
    return [jar.look, jar.look], lambda: jar.look() == []
'''


def found(kata: Manifest, step: str) -> list[str]:
    return [finding.says for finding in dict(gate.Gate(kata).steps())[step]()]


def test_the_kata_that_ships_has_nothing_that_can_be_read_wrong(kata: Manifest) -> None:
    for step in ("files", "statement", "stub", "hints", "followups"):
        assert found(kata, step) == []


@pytest.mark.parametrize("name", ["fractions_per_key", "lists_of_spends", "whole_microseconds"])
def test_right_solutions_of_other_structure_pass(kata: Manifest, name: str) -> None:
    """T6: nothing depends on names, on order, on texts, on clock reads, on the kind of number."""
    report = grade(kata, kata.folder / "alternatives" / f"{name}.py")
    assert report.verdict == "green", report.failing


def test_the_component_passes_the_kata_that_teaches_it(kata: Manifest) -> None:
    assert kata.library is not None
    assert found(kata, "library") == []


def test_every_mutant_of_the_reference_dies_or_is_explained(kata: Manifest) -> None:
    """T5, for the statements of the first levels; `lldkit kata dev check` does it for all."""
    source = (kata.folder / "solutions" / f"level{kata.last}.py").read_text()
    begin, end = source.index("class FixedWindow"), source.index("class SlidingLog")
    first, last = source[:begin].count("\n") + 1, source[:end].count("\n") + 1
    chosen = [mutant for mutant in mutants(source) if first <= mutant.line < last]
    assert len(chosen) > 60
    found = killers(kata, chosen)
    assert [mutant.after for mutant, killer in zip(chosen, found, strict=True) if not killer] == []
    assert not any(killer.startswith("budget") for killer in found)  # one that measures may miss on a busy machine


def test_a_mutant_that_loops_or_exits_is_killed_and_the_others_go_on(jar: Jar) -> None:
    kata = jar()
    for level in (1, 2):
        (kata.folder / "solutions").mkdir(exist_ok=True)
        (kata.folder / "solutions" / f"level{level}.py").write_text((kata.folder / "right.py").read_text())
    right = (kata.folder / "right.py").read_text()
    sources = [
        right,
        right.replace("return list(self.things)", "while True: pass"),
        right.replace("return list(self.things)", "import os; os._exit(0)"),
        right.replace("return len(self.things)", "return 1"),
        right,
    ]
    made = [Mutant("kind", 1, source) for source in sources]
    assert killers(kata, made, workers=1) == ["", "examples-1", "examples-1", "things_are_counted", ""]


def test_directed_checks_of_all_levels_are_tried_before_what_is_dear(jar: Jar) -> None:
    """Verdicts are those of every order; a mutant that a later level kills costs no programs of an earlier one."""
    kata = jar()
    (kata.folder / "solutions").mkdir()
    right = (kata.folder / "right.py").read_text()
    for level in (1, 2):
        (kata.folder / "solutions" / f"level{level}.py").write_text(right)
    alias = right.replace("self.things = list(things)", "self.things = things")
    both = alias.replace("return len(self.things)", "return 1")
    made = [Mutant("kind", 1, source, before="def fill") for source in (alias, both)]
    assert killers(kata, made, workers=1) == ["model-1", "things_are_counted"]


def test_a_listed_equivalent_that_dies_is_an_error_too(jar: Jar) -> None:
    kata = jar()
    (kata.folder / "solutions").mkdir()
    for level in (1, 2):
        (kata.folder / "solutions" / f"level{level}.py").write_text((kata.folder / "right.py").read_text())
    dead = 'kind = "return None"\nbefore = "return list(self.things)"\nafter = "return None"\nreason = "none"\n'
    (kata.folder / "equivalents.toml").write_text(f"[[equivalent]]\n{dead}")
    says = found(kata, "mutants")
    assert "(return None) return list(self.things) -> return None is not alive" in says


def test_files_that_are_missing_or_belong_to_nothing_are_found(jar: Jar) -> None:
    says = found(jar(), "files")
    assert "design.md is missing" in says
    assert "right.py belongs to nothing" in says


@pytest.mark.parametrize("name", ["checks.py", "model.py", "interface.py", "stub/solution.py", "levels/2.md"])
def test_without_a_file_that_grading_needs_the_other_steps_are_skipped(name: str, jar: Jar) -> None:
    kata = jar()
    (kata.folder / "solutions").mkdir()
    (kata.folder / "wrong").mkdir()
    for file in ("solutions/level1.py", "solutions/level2.py", "wrong/w01_alias.py"):
        (kata.folder / file).write_text((kata.folder / "right.py").read_text())
    (kata.folder / name).unlink()
    told: list[str] = []
    code = bench.check([str(kata.folder)], say=told.extend, fast=True, as_json=False, renew=True)
    assert code == 1
    assert f"    {name} is missing\n      remedy: write it, or take it out of kata.toml" in told
    assert f"jar              the other steps are skipped: they need {name}" in told
    assert told[-1].startswith("jar: ")


def test_a_reference_is_graded_once_for_all_steps_that_try_many_schedules(
    jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    kata = jar(checks=(jar().folder / "checks.py").read_text() + SCENARIO)._replace(wrong=())
    (kata.folder / "solutions").mkdir()
    for level in (1, 2):
        (kata.folder / "solutions" / f"level{level}.py").write_text((kata.folder / "right.py").read_text())
    graded: list[tuple[str, int | None]] = []

    def counted(kata: Manifest, path: Path, **more: Any) -> Report:
        graded.append((path.name, more["options"].schedules))
        return grade(kata, path, **more)

    monkeypatch.setattr(gate, "grade", counted)
    steps = dict(gate.Gate(kata, workers=1).steps())
    list(steps["references"]())
    assert list(steps["schedules"]()) == []
    assert graded == [("level1.py", FEW), ("level2.py", MANY)]


def test_a_race_is_replayed_also_where_an_example_fails_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = load_kata("bounded_queue")
    dropped = next(wrong for wrong in queue.wrong if wrong.id == "w09")
    proof = gate.Gate(queue._replace(wrong=(dropped,)), workers=1)
    proof.reports["w09"] = gate.grade_wrong(queue, dropped)
    assert proof.reports["w09"].failure == "what_is_left_is_handed_out"
    green = proof.reports["w09"]._replace(verdict=Verdict.GREEN)

    def graded(kata: Manifest, path: Path, **more: Any) -> Report:
        return grade(kata, path, **more) if path.parent.name == "wrong" else green

    monkeypatch.setattr(gate, "grade", graded)
    assert list(proof.schedules()) == []


def test_a_planted_bug_that_lives_is_found(jar: Jar) -> None:
    kata = jar()
    (kata.folder / "wrong").mkdir()
    (kata.folder / "wrong" / "w01_alias.py").write_text((kata.folder / "right.py").read_text())
    assert found(kata, "planted") == ["w01 is green with 1 green levels "]


def test_a_planted_bug_that_dies_by_another_check_or_with_another_report_is_found(jar: Jar) -> None:
    kata = jar()
    right = (kata.folder / "right.py").read_text()
    (kata.folder / "wrong").mkdir()
    wrong = kata.folder / "wrong" / "w01_alias.py"
    wrong.write_text(right.replace("list(self.things)", "[0, *self.things]"))
    assert found(kata, "planted") == ["w01 is killed by examples-1"]
    wrong.write_text(right.replace("self.things = list(things)", "self.things = things"))
    assert found(kata, "planted") == ["the report of w01 is not its golden one"]
    assert found(kata, "signatures") == ["the signature of w01 is stale"]
    gate.renew(kata)
    assert found(kata, "planted") == []
    assert found(kata, "signatures") == []


def test_a_sentence_that_no_statement_has_is_found(jar: Jar) -> None:
    kata = jar()
    (kata.folder / "levels" / "1.md").write_text("# Level 1\n")
    assert "w01 violates a sentence that no statement has" in found(kata, "statement")


def test_the_teeth_matrix_names_the_check_that_kills_each_bug(
    kata: Manifest, capsys: pytest.CaptureFixture[str], jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = jar()
    (small.folder / "wrong").mkdir()
    right = (small.folder / "right.py").read_text()
    (small.folder / "wrong" / "w01_alias.py").write_text(right.replace("= list(things)", "= things"))
    gate.renew(small)
    monkeypatch.setattr(catalog, "root", lambda: small.folder.parent)
    assert main(["kata", "dev", "matrix", "jar"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "planted",
        "bug",
        "level",
        "examples",
        "checks",
        "model",
        "schedules",
        "budget",
        "killed",
        "by",
    ]
    assert row.split() == ["w01_alias", "1", ".", ".", "1", ".", ".", "model-1"]


def test_dev_check_tells_findings_with_remedies_and_exits_1(
    jar: Jar, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kata = jar()
    monkeypatch.setattr(catalog, "root", lambda: kata.folder.parent)
    monkeypatch.setattr(gate.Gate, "steps", lambda self: [("files", self.files)])
    assert main(["kata", "dev", "check", "jar", "--fast"]) == 1
    assert "    design.md is missing\n      remedy: write it, or take it out of kata.toml\n" in capsys.readouterr().out
    assert main(["kata", "dev", "check", "jar", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["katas"][0]["name"] == "jar"
    assert {"step", "says", "remedy"} == set(document["katas"][0]["findings"][0])


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_katas_that_are_proved_side_by_side_are_told_one_after_the_other(
    jobs: int, jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    kata = jar()
    monkeypatch.setattr(catalog, "root", lambda: kata.folder.parent)
    monkeypatch.setattr(gate.Gate, "steps", lambda proof: [("files", proof.files)])
    told: list[str] = []
    code = bench.check(["jar", "jar", "jar"], say=told.extend, fast=True, as_json=True, renew=False, jobs=jobs)
    documents = json.loads(told[0])["katas"]
    assert code == 1
    assert [document["name"] for document in documents] == ["jar"] * 3
    assert documents[0]["findings"] == documents[1]["findings"] == documents[2]["findings"] != []


def test_jobs_are_at_least_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kata", "dev", "check", "--jobs", "0"]) == 2
    assert capsys.readouterr().err == "lldkit kata: --jobs must be at least 1, got 0\n"


def test_a_manifest_that_cannot_be_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "kata.toml").write_text("format = 2\n")
    monkeypatch.setattr(catalog, "root", lambda: tmp_path)
    shown: list[str] = []
    code = bench.check([], say=shown.extend, fast=True, as_json=False, renew=False)
    assert (code, shown) == (1, ["broken/kata.toml: format: must be 1, got 2"])
