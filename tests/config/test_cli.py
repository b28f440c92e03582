"""`lldkit config`: what it prints, what it refuses, and that it shows no secret."""

from pathlib import Path

import pytest

from lldkit.__main__ import main

SCHEMA = ["--schema", "config.helpers:App"]
SECRET = "hunter2"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("app.toml").write_text(f'name = "my shop"\ndatabase_url = "{SECRET}"\n[pool]\nsize = 15\n')
    Path("next.toml").write_text(f'name = "my shop"\ndatabase_url = "{SECRET}2"\ndebug = true\n[pool]\nsize = 16\n')
    Path("bad.toml").write_text('nam = "x"\n[pool]\nsize = 99\n')
    monkeypatch.setenv("CFGT_POOL__SIZE", "20")
    return tmp_path


def test_explain_prints_each_key_its_value_who_set_it_and_who_was_overruled(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "explain", *SCHEMA, "--toml", "app.toml", "--env", "CFGT_"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name          'my shop'       app.toml:1",
        "database_url  ***             app.toml:2",
        "pool.size     20              env CFGT_POOL__SIZE  (default said 10, app.toml:4 said 15)",
        "pool.timeout  0:00:02.500000  default",
        "regions       ()              default",
        "debug         False           default",
    ]


def test_explain_of_one_key_and_of_none(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", "debug", *SCHEMA, "--toml", "app.toml", "--set", "debug=on"]) == 0
    assert capsys.readouterr().out == "debug  True  --set debug  (default said False)\n"
    assert main(["config", "explain", "debgu", *SCHEMA, "--toml", "app.toml"]) == 2
    assert capsys.readouterr().err == "lldkit config: the schema has no key debgu; did you mean debug?\n"


def test_check_prints_every_problem_and_exits_with_one(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", *SCHEMA, "--toml", "bad.toml", "--set", "debug=maybe"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "name: is required, and no layer says it",
        "database_url: is required, and no layer says it",
        "pool.size (bad.toml:3): must be from 1 to 64, found 99",
        "debug (--set debug): must be true/yes/on/1 or false/no/off/0, found 'maybe'",
        "nam (bad.toml:1): the schema has no such key; did you mean name?",
    ]


def test_check_of_a_good_configuration(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFGT_DEBGU", "1")
    assert main(["config", "check", *SCHEMA, "--toml", "app.toml", "--env", "CFGT_"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ignored: CFGT_DEBGU (env CFGT_DEBGU): the schema has no such key; did you mean CFGT_DEBUG?",
        "no problems",
    ]


def test_diff_prints_what_would_change_but_not_what_is_overruled(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "diff", "app.toml", "next.toml", *SCHEMA]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "database_url: *** -> ***",
        "pool.size: 15 -> 16",
        "debug: False -> True",
    ]
    assert main(["config", "diff", "app.toml", "next.toml", *SCHEMA, "--env", "CFGT_"]) == 0
    assert "pool.size" not in capsys.readouterr().out
    assert main(["config", "diff", "app.toml", "bad.toml", *SCHEMA]) == 1
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--schema", "App"], "--schema is written like shop.settings:App, got 'App'"),
        (["--schema", "no.such:App"], "there is no no.such:App: No module named 'no'"),
        (["--schema", "config.helpers:Nothing"], "there is no config.helpers:Nothing"),
        (["--schema", "config.helpers:value"], "schema must be a frozen dataclass"),
        ([*SCHEMA, "--toml", "app.yaml"], "a File ends in .toml or .json, got 'app.yaml'"),
    ],
)
def test_nonsense_is_refused_in_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", *words]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"lldkit config: {told}")
    assert line.count("\n") == 1
