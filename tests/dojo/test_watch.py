"""Watch mode without a terminal, without sleeping: the keys are a script, and saves happen between two looks."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lldkit.clock import ManualClock
from lldkit.dojo.interface import Manifest
from lldkit.dojo.practice import Answer, Practice
from lldkit.dojo.watch import NoKeys, Watch, keyboard
from lldkit.dojo.workspace import Workspace

Step = Callable[[], object] | str | None


class Script:
    """Keys that are pressed, and things that happen, one at each look."""

    def __init__(self, *steps: Step) -> None:
        self.steps = [*steps, None, None, "q"]

    def wait(self, seconds: float) -> str | None:
        step = self.steps.pop(0)
        if callable(step):
            step()
            return None
        return step


@pytest.fixture
def practice(kata: Manifest, tmp_path: Path) -> Practice:
    """A kata that has been started."""
    practice = Practice(Workspace(tmp_path), kata, clock=ManualClock())
    practice.start()
    return practice


def watched(practice: Practice, *steps: Step, manual: bool = False) -> list[str]:
    """What watching shows while the steps happen."""
    shown: list[str] = []

    def say(lines: Sequence[str]) -> None:
        shown.extend(lines)

    listing = lambda: Answer(("the list",))  # noqa: E731
    Watch(practice, say=say, keys=Script(*steps), listing=listing, manual=manual).run()
    return shown


def grades(shown: list[str]) -> list[str]:
    return [line.rsplit("  ", 1)[1] for line in shown if line.startswith("rate_limiter  level")]


def test_a_save_is_graded_once(practice: Practice, right: str) -> None:
    shown = watched(practice, None, None, lambda: practice.path.write_text(right), None, None, None)
    assert grades(shown) == ["RED", "GREEN"]
    assert any(line.startswith("  Since the last grade: fixed preflight-1") for line in shown)


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_an_atomic_save_of_any_editor_is_exactly_one_more_grade(
    practice: Practice, right: str, prefix: bytes, ends: bytes
) -> None:
    def write() -> None:
        practice.path.with_suffix(".tmp").write_bytes(prefix + right.encode().replace(b"\n", ends))
        practice.path.unlink()

    def rename() -> None:
        practice.path.with_suffix(".tmp").replace(practice.path)

    assert grades(watched(practice, None, write, rename, None, None)) == ["RED", "GREEN"]


def test_a_half_written_file_is_not_graded(practice: Practice, right: str) -> None:
    half = lambda: practice.path.write_text(right[:200])  # noqa: E731
    whole = lambda: practice.path.write_text(right)  # noqa: E731
    assert grades(watched(practice, None, half, whole, None)) == ["RED", "GREEN"]


def test_a_save_during_a_grade_is_exactly_one_more_grade(
    practice: Practice, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, saves = practice.check, [right]

    def checked(**options: object) -> Answer:
        answer = check(**options)  # type: ignore[arg-type]
        if saves:
            practice.path.write_text(saves.pop())
        return answer

    monkeypatch.setattr(practice, "check", checked)
    assert grades(watched(practice, None, None, None, None, None)) == ["RED", "GREEN"]


def test_watching_never_moves_on_by_itself(practice: Practice, right: str) -> None:
    practice.path.write_text(right)
    shown = watched(practice, None, None, None)
    assert grades(shown) == ["GREEN"]
    assert "  Level 1 is green: [n]ext opens level 2." in shown
    readme = practice.path.with_name("README.md")
    assert "Level 2:" not in readme.read_text()


def test_next_opens_the_next_level_and_grades_again(practice: Practice, right: str) -> None:
    practice.path.write_text(right)
    shown = watched(practice, None, None, "n", None, None)
    assert grades(shown) == ["GREEN", "AMBER, could not be graded"]
    assert "level 2: A token bucket; README.md describes it" in shown
    assert "Level 2:" in practice.path.with_name("README.md").read_text()


def test_next_is_refused_while_the_level_is_not_green(practice: Practice) -> None:
    assert "level 1 is not green yet" in watched(practice, None, "n")


def test_every_key_does_its_thing(practice: Practice, right: str) -> None:
    practice.path.write_text(right.replace("cost > free", "cost >= free"))
    shown = watched(practice, None, "h", "a", "s", "d", "l", "?", "r", None, None)
    assert "Hint 1 for level 1" in shown
    assert any(line.startswith("no level of rate_limiter is green yet") for line in shown)
    assert "--- stub" in shown
    assert "the list" in shown
    assert any("is the stub again; your solution was kept as" in line for line in shown)
    assert len(grades(shown)) == 3


def test_a_manual_run_grades_on_enter_only(practice: Practice, right: str) -> None:
    shown = watched(practice, None, None, lambda: practice.path.write_text(right), None, "\n", None, manual=True)
    assert grades(shown) == ["GREEN"]


def test_without_a_terminal_nobody_presses_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    clock = ManualClock(auto_advance=True)
    with keyboard(clock) as keys:
        assert isinstance(keys, NoKeys)
        assert keys.wait(0.25) is None
    assert clock.monotonic() == 0.25
