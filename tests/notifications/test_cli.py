"""The command: explanations, routes and faults of a document."""

import json
from pathlib import Path
from typing import Any

import pytest

from lldkit.__main__ import main

CONFIG: dict[str, Any] = {
    "routes": {
        "to": ["email"],
        "routes": [
            {"matchers": ['category="security"'], "to": ["email", "sms"], "mandatory": True, "name": "security"},
            {
                "matchers": ["category=comment"],
                "digest": {"window_seconds": 900},
                "active": [{"times": [[540, 1020]], "zone": "Europe/Berlin"}],
            },
        ],
    },
    "templates": {
        "security": {"email": {"text": "login from $ip"}, "sms": {"text": "login"}},
        "comment": {"email": {"text": "$author wrote", "digest": {"text": "$count comments"}}},
    },
    "recipients": {
        "u1": {
            "addresses": {"email": "u1@example.com", "sms": "+15550100"},
            "zone": "Europe/Berlin",
            "preferences": {
                "channels": {"sms": False},
                "pairs": {"comment/email": True},
                "quiet": {"start": "22:00", "end": "07:00", "weekdays": [1, 2, 3]},
            },
        }
    },
}


@pytest.fixture
def config(tmp_path: Path) -> str:
    return written(tmp_path / "config.json", CONFIG)


def written(path: Path, data: object) -> str:
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def test_an_explanation_of_a_moment(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(tmp_path / "data.json", {"ip": "203.0.113.7"})
    words = ["notifications", "explain", config, "u1", "security", data, "--at", "2024-07-01T23:00+02:00"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'route root/security: category="security" saw "security": matched'
    assert lines[-2:] == [
        "email DEFER until 2024-07-02 05:00:00Z (quiet hours, quiet hours)",
        "sms DEFER until 2024-07-02 05:00:00Z (quiet hours, quiet hours)",
    ]
    assert main([*words, "--json", "--label", "team=a"]) == 0
    assert len(json.loads(capsys.readouterr().out)["decisions"]) == 2


def test_where_labels_lead(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "route", config, "category=comment", "priority=high"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'route root/security: category="security" saw "comment": no match',
        'route root/2: category="comment" saw "comment": matched',
        "route root/2: the last that matched, all: to email",
    ]


def test_a_document_without_fault_and_one_with_some(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", "lint", config]) == 0
    assert capsys.readouterr().out.endswith("nothing to find fault with\n")
    faulty = {**CONFIG, "channels": ["email"], "templates": {}}
    assert main(["notifications", "lint", written(tmp_path / "faulty.json", faulty)]) == 1
    assert "there is no channel 'sms', only email (unknown-channel)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the document must be an object"),
        ({"root": {}}, "the document has no field 'root'"),
        ({"routes": {"too": []}}, "a route has no field 'too'"),
        ({"routes": {"matchers": ["a=="]}}, "character"),
        ({"recipients": {"u1": {"zone": "Mars"}}}, "no such time zone"),
        ({"templates": {"a": {"b": {"text": "$"}}}}, "text is no template"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    document: object, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", "lint", written(tmp_path / "x.json", document)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("lldkit notifications: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["route", "CONFIG", "category"], ["explain", "CONFIG", "u1", "comment", "CONFIG", "--at", "2024-07-01"]]
)
def test_a_question_that_makes_no_sense_is_refused(
    words: list[str], config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", *(config if word == "CONFIG" else word for word in words)]) == 2
    assert ", got '" in capsys.readouterr().err


def test_a_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "lint", "nowhere.json"]) == 2
    assert "nowhere.json" in capsys.readouterr().err


def test_the_diagram_is_that_of_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "diagram"]) == 0
    assert capsys.readouterr().out.startswith("stateDiagram-v2")
