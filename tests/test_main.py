"""The command `lldkit` itself: help, version, and how it ends when it is stopped."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lldkit import __version__
from lldkit.__main__ import COMMANDS, _parser, main
from lldkit.playground.cli import DEMOS

PROPER = ("ISO 8601", "Python", "CSV", "JSON", "TOML", "SQLite")  # words that begin with a capital anywhere


def test_alone_it_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  lldkit {command}" in out for command in COMMANDS)
    lines = out.splitlines()
    assert len(lines) < 24  # one screen, with the prompt below it
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("words", [[], ["--version"], ["--help"], ["nonsense"]])
def test_it_imports_no_component_to_say_what_there_is(words: list[str]) -> None:
    program = "import sys; from lldkit.__main__ import main; main(sys.argv[1:])"
    told = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {program}"
    done = subprocess.run([sys.executable, "-c", told, *words], capture_output=True, text=True, check=False)
    loaded = {name.split(".")[1] for name in done.stderr.split() if name.startswith("lldkit.")}
    assert loaded == {"__main__", "completion"}


def arguments_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str | None]]:
    """Each command with its description, and each argument with its help, from this parser downwards."""
    yield parser.prog, parser.description
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert action.metavar == "COMMAND", parser.prog
            for below in action.choices.values():
                yield from arguments_of(below)
        else:
            yield f"{parser.prog} {action.metavar or action.dest}", action.help
            assert action.option_strings or str(action.metavar).isupper(), parser.prog


def test_every_command_and_every_argument_says_what_it_is_in_one_style() -> None:
    told = dict(arguments_of(_parser(list(COMMANDS), configured=True)))
    assert len(told) > 150  # the walk has seen them
    assert [name for name, text in told.items() if not text or text.endswith(".")] == []
    assert [name for name, text in told.items() if text and text[0].isupper() and not text.startswith(PROPER)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--no-such-option"])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith("lldkit")
    assert captured.err.endswith("--help)\n")


@pytest.mark.parametrize(
    "command",
    [
        "cache simulate GONE",
        "elevator saga GONE",
        "flags lint GONE",
        "metrics top GONE",
        "notifications lint GONE",
        "parking-lot lint GONE",
        "payments reconcile GONE --db shop.db",
        "rate-limiter replay GONE --limit 5/second",
    ],
)
def test_a_file_that_is_not_there_is_named_in_one_line(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "GONE" in captured.err
    assert "No such file or directory" in captured.err
    assert "Errno" not in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["rate_limiter", "--help"], ["rate-limiter", "--help"]])
def test_a_command_may_be_spelt_like_its_package(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert (stop.value.code, capsys.readouterr().out[:26]) == (0, "usage: lldkit rate-limiter")


@pytest.mark.parametrize("component", ["rate-limiter", "rate_limiter"])
def test_a_demo_may_be_spelt_like_its_command(component: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", component]) == 0
    assert capsys.readouterr().out.startswith("gcra: 10 per second, burst 5\n")


@pytest.mark.parametrize("component", DEMOS)
def test_a_demo_fits_into_eighty_columns_and_names_what_comes_next(
    component: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["demo", component]) == 0
    *drawn, after = capsys.readouterr().out.splitlines()
    assert max(map(len, drawn)) <= 80
    assert after.startswith("Next: lldkit ")


@pytest.mark.parametrize("words", [[], ["demo", "retry"], ["kata", "list"], ["kata", "doctor"]])
def test_what_is_no_terminal_gets_plain_text(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLDKIT_KATAS", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(words)
    captured = capsys.readouterr()
    assert captured.out
    assert "\x1b" not in captured.out + captured.err


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


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_the_first_command_of_the_readme_needs_nothing_but_python() -> None:
    root = Path(__file__).parent.parent
    bare = f"PYTHON={sys.executable} -S"  # without whatever is installed beside it
    done = subprocess.run(["make", "-s", "demo", bare], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "admitted by gcra" in done.stdout


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
