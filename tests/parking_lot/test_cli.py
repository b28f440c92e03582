"""The command: a bill that explains itself, findings, and nonsense refused in one line."""

import json
from pathlib import Path

import pytest

from lldkit.__main__ import main

HOURLY = {
    "id": "t",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "PARKING_TIME", "price": "2.40", "step_size": 3_600}]}],
}


@pytest.fixture
def tariff(tmp_path: Path) -> str:
    path = tmp_path / "tariff.json"
    path.write_text(json.dumps(HOURLY))
    return str(path)


def test_the_bill_of_a_spring_night(tariff: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["parking-lot", "price", tariff, "--from", "2025-03-30T01:30", "--to", "2025-03-30T03:30", "--tz"]
    assert main([*words, "Europe/Paris"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("2025-03-30 01:30 - 03-30 03:30  parking time")
    assert shown[-1] == "total 2.40 EUR, of which VAT 0.00"
    assert main([*words, "UTC"]) == 0
    assert "total 4.80 EUR" in capsys.readouterr().out


def test_findings_are_printed_and_are_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.json"
    element = HOURLY["elements"][0] | {"restrictions": {"start_time": "08:00", "end_time": "20:00"}}  # type: ignore[operator]
    path.write_text(json.dumps(HOURLY | {"elements": [element]}))
    assert main(["parking-lot", "lint", str(path)]) == 1
    out = capsys.readouterr().out
    assert "GAP: no price by time" in out
    assert out.endswith("1 finding\n")


def test_an_innocent_tariff_is_said_to_be_one(tariff: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parking-lot", "lint", tariff, "--year", "2027"]) == 0
    assert capsys.readouterr().out == "0 findings\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "noon", "--to", "2025-01-01T10:00"],
        ["--from", "2025-01-01T10:00", "--to", "2025-01-01T10:00", "--tz", "Mars/Base"],
    ],
)
def test_nonsense_is_refused_in_one_line(tariff: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parking-lot", "price", tariff, *words]) == 2
    assert capsys.readouterr().err.startswith("lldkit parking-lot: ")
    assert main(["parking-lot", "lint", "nowhere.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
