"""`lldkit elevator`: tables, formulas, cars line by line, and what Ctrl-C leaves."""

import json
from pathlib import Path

import pytest

from lldkit.__main__ import main
from lldkit.elevator import cli, compare


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["elevator", *words]) == status
    captured = capsys.readouterr()
    return captured.err if status == 2 else captured.out


def test_the_table_names_winners_and_the_chart_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chart = tmp_path / "bake-off.svg"
    out = said(capsys, "compare", "--hours", "0.5", "--seeds", "3", "fcfs", "lqf", "--svg", str(chart))
    assert "lqf beats fcfs by" in out
    assert chart.read_text().startswith("<svg")


def test_json_has_the_figures_of_each_seed(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "compare", "--hours", "0.1", "--seeds", "2", "--first-seed", "5", "--json", "nearest")
    assert set(json.loads(out)["figures"]["nearest"]) == {"5", "6"}


def test_the_round_trip_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--floors", "9", "--passengers", "20", "--tv", "1.45", "--ts", "7.19", "--tp", "1.0", "--cars", "4"]
    out = said(capsys, "rtt", *words)
    assert "182.41" in out
    assert "131.57" in out


def test_cars_are_watched_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "watch", "--seed", "7", "--dispatcher", "look", "--minutes", "2").splitlines()
    assert len(out) > 15
    assert "came" in out[-1]


def test_a_game_is_played_from_its_levels(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    level = {"level": 1, "floors": 3, "cars": 1, "passengers_per_second": 0.3, "capacities": [4], "deliver": 15}
    file = tmp_path / "levels.json"
    file.write_text(json.dumps({"levels": [{**level, "within_seconds": 60, "best_public_pass_percent": 100}]}))
    assert "100" in said(capsys, "saga", str(file), "--runs", "2", "--dispatcher", "look")


def test_an_interrupt_prints_what_is_finished(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = compare

    def interrupted(*arguments: object, on_progress: object, **options: object) -> object:
        def once(*heard: object) -> None:
            on_progress(*heard)  # type: ignore[operator]
            raise KeyboardInterrupt

        return real(*arguments, on_progress=once, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "compare", interrupted)
    out = said(capsys, "compare", "--hours", "0.1", "--seeds", "2", "lqf", "look", status=130)
    assert "partial: not all runs were finished" in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("compare", "--hours", "-1", "lqf"), "hours must be"),
        (("compare", "--seeds", "0", "lqf"), "at least one dispatcher and one seed"),
        (("watch", "--minutes", "0"), "hours must be"),
        (("rtt", "--floors", "0", "--passengers", "1", "--tv", "1", "--ts", "1", "--tp", "1"), "floors must be"),
        (("saga", "/nowhere/levels.json"), "No such file"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    err = said(capsys, *words, status=2)
    assert reason in err
    assert err.count("\n") == 1
