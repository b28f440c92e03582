"""`lldkit kata dev new` writes a kata that the gate accepts, but for what only its author can supply."""

import subprocess
import sys
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.dojo import catalog, grade, load_kata, template
from lldkit.dojo.gate import Gate
from lldkit.dojo.interface import DojoError, WorkspaceError


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `katas/` of a checkout, in which the command writes."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "katas").mkdir()
    monkeypatch.setattr(catalog, "root", lambda: tmp_path / "katas")
    return tmp_path / "katas"


def test_the_gate_misses_only_what_the_command_says_is_missing(tmp_path: Path) -> None:
    said = template.new("bounded_queue", katas=tmp_path)
    proof = Gate(load_kata("bounded_queue", katas=tmp_path), fast=True)
    found = [(name, [finding.says for finding in step()]) for name, step in proof.steps()]
    assert [(name, says) for name, says in found if says] == [
        ("alternatives", ["0 alternatives"]),
        ("followups", ["1 follow-ups, at least 6 are asked"]),
    ]
    assert [line.split()[0] for line in said[1:3]] == ["alternatives/", "followups.toml"]
    assert proof.mutants > 20


def test_a_learner_can_start_on_it(tmp_path: Path) -> None:
    template.new("lift_door", katas=tmp_path)
    kata = load_kata("lift_door", katas=tmp_path)
    assert (kata.entry, kata.last) == ("LiftDoor", 1)
    report = grade(kata, kata.folder / "wrong" / "w01_refusal_counts.py")
    assert (report.verdict.value, report.failure) == ("red", "a_refusal_does_not_begin_the_pause_anew")
    assert report.looks_like is not None
    assert report.looks_like.id == "w01"
    assert "lift_door = LiftDoor(pause=10, clock=clock)" in (kata.folder / "levels" / "1.md").read_text()


@pytest.mark.parametrize("script", ["demo.py", "tests.py"])
def test_its_demo_and_its_tests_run_with_the_reference(tmp_path: Path, script: str) -> None:
    template.new("lift", katas=tmp_path)
    folder = tmp_path / "lift"
    for source, target in {
        "solutions/level1.py": "solution.py",
        "interface.py": "interface.py",
        f"stub/{script}": script,
    }.items():
        (tmp_path / target).write_text((folder / source).read_text())
    ran = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    fires = [line.split()[-1] for line in ran.stdout.splitlines()]
    assert fires == (["True", "False", "False"] * 3)[:8] * (script == "demo.py")


def test_nothing_is_written_over(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kata", "dev", "new", "lift"]) == 0
    assert "lldkit kata dev check lift --fast" in capsys.readouterr().out
    before = tree(checkout)
    (checkout / "shaft").mkdir()
    (checkout / "cable").write_text("mine")
    (checkout / "concurrency" / "door").mkdir(parents=True)
    (checkout / "concurrency" / "door" / "kata.toml").touch()
    for name in ("lift", "shaft", "cable", "door"):
        assert main(["kata", "dev", "new", name]) == 2
        assert capsys.readouterr().err.splitlines() == [
            f"lldkit kata: katas/{name}: is there already; choose another name, or delete it first"
        ]
    assert tree(checkout) == before | {"cable": b"mine", "concurrency/door/kata.toml": b""}


@pytest.mark.parametrize(
    "name",
    ["", "Lift", "two words", "lift-door", "_lift", "lift_", "a__b", "../lift", "/lift", "9lives", "lïft", "x" * 41],
)
def test_nonsense_is_refused_in_one_line(name: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kata", "dev", "new", name]) == 2
    wanted = f"lldkit kata: a kata's name is words in small letters, joined by _ (bounded_queue), got {name!r}"
    assert capsys.readouterr() == ("", f"{wanted}\n")
    assert tree(checkout) == {}


@pytest.mark.parametrize("name", ["class", "none", "list", "value_error", "clock", "manual_clock", "concurrency"])
def test_a_name_that_means_something_else_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DojoError, match=f"cannot be called '{name}'"):
        template.new(name, katas=tmp_path)
    assert tree(tmp_path) == {}


def test_an_installed_package_and_a_full_disk_are_no_place_to_write(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(WorkspaceError, match=r"katas/lift: cannot be written: No space left on device"):
        template.new("lift")
    (checkout.parent / "pyproject.toml").unlink()
    with pytest.raises(WorkspaceError, match=r"is inside an installed lldkit; katas are written in a checkout"):
        template.new("door")
    assert not (checkout / "door").exists()
