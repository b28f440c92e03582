"""T19 and T21: a busy machine turns nothing red, and two windows on one workspace lose nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.dojo import catalog, grade, load_kata
from lldkit.dojo.interface import Manifest, Verdict
from lldkit.dojo.practice import Practice
from lldkit.dojo.workspace import Workspace


@pytest.fixture(scope="module")
def busy() -> Iterator[None]:
    """Four processes that do nothing but count."""
    spin = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(spin) for _ in range(4)]
    yield
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("name", catalog.names())
def test_right_solutions_stay_green_beside_four_busy_processes(name: str) -> None:
    kata = load_kata(name)
    level = min(2, kata.last)
    report = grade(kata, kata.folder / "solutions" / f"level{level}.py", level=level)
    assert report.verdict is Verdict.GREEN, report.failing


def test_two_windows_on_one_workspace_keep_the_journal_whole(kata: Manifest, tmp_path: Path) -> None:
    windows = [Practice(Workspace(tmp_path), kata, clock=ManualClock()) for _ in range(2)]
    windows[0].start()
    windows[0].path.write_bytes((kata.folder / "solutions" / "level1.py").read_bytes())

    def work(practice: Practice) -> None:
        for number in range(200):
            practice.note("hint", level=1, step=number, text="x" * 500)
        practice.check()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, windows))
    lines = windows[0].space.journal.path.read_bytes().splitlines()
    assert len(lines) == 1 + 2 * 201
    assert {json.loads(line)["event"] for line in lines} == {"start", "hint", "check"}
    assert windows[1].progress.reached == 1


def test_two_windows_that_reset_at_once_keep_both_solutions(kata: Manifest, tmp_path: Path) -> None:
    practice = Practice(Workspace(tmp_path), kata, clock=ManualClock())
    practice.start()
    kept = set()
    for text in ("one", "two"):
        practice.path.write_text(text)
        [line] = Practice(Workspace(tmp_path), kata, clock=ManualClock()).reset().lines
        kept.add(Path(line.partition("kept as ")[2]).read_text())
    assert kept == {"one", "two"}
