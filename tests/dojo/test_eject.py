"""F13: the checks of a kata as plain pytest files, which find what the grader finds."""

import subprocess
import sys
from pathlib import Path

import pytest

from lldkit.dojo import catalog
from lldkit.dojo.eject import eject
from lldkit.dojo.interface import Manifest
from lldkit.dojo.workspace import Workspace

KINDS = {"directed", "model", "schedule"}


def run_pytest(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *words, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.fixture
def space(tmp_path: Path, kata: Manifest) -> Workspace:
    space = Workspace(tmp_path)
    (space.folder(kata.name)).mkdir()
    return space


def test_a_right_solution_passes_one_test_for_each_check(space: Workspace, kata: Manifest) -> None:
    (space.folder(kata.name) / "solution.py").write_bytes((kata.folder / "solutions" / "level4.py").read_bytes())
    written, backups = eject(kata, space, 4)
    assert backups == []
    code, out = run_pytest(written[0].parent)
    planned = [check for check in catalog.plan(kata, 4) if check.kind in KINDS]
    assert (code, out.splitlines()[-1].split(" in ")[0]) == (0, f"{len(planned)} passed")


@pytest.mark.parametrize("name", ["w04", "w12"])
def test_a_planted_bug_fails_the_test_of_its_check_with_its_story(name: str, space: Workspace, kata: Manifest) -> None:
    wrong = next(wrong for wrong in kata.wrong if wrong.id == name)
    (space.folder(kata.name) / "solution.py").write_bytes((kata.folder / wrong.file).read_bytes())
    written, _ = eject(kata, space, wrong.dies_at)
    code, out = run_pytest(written[0].parent, "-k", wrong.killed_by)
    assert code == 1
    assert f"test_level{wrong.dies_at}_{wrong.killed_by}" in out
    assert "limiter.acquire(" in out


def test_what_the_learner_changed_is_kept(space: Workspace, kata: Manifest) -> None:
    written, _ = eject(kata, space, 1)
    written[0].write_text("mine")
    _, [backup] = eject(kata, space, 1)
    assert backup.read_text() == "mine"
    assert eject(kata, space, 1)[1] == []
