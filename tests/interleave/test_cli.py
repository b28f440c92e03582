"""`lldkit interleave demo`: a race is shown and its cure proved; nonsense is refused in one line."""

import json
import re
import shlex
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.interleave.demo import DEMOS


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["interleave", "demo", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"),
    [("deadlock", "each waits for the next"), ("lost-update", "invariant"), ("wait-without-loop", "pop from empty")],
)
def test_the_bug_is_drawn_its_command_replays_it_and_the_cure_is_proved(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, name)
    assert told in out
    assert "Repaired: proved" in out
    (command,) = re.findall(r"^lldkit interleave demo (.*)$", out, re.MULTILINE)
    assert printed(capsys, *shlex.split(command)) == out


def test_the_granularity_of_today_hides_the_lost_update(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "lost-update", "--granularity", "gil")
    assert "not_found in 1000 schedules" in out
    assert "proves nothing" in out


def test_json_and_svg(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = json.loads(printed(capsys, "deadlock", "--json", "--svg", str(tmp_path / "a.svg")))
    assert (told["verdict"], told["kind"], told["timeline"]["threads"]) == ("failed", "deadlock", ["there", "back"])
    assert (tmp_path / "a.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    "nonsense",
    [["no-such-program"], ["--schedule", "1,2"], ["--schedule", "free:7*2"], ["--svg", "no/such/folder/a.svg"]],
)
def test_nonsense_is_refused_in_one_line(nonsense: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main(["interleave", "demo", *nonsense])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert (code, captured.out, captured.err.count("\n")) == (2, "", 1)


def test_the_programs_know_nothing_of_the_explorer() -> None:
    for demo in DEMOS.values():
        bodies, invariant = demo.cure()
        assert bodies
        assert invariant is not None
