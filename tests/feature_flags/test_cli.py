"""`lldkit flags`: what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from feature_flags.helpers import document, flag, when
from lldkit.__main__ import main

FLAGS = document(
    {
        "checkout": flag(rules=[{"id": "eu", "when": {"attr": "country", "op": "eq", "value": "SE"}, "serve": "on"}]),
        "old": flag(expires="2020-01-01", rules=[{"id": "r", "rollout": {"percent": 50}, "serve": "on"}]),
    }
)
UNLEASH_TOGGLE = {"version": 1, "features": [{"name": "t", "enabled": True, "strategies": [{"name": "default"}]}]}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flags.json").write_text(json.dumps(FLAGS))
    Path("good.json").write_text(json.dumps(document({"f": when({"attr": "a", "op": "exists"})})))
    Path("next.json").write_text(json.dumps(document({"f": flag(serve={"split": [["off", 1], ["on", 1]]})})))
    Path("now.json").write_text(json.dumps(document({"f": flag(serve={"split": [["on", 1], ["off", 1]]})})))
    Path("unleash.json").write_text(json.dumps(UNLEASH_TOGGLE))
    Path("list.json").write_text("[]")
    Path("flags.toml").write_text('[flags.f]\ntype = "boolean"\nserve = "on"\nvariants = { on = true, off = false }\n')
    Path("code").mkdir()
    Path("code/shop.py").write_text('flags.boolean("old", False)\nflags.boolean("gone", False)\n')


def test_lint_prints_every_finding_and_says_so_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flags", "lint", "flags.json"]) == 1
    assert capsys.readouterr().out == "old: expired: since 2020-01-02\n1 finding\n"
    assert main(["flags", "lint", "good.json"]) == 0
    assert main(["flags", "lint", "next.json", "--before", "now.json"]) == 1
    assert "f: reordered: serve: the order of variants is off, on, it was on, off" in capsys.readouterr().out


def test_explain_prints_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flags", "explain", "checkout", "flags.json", "--user", "u", "--context", '{"country": "SE"}']) == 0
    assert capsys.readouterr().out.splitlines() == [
        "checkout = True (on, TARGETING_MATCH)",
        "  rule eu: on",
        "    country eq SE: yes, saw 'SE'",
        "    serves: on",
    ]
    assert main(["flags", "explain", "f", "flags.toml"]) == 0


def test_stale_prints_what_can_go_and_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flags", "stale", "flags.json", "--source", "code"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "old: expired: since 2020-01-02; shop.py:1",
        "gone: missing: code asks for it; shop.py:2",
    ]


def test_convert_prints_a_native_document(capsys: pytest.CaptureFixture[str]) -> None:
    main(["flags", "convert", "unleash.json", "--format", "unleash"])
    flags = json.loads(capsys.readouterr().out)["flags"]
    assert flags["t"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["explain", "chekout", "flags.json"], "did you mean checkout?"),
        (["explain", "checkout", "flags.json", "--context", "[]"], "--context must be a JSON object"),
        (["explain", "checkout", "flags.json", "--context", "{"], "Expecting property name"),
        (["lint", "gone.json"], "No such file"),
        (["lint", "list.json"], "holds no object, but a list"),
        (["stale", "flags.json", "--source", "flags.json"], "--source must be a folder"),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flags", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.startswith("lldkit flags: ")
    assert error.count("\n") == 1
