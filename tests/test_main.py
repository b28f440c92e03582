"""The command `lldkit` itself: help, version, and how it ends when it is stopped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lldkit import __version__
from lldkit.__main__ import COMMANDS, main


def test_alone_it_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  lldkit {command}" in out for command in COMMANDS)
    assert len(out.splitlines()) <= 30  # one screen


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["ka"], ["kata"]),
        (["kata", "st"], ["start"]),
        (["demo", "re"], ["retry"]),
        (["completion", "z"], ["zsh"]),
        (["kata", "check", "--sche"], ["--schedule"]),
        (["--vers"], ["--version"]),
        (["kata", "nothing like it"], []),
    ],
)
def test_a_shell_completes_commands_choices_and_options(typed: list[str], completed: list[str]) -> None:
    ask = 'eval "$SCRIPT"; COMP_WORDS=(lldkit "$@"); COMP_CWORD=$#; _lldkit; printf "%s\\n" "${COMPREPLY[@]}"'
    script = subprocess.run(
        [sys.executable, "-m", "lldkit", "completion", "bash"], capture_output=True, text=True, check=True
    )
    done = subprocess.run(
        ["bash", "-c", ask, "bash", *typed], env={"SCRIPT": script.stdout}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == completed


def test_zsh_is_taught_to_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("autoload -Uz bashcompinit && bashcompinit\n_lldkit() {")


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert (stop.value.code, capsys.readouterr().out) == (0, f"lldkit {__version__}\n")


def test_an_unknown_command_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["nonsense"])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)


def test_an_interrupt_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("lldkit.playground.cli.run", interrupted)
    assert main(["demo", "rate_limiter"]) == 130


def test_a_reader_that_has_seen_enough_ends_it_without_a_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-u", "-m", "lldkit", "demo", "rate_limiter"],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
