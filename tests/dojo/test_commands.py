"""`lldkit kata ...` as a learner types it: exit codes, one-line refusals, nothing of his ever lost."""

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.dojo.interface import Manifest

Kata = Callable[..., tuple[int, str, str]]


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own."""
    monkeypatch.setenv("LLDKIT_KATAS", str(tmp_path / "katas"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "katas"


@pytest.fixture
def run(space: Path, capsys: pytest.CaptureFixture[str]) -> Kata:
    """A function that runs `lldkit kata` and returns exit code, output and refusal."""

    def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["kata", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def solve(kata: Manifest, space: Path, level: int) -> bytes:
    text = (kata.folder / "solutions" / f"level{level}.py").read_bytes()
    (space / kata.name / "solution.py").write_bytes(text)
    return text


def test_the_first_time_the_list_and_how_to_begin_are_shown(run: Kata) -> None:
    code, out, _ = run()
    assert code == 0
    assert "rate_limiter" in out
    assert out.splitlines()[-1] == "Begin with: lldkit kata start NAME"


def test_a_kata_is_started_graded_and_the_next_level_opened(run: Kata, kata: Manifest, space: Path) -> None:
    assert run("start", "rate_limiter")[0] == 0
    files = {"README.md", "solution.py", "demo.py", "tests.py", "interface.py", "NOTES.md"}
    assert {path.name for path in (space / "rate_limiter").iterdir()} == files
    assert "Level 2:" not in (space / "rate_limiter" / "README.md").read_text()

    code, out, _ = run("check")
    assert (code, "not started" in out) == (1, True)

    solve(kata, space, 1)
    code, out, _ = run("check", "rate_limiter")
    assert code == 0
    assert "Level 2 is open; README.md describes it." in out
    assert "Level 2:" in (space / "rate_limiter" / "README.md").read_text()
    assert "level 2 of" in run()[1]
    assert f"1/{kata.last}  open" in run("list")[1]


def test_a_wrong_and_then_a_right_solution_get_the_messages_they_deserve(
    run: Kata, kata: Manifest, space: Path
) -> None:
    run("start", "rate_limiter")
    wrong = kata.folder / "wrong" / "w07_int_refill.py"
    (space / "rate_limiter" / "solution.py").write_text(wrong.read_text())
    code, out, _ = run("check", "--level", "2")
    assert code == 1
    assert "limiter.acquire('a', cost=3)\n      clock.advance(1.5)\n" in out
    assert "It looks like w07: Each refill loses its fraction of a token" in out
    solve(kata, space, 2)
    assert run("check", "--level", "2")[0] == 0


def test_check_file_needs_no_workspace_and_writes_none(run: Kata, kata: Manifest, space: Path) -> None:
    file = kata.folder / "solutions" / "level1.py"
    assert run("check", "rate_limiter", "--file", str(file), "--level", "1")[0] == 0
    assert run("check", "rate_limiter", "--file", str(file), "--level", "2")[0] == 2
    assert not space.exists()


def test_json_is_one_document_and_nothing_else(run: Kata, kata: Manifest) -> None:
    file = str(kata.folder / "wrong" / "w01_counts_denied.py")
    code, out, err = run("check", "rate_limiter", "--file", file, "--level", "1", "--json")
    document = json.loads(out)
    assert (code, err) == (1, "")
    assert list(document) == [
        *("format", "kata", "asked", "reached", "verdict", "failure", "seconds"),
        *("checks", "looks_like", "notes", "python", "kit"),
    ]
    assert list(document["checks"][0]) == [
        *("id", "level", "kind", "status", "why", "story", "expected", "actual"),
        *("line", "schedule", "output", "help"),
    ]
    assert document["looks_like"] == {"id": "w01", "says": kata.wrong[0].says, "similarity": 1.0}
    assert "rate_limiter" in [item["name"] for item in json.loads(run("list", "--json")[1])]


def test_all_shows_every_failure(run: Kata, kata: Manifest) -> None:
    file = str(kata.folder / "wrong" / "w01_counts_denied.py")
    one = run("check", "rate_limiter", "--file", file, "--level", "1")[1]
    every = run("check", "rate_limiter", "--file", file, "--level", "1", "--all")[1]
    assert "more checks fail (--all shows them)" in one
    assert "remaining_is_never_negative" not in one
    assert "remaining_is_never_negative" in every
    assert "model-1" in every


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["check"], "no kata is open here; begin one with: lldkit kata start NAME"),
        (["start", "rate_limitr"], "there is no kata 'rate_limitr'; did you mean rate_limiter?"),
        (["check", "rate_limiter"], "is not there; lldkit kata start NAME writes it"),
        (["check", "rate_limiter", "--file", "x.py", "--level", "9"], "levels 1 to"),
        (["diff", "rate_limiter"], "is not there; lldkit kata start NAME writes it"),
        (["watch", "rate_limiter"], "is not there; lldkit kata start NAME writes it"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(run: Kata, words: list[str], refusal: str) -> None:
    code, out, err = run(*words)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("lldkit kata: ")
    assert refusal in err


def test_start_refuses_to_write_over_work(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    text = solve(kata, space, 1)
    code, _, err = run("start", "rate_limiter")
    assert code == 2
    assert "begin anew with: lldkit kata reset rate_limiter" in err
    assert (space / "rate_limiter" / "solution.py").read_bytes() == text


def test_reset_keeps_what_was_there_and_prints_where(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    kept = []
    for level in (1, 2):
        text = solve(kata, space, level)
        _, out, _ = run("reset")
        kept.append((Path(out.rsplit(" ", 1)[1].strip()), text))
    assert all(path.read_bytes() == text for path, text in kept)
    stub = (kata.folder / "stub" / "solution.py").read_text()
    assert (space / "rate_limiter" / "solution.py").read_text() == stub


def test_a_readme_with_the_learners_own_words_is_kept_when_a_level_opens(
    run: Kata, kata: Manifest, space: Path
) -> None:
    run("start", "rate_limiter")
    readme = space / "rate_limiter" / "README.md"
    readme.write_text(readme.read_text() + "my own thoughts\n")
    solve(kata, space, 1)
    out = run("check")[1]
    kept = next(line.rsplit(" ", 1)[1] for line in out.splitlines() if "was kept as" in line)
    assert "my own thoughts" in Path(kept).read_text()
    assert "my own thoughts" not in readme.read_text()


def test_hints_come_one_by_one_and_are_remembered(run: Kata) -> None:
    run("start", "rate_limiter")
    firsts = [run("hint")[1].splitlines()[0] for _ in range(4)]
    assert firsts == ["Hint 1 for level 1", "Hint 2 for level 1", "Hint 3 for level 1", "Hint 3 for level 1"]


def test_a_solution_is_shown_after_green_or_on_giving_up(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    code, out, _ = run("solution")
    assert (code, "--give-up" in out) == (2, True)
    assert "class RateLimiter" in run("solution", "--give-up")[1]
    solve(kata, space, 2)
    run("check", "--level", "2")
    out = run("solution")[1]
    assert out.startswith("--- level1.py\n+++ level2.py\n")
    assert "+class TokenBucket:" in out


def test_diff_shows_what_changed_since_the_last_green(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    text = solve(kata, space, 1)
    assert "--- stub" in run("diff")[1]
    run("check")
    assert run("diff")[1] == "nothing has changed since the last green\n"
    (space / "rate_limiter" / "solution.py").write_bytes(text + b"# more\n")
    assert run("diff")[1].splitlines()[-1] == "+# more"


def test_the_open_kata_is_the_one_whose_folder_this_is(run: Kata, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("start", "rate_limiter")
    monkeypatch.delenv("LLDKIT_KATAS")
    monkeypatch.chdir(space / "rate_limiter")
    assert run("check")[0] == 1


def test_a_fault_of_the_grader_is_exit_code_3_with_a_text_for_the_report(
    run: Kata, kata: Manifest, space: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from lldkit.dojo import catalog

    broken = tmp_path / "all" / "broken"
    broken.mkdir(parents=True)
    for name in ("kata.toml", "interface.py", "model.py"):
        (broken / name).write_text((kata.folder / name).read_text())
    (broken / "checks.py").write_text("1 / 0\n")
    (broken / "stub").mkdir()
    (broken / "stub" / "solution.py").write_text("")
    monkeypatch.setattr(catalog, "root", lambda: tmp_path / "all")
    file = str(kata.folder / "solutions" / "level1.py")
    code, out, err = run("check", "broken", "--file", file, "--level", "1")
    assert code == 3
    assert "The grader itself is broken; this says nothing about your solution." in out
    assert "ZeroDivisionError" in out
    assert err == ""


def test_a_fault_of_a_command_is_one_line_and_exit_code_3(run: Kata, monkeypatch: pytest.MonkeyPatch) -> None:
    from lldkit.dojo import catalog

    monkeypatch.setattr(catalog, "names", lambda: 1 / 0)
    code, out, err = run("list")
    assert (code, out) == (3, "")
    assert err.startswith(
        "lldkit kata: our own fault, please report: ZeroDivisionError: division by zero (test_commands.py:"
    )
    assert len(err.splitlines()) == 1


def test_a_reader_that_has_seen_enough_is_no_fault_of_ours() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "lldkit", "kata", "list"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_watch_takes_its_keys_from_a_terminal_and_leaves_it_as_it_was(run: Kata, space: Path) -> None:
    import pty
    import termios

    run("start", "rate_limiter")
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "lldkit", "kata", "watch", "rate_limiter"]
    watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    shown = b""
    while b"RED" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"h")
    while b"Hint 1 for level 1" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"q")
    assert watching.wait(30) == 1
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_knows_few_letters_gets_plain_text_and_no_traceback(
    encoding: str, kata: Manifest, tmp_path: Path
) -> None:
    source = (
        (kata.folder / "solutions" / "level1.py").read_text().replace("cost > free:", "print('\u2713 \u20ac') or True:")
    )
    (tmp_path / "solution.py").write_text(source, "utf-8")
    command = ["-m", "lldkit", "kata", "check", "rate_limiter", "--file", str(tmp_path / "solution.py"), "--level", "1"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "NO_COLOR": "1"}
    found = subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False)
    assert found.returncode == 1
    assert found.stderr == b""
    assert b"\x1b" not in found.stdout
    assert b"printed" in found.stdout


def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch, space: Path, kata: Manifest) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = str(kata.folder / "solutions" / "level1.py")
    words = ["kata", "check", "rate_limiter", "--file", file, "--level", "1"]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    main(words)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", plain := Terminal())
    main(words)
    assert "\x1b[32;1mGREEN\x1b[0m" in terminal.getvalue()
    assert "\x1b" not in plain.getvalue()


def test_a_damaged_journal_line_is_skipped_and_told(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    solve(kata, space, 1)
    run("check")
    journal = space / ".lldkit-katas" / "journal.jsonl"
    journal.write_text('{"at": "2026-\n[1]\n' + journal.read_text() + '{"torn')
    out = run("list")[1]
    assert f"1/{kata.last}" in out
    assert "(3 damaged lines of" in out
    run("hint")
    assert f"1/{kata.last}" in run("list")[1]
    assert json.loads(journal.read_text().splitlines()[-1])["event"] == "hint"


def test_changed_checks_keep_the_history_and_ask_to_check_again(run: Kata, kata: Manifest, space: Path) -> None:
    run("start", "rate_limiter")
    solve(kata, space, 1)
    run("check")
    journal = space / ".lldkit-katas" / "journal.jsonl"
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    entries[-1]["checks"] = "those of an older kit"
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert f"1/{kata.last}  check again" in run("list")[1]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(run: Kata, space: Path) -> None:
    space.mkdir()
    space.chmod(stat.S_IREAD | stat.S_IEXEC)
    code, _, err = run("start", "rate_limiter")
    assert code == 2
    assert "cannot be written" in err


def test_a_workspace_that_is_a_file_is_refused_in_one_line(run: Kata, space: Path) -> None:
    space.write_text("not a folder")
    code, _, err = run("start", "rate_limiter")
    assert code == 2
    assert "cannot be written" in err
    assert space.read_text() == "not a folder"


def test_a_full_disk_leaves_the_learners_file_whole(
    run: Kata, kata: Manifest, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("start", "rate_limiter")
    text = solve(kata, space, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    code, _, err = run("reset")
    assert code == 2
    assert "No space left on device" in err
    assert (space / "rate_limiter" / "solution.py").read_bytes() == text
    assert [path.name for path in (space / "rate_limiter").iterdir() if path.name.startswith(".")] == []
