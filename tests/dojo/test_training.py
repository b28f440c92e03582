"""The commands beside the grade: hunt, predict, find, review, replay, update, eject, doctor."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.dojo import predict
from lldkit.dojo.interface import Manifest

Kata = Callable[..., tuple[int, str, str]]


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own."""
    monkeypatch.setenv("LLDKIT_KATAS", str(tmp_path / "katas"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "katas"


@pytest.fixture
def run(space: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kata:
    """A function that runs `lldkit kata` with something typed, and returns exit code, output and refusal."""

    def command(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = main(["kata", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    command("start", "rate_limiter")
    return command


def test_the_stubs_tests_kill_too_little(run: Kata) -> None:
    code, out, _ = run("hunt")
    assert code == 1
    assert out.startswith("1 tests killed ")


def test_a_hunt_without_tests_is_amber(run: Kata, space: Path) -> None:
    (space / "rate_limiter" / "tests.py").write_text("")
    assert run("hunt")[:2] == (2, "tests.py cannot be tried: it has no function test_...\n")
    (space / "rate_limiter" / "tests.py").unlink()
    assert run("hunt")[0] == 2
    assert run("hunt", "--level", "9")[2] == "lldkit kata: rate_limiter has levels 1 to 6, got 9\n"


def test_predict_asks_until_nothing_more_is_typed(run: Kata, kata: Manifest) -> None:
    asked = predict.questions(kata, 1)
    first = asked[0].options.index(asked[0].answer[0]) + 1
    code, out, _ = run("predict", typed=f"{first}\nno idea\n")
    assert code == 1
    assert "\nRight.\n" in out.replace("> ", "\n")
    assert f"No: {asked[1].answer[0]}" in out
    assert out.endswith("1 of 2 right\n")
    assert run("predict", typed=f"{first}\n")[0] == 0


def test_a_bug_that_was_found_is_not_asked_again(run: Kata) -> None:
    calls = (
        "limiter = RateLimiter(limit=1, period=8, clock=clock)\nlimiter.acquire('a', cost=2)\n"
        "limiter.acquire('a').allowed\n\n"
    )
    code, out, _ = run("find", "--bug", "w01", typed=calls)
    assert code == 0
    assert "Found: limiter.acquire('a').allowed" in out.replace(">>> ", "")
    code, out, _ = run("find", typed="\n")
    assert code == 1
    assert out.startswith("# Pull request w02, level 1 of rate_limiter.")
    assert "is left that calls can show" in run("find", "--bug", "w99")[2]


def test_nothing_is_due_on_the_first_day(run: Kata) -> None:
    assert run("review")[:2] == (0, "Nothing waits for a review yet.\n")
    assert run("review", "rate_limiter")[:2] == (2, "nothing of rate_limiter is due\n")


def test_replay_shows_the_lights_of_this_kata(run: Kata, space: Path, kata: Manifest) -> None:
    run("check")
    (space / "rate_limiter" / "solution.py").write_bytes((kata.folder / "solutions" / "level1.py").read_bytes())
    run("check")
    code, out, _ = run("replay", "--lights")
    assert code == 0
    assert out.splitlines()[0] == "RG|"
    assert "  1  R  " in out
    assert "window = now // self._period" not in out
    assert "window = now // self._period" in run("replay")[1]


def test_update_renews_the_copies_and_keeps_what_was_written_there(run: Kata, space: Path, kata: Manifest) -> None:
    interface = space / "rate_limiter" / "interface.py"
    interface.write_text("mine")
    code, out, _ = run("update")
    assert code == 0
    assert interface.read_text() == (kata.folder / "interface.py").read_text()
    assert Path(out.partition("kept as ")[2].strip()).read_text() == "mine"
    assert "kept as" not in run("update")[1]


def test_eject_says_what_it_wrote_and_how_to_run_it(run: Kata, space: Path) -> None:
    code, out, _ = run("eject")
    assert code == 0
    assert out.splitlines()[-1] == f"Run them: python -m pytest {space / 'rate_limiter' / 'pytest'}"


def test_the_doctor_finds_this_machine_well(run: Kata) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    assert all(line.startswith("ok ") for line in out.splitlines())
