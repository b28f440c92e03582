"""What a solution has started and let go is found by its mark and ended, also while it is being loaded."""

import os
import signal
from pathlib import Path

import pytest

from lldkit.dojo import process

MARK = "0123456789abcdef"
MARKED = f"PATH=/bin\0{process.MARK}={MARK}\0".encode()
ALIVE, ZOMBIE, KERNELS_OWN = "R 1 7 7 0 -1 4194304", "Z 1 7 7 0 -1 4194304", "I 2 0 0 0 -1 2129984"


def shown(proc: Path, pid: int, state: str, *, environ: bytes = b"", cmdline: bytes = b"") -> Path:
    """A process as /proc shows it."""
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (a name) with brackets) {state} 0 0")
    (folder / "environ").write_bytes(environ)
    (folder / "cmdline").write_bytes(cmdline)
    return folder


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were killed, in a /proc of ours, where whatever is killed disappears."""
    pids: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        pids.append(pid)
        (tmp_path / str(pid) / "environ").unlink()

    monkeypatch.setattr(process, "PROC", tmp_path)
    monkeypatch.setattr(os, "kill", kill)
    return pids


def test_a_process_that_is_being_loaded_is_looked_at_until_it_shows_its_environment(
    tmp_path: Path, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, rounds = shown(tmp_path, 71, ALIVE), iter(range(100))

    def pause(_: float) -> None:
        if next(rounds) == 3:
            (loading / "environ").write_bytes(MARKED)

    monkeypatch.setattr("lldkit.dojo.process.time.sleep", pause)
    process._end_stragglers(MARK)
    assert killed == [71]
    assert next(rounds) == 5, "four rounds of waiting, and one after the kill"


def test_nobody_waits_for_what_will_never_show_one(
    tmp_path: Path, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(tmp_path, 72, ZOMBIE)
    shown(tmp_path, 73, KERNELS_OWN)
    shown(tmp_path, 74, ALIVE, cmdline=b"env\0-i\0sleep\09\0")
    shown(tmp_path, 75, ALIVE, environ=MARKED.replace(b"0123", b"9999"))
    monkeypatch.setattr("lldkit.dojo.process.time.sleep", lambda _: pytest.fail("there is nothing to wait for"))
    process._end_stragglers(MARK)
    assert killed == []
