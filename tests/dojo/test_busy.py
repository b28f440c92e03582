"""T19 and T21: a busy machine turns nothing red, and two windows on one workspace lose nothing."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.dojo import catalog, child, grade, load_kata
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


class Still:
    """A check that makes no progress."""

    label = "solution.py"

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def progress(self) -> tuple[object, ...]:
        return ()

    def stuck(self, reason: str, _why: str, _line: int | None) -> None:
        self.reasons.append(reason)

    def summary(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("kept_waiting", "reasons"), [(False, ["silence"]), (True, [])])
def test_who_waits_for_the_machine_is_not_silent(
    kept_waiting: bool, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, exam = iter(range(100)), Still()

    def send(*, last: bool = False, **_: object) -> None:
        if last:
            raise StopIteration

    dog = child.Watchdog(exam, send, limit=1.5)
    stand_ins = {
        "_sleep": lambda _: next(ticks),
        "_cpu": lambda: 0.0,
        "_wind_up": None,
        "_kept_waiting": lambda: kept_waiting,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(dog, name, stand_in)
    with pytest.raises(StopIteration):
        dog._watch()
    assert exam.reasons == reasons


def test_a_thread_that_the_disk_or_a_processor_keeps_waiting_is_told_by_its_state(tmp_path: Path) -> None:
    def is_in(number: int, state: str) -> None:
        (tmp_path / str(number)).mkdir(exist_ok=True)
        (tmp_path / str(number) / "stat").write_text(f"{number} (py) D (x) {state} 1 2 3")

    is_in(1, "S")
    is_in(threading.get_native_id(), "R")  # who asks, runs
    assert not child.waits_for_the_machine(str(tmp_path))
    for state in ("D", "R"):
        is_in(2, state)
        assert child.waits_for_the_machine(str(tmp_path))
    is_in(2, "S")
    assert not child.waits_for_the_machine(str(tmp_path))
    assert not child.waits_for_the_machine(str(tmp_path / "nowhere"))


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
