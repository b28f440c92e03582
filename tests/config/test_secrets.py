"""A secret is planted everywhere and everything breaks: its text is nowhere but where it is revealed."""

import copy
import dataclasses
import json
import pickle
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from lldkit.__main__ import main
from lldkit.config import (
    Args,
    Config,
    ConfigError,
    Directory,
    DotEnv,
    Env,
    File,
    Length,
    Matches,
    Secret,
    Store,
    Values,
)
from lldkit.snapshot import MemoryStore

TEXT = "hunter2hunter2"
NO_TEXT, NO_NUMBER = Secret(""), Secret(0)


@dataclass(frozen=True)
class Database:
    password: Secret[str] = NO_TEXT
    port: int = 1


@dataclass(frozen=True)
class Vault:
    plain: Secret[str] = NO_TEXT
    number: Secret[int] = NO_NUMBER
    short: Annotated[Secret[str], Length(0, 30), Matches("[a-z0-9]*")] = NO_TEXT
    several: tuple[Secret[int], ...] = ()
    by_name: dict[str, Secret[int]] = dataclasses.field(default_factory=dict)
    database: Database = Database()
    maybe: Secret[int] | None = None

    def __post_init__(self) -> None:
        if self.plain.reveal().startswith(TEXT):
            raise ValueError(f"not {self.plain.reveal()}")


BREAKERS: list[dict[str, Any]] = [
    {"plain": TEXT},
    {"number": TEXT},
    {"short": TEXT * 3},
    {"short": TEXT.upper()},
    {"several": [TEXT]},
    {"several": TEXT},
    {"by_name": {"x": TEXT}},
    {"by_name": TEXT},
    {"database": TEXT},
    {"database": {"password": [TEXT]}},
    {"database": {"password": {"deep": TEXT}}},
    {"maybe": TEXT},
    {"unknown": TEXT},
]


def texts(tree: dict[str, Any]) -> dict[str, str]:
    """The tree as layers of text can say it."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}


def sources(tree: dict[str, Any], folder: Path) -> list[Any]:
    """The tree as each layer that can say it."""
    (folder / "x.json").write_text(json.dumps(tree))
    (folder / "bad.json").write_text(json.dumps(tree)[:-1] + ", NaN")
    (folder / "bad.toml").write_text(f'a = "{TEXT}\n')
    mount = folder / "mount"
    mount.mkdir()
    flat = texts(tree)
    (folder / ".env").write_text("".join(f"{key}='{value}'\n" for key, value in flat.items()))
    (folder / "bad.env").write_text("".join(f"{key}='{value}\n" for key, value in flat.items()))
    for key, value in flat.items():
        (mount / key).write_text(value)
    return [
        Values(tree),
        File(folder / "x.json"),
        File(folder / "bad.json"),
        File(folder / "bad.toml"),
        DotEnv(folder / ".env"),
        DotEnv(folder / "bad.env"),
        Env("V_", environ={f"V_{key.upper()}": value for key, value in flat.items() if key != "unknown"}),
        Directory(mount),
        Args([f"{key}={value}" for key, value in flat.items()]),
        Args([TEXT]),
        Store(MemoryStore(tree)),
    ]


def refusal(layer: Any) -> ConfigError | None:
    try:
        Config(Vault, layers=[layer])
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize("tree", BREAKERS, ids=str)
def test_no_problem_of_any_layer_tells_a_secret(tree: dict[str, Any], tmp_path: Path) -> None:
    refused = 0
    for layer in sources(tree, tmp_path):
        error = refusal(layer)
        if error is not None:
            refused += 1
            assert TEXT not in f"{error} {error!r} {error.problems}"
            assert TEXT.upper() not in str(error)
            assert error.__cause__ is None
    assert refused >= 8


def test_nothing_that_a_configuration_says_tells_a_secret(tmp_path: Path) -> None:
    said, logged = {"number": 7, "several": [1], "database": {"password": TEXT}}, list[object]()
    store, cache = MemoryStore(said), tmp_path / "cache"
    config = Config(Vault, layers=[Store(store)], on_event=logged.append, cache_file=cache, history_limit=5)
    told: list[object] = [config.current, config.snapshot, config.explain("database.password")]
    logged_changes = config.watch("database", logged.append)
    store.publish({**said, "database": {"password": TEXT + "2", "port": 5}}, expected=1, author="ana")
    told += [config.reload(), config.diff(1, 2), config.history(), config.track()]
    config.rollback(to=1, author="ana", reason="")
    told += [config.release(), config.unused(), config.unknown_keys(), logged, cache.read_text()]
    with config.override({"database": {"password": TEXT}}) as value:
        told += [value, config.explain("database.password")]
    assert TEXT not in repr(told)
    assert TEXT not in f"{config.current} {config.explain('database.password')}"
    assert config.current.database.password.reveal() == TEXT + "2"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert json.loads(json.loads(cache.read_text())["text"]) == {"store": {"database": {"port": 5}}}
    logged_changes.close()


WHOLE: dict[str, Any] = {
    "short": TEXT,
    "database": {"password": TEXT, "port": 5},
    "by_name": {"x": 12345678901},
    "number": 12345678901,
}


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What `lldkit config` exits with, and all that it prints."""
    code = main(["config", *arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.mark.parametrize("tree", [WHOLE, *BREAKERS], ids=str)
def test_no_command_shows_a_secret_of_any_layer(
    tree: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources(tree, tmp_path)
    flat = texts(tree)
    for key, value in flat.items():
        monkeypatch.setenv(f"CFGS_{key.upper()}", value)
    (tmp_path / "empty.json").write_text("{}")
    file, empty, broken, unclosed = (str(tmp_path / name) for name in ("x.json", "empty.json", "bad.toml", "bad.env"))
    layers = [
        ["--json", file],
        ["--toml", broken],
        ["--dotenv", str(tmp_path / ".env")],
        ["--dotenv", unclosed],
        ["--env", "CFGS_"],
        ["--directory", str(tmp_path / "mount")],
        [part for key, value in flat.items() for part in ("--set", f"{key}={value}")],
        ["--set", TEXT],
    ]
    layers.append([part for layer in layers if not {broken, unclosed, TEXT} & {*layer} for part in layer])
    schema = ["--schema", "config.test_secrets:Vault"]
    asked = [[command, *layer, *schema] for command in ("explain", "check") for layer in layers]
    asked += [["diff", before, after, *schema] for before, after in ((file, empty), (empty, file), (empty, broken))]
    answers = [said(arguments, capsys) for arguments in asked]
    assert all(answer for _, answer in answers)
    for _, answer in answers:
        assert TEXT not in answer
        assert TEXT.upper() not in answer
        assert "12345678901" not in answer
    assert tree is not WHOLE or sum("***" in answer for _, answer in answers) >= 3


@pytest.mark.parametrize("render", [repr, str, format, "{}".format, "%s".__mod__, lambda it: f"{it:>5}"], ids=range(6))
def test_no_way_of_writing_it_shows_a_secret(render: Callable[[object], str]) -> None:
    assert TEXT not in render(Secret(TEXT))
    assert TEXT not in repr(Database(Secret(TEXT)))


def test_json_and_pickle_refuse_a_secret_and_a_copy_is_itself() -> None:
    secret = Secret(TEXT)
    for write in (json.dumps, pickle.dumps):
        with pytest.raises(TypeError, match="Secret"):
            write(secret)
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    assert dataclasses.asdict(Database(secret))["password"] is secret
    with pytest.raises(AttributeError, match="cannot be changed"):
        secret.value = 1


def test_secrets_compare_by_value_and_type_and_hash_alike() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret(1) != Secret(True)
    assert Secret("a") != "a"
    assert Secret("a") != Secret(type("Text", (str,), {})("a"))
    assert hash(Secret("a")) == hash(Secret("b"))
    assert not hasattr(Secret("a"), "__dict__")
