"""The doctor says what works here, and what helps where something will not."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.dojo import catalog, doctor
from lldkit.dojo.interface import Manifest
from lldkit.dojo.workspace import Workspace


def findings(space: Workspace, **environment: str) -> dict[str, tuple[bool, str]]:
    return {what: (works, says) for works, what, says in doctor.examine(space, environment, io.StringIO())}


def test_all_is_well_here(tmp_path: Path) -> None:
    found = findings(Workspace(tmp_path / "new"))
    assert list(found) == ["Python", "threads", "terminal", "workspace", "journal", "katas", "a grade"]
    assert all(works for works, _ in found.values())
    assert found["workspace"][1] == f"{tmp_path / 'new'} (made by the first `start`)"
    assert not (tmp_path / "new").exists(), "to look is not to write"
    assert found["a grade"][1] == f"a right solution of {catalog.names()[0]} is green"


def test_a_workspace_that_is_a_file_will_not_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    works, says = findings(Workspace(tmp_path / "file"))["workspace"]
    assert not works
    assert "--dir" in says


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.journal.append({"kata": "cache", "event": "start"})
    with space.journal.path.open("a") as file:
        file.write("{broken\n")
    assert findings(space)["journal"] == (True, "1 entries, 1 damaged lines are skipped")


def test_a_grader_that_does_not_work_here_is_told(
    jar: Callable[..., Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kata = jar(checks="import nowhere")
    (kata.folder / "solutions").mkdir()
    (kata.folder / "solutions" / "level1.py").write_text((kata.folder / "right.py").read_text())
    monkeypatch.setattr(catalog, "root", lambda: kata.folder.parent)
    works, says = findings(Workspace(tmp_path / "w"))["a grade"]
    assert not works
    assert "nowhere" in says
