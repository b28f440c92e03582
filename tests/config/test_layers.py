"""Where settings come from: names of variables, files, mounted folders, arguments, and what each of them refuses."""

import json
import os
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from config.helpers import REQUIRED, App, Pair, Pool, of_text, problems, value
from lldkit.config import Args, Config, Directory, DotEnv, Env, File, Loaded, Store, Values, layers, parse_dotenv
from lldkit.config.files import read_text
from lldkit.config.locate import json_lines, toml_lines
from lldkit.snapshot import MemoryStore


def test_an_overridden_field_keeps_its_siblings_of_lower_layers_and_of_the_default_instance() -> None:
    @dataclass(frozen=True)
    class Host:
        host: str = "class"
        port: int = 1

    @dataclass(frozen=True)
    class Net:
        db: Host = Host("init", 9)
        other: Host = field(default_factory=lambda: Host("made", 7))

    net = of_text(Net, DB__HOST="h2", OTHER__PORT="8")
    assert (net.db, net.other) == (Host("h2", 9), Host("made", 8))
    net = value(Net, Values({"db": {"port": 5}}), Env(environ={"DB__HOST": "h2"}))
    assert net.db == Host("h2", 5)


@dataclass(frozen=True)
class Many:
    tags: list[str] = field(default_factory=lambda: ["a"])
    table: dict[str, int] = field(default_factory=lambda: {"x": 1})
    pool: Pool | None = None
    camelCase: int = 0  # noqa: N815 - a key as others write it
    config_file: str = ""


def test_an_environment_nests_ignores_case_and_reads_json_for_sections_and_dicts() -> None:
    many = of_text(Many, TABLE__EU="2", POOL='{"size": 3}', CAMELCASE="4", CONFIG_FILE="/x")
    assert dict(many.table) == {"x": 1, "eu": 2}
    assert many.pool == Pool(3)
    assert (many.camelCase, many.config_file) == (4, "/x")
    assert dict(of_text(Many, TABLE='{"Key": 3}').table) == {"x": 1, "Key": 3}
    assert of_text(Many, pool__size="7").pool == Pool(7)


def test_two_spellings_of_one_variable_are_ambiguous_and_both_are_named() -> None:
    (found,) = problems(Pair, Env("APP_", environ={"APP_A": "1", "app_a": "2"}))
    assert (found.kind, found.path, found.message) == ("ambiguous", "a", "env APP_A and env app_a both say it")
    (found,) = problems(Many, Env("APP_", environ={"APP_POOL": "{}", "APP_POOL__SIZE": "2"}))
    assert (found.kind, found.message) == ("ambiguous", "env APP_POOL and env APP_POOL__SIZE both say it")
    (found,) = problems(Many, Env("APP_", environ={"APP_POOL__SIZE": "2", "APP_POOL": "{}"}))
    assert (found.kind, found.message) == ("ambiguous", "env APP_POOL and env APP_POOL__SIZE both say it")


def test_a_variable_belongs_to_the_longest_prefix() -> None:
    environ = {"APP_A": "1", "APP_X_B": "2", "APPLE_A": "9"}
    config = Config(Pair, layers=[Env("APP_", environ=environ), Env("APP_X_", environ=environ)])
    assert config.current == Pair(1, 2)
    assert config.unknown_keys() == ()


def test_a_variable_that_nobody_knows_is_reported_and_no_error() -> None:
    config = Config(App, layers=[REQUIRED, Env("APP_", environ={"APP_POOL__SZE": "1", "OTHER": "x"})])
    (stranger,) = config.unknown_keys()
    assert (stranger.path, stranger.suggestion) == ("APP_POOL__SZE", "did you mean APP_POOL__SIZE?")


def test_a_file_suffix_reads_the_value_from_there(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("db://file\n")
    environ = {"APP_DATABASE_URL_FILE": str(secret)}
    config = Config(App, layers=[Values({"name": "s"}), Env("APP_", environ=environ)])
    assert config.current.database_url.reveal() == "db://file"
    secret.write_text("db://rotated\n")
    assert config.reload().applied
    assert config.current.database_url.reveal() == "db://rotated"
    environ["APP_DATABASE_URL_FILE"] = str(tmp_path / "none")
    (found,) = config.reload().problems
    assert (found.kind, found.location) == ("unreadable", "env APP_DATABASE_URL_FILE")


def test_what_happens_to_a_source_after_the_load_does_not_show() -> None:
    environ, tree, body = {"A": "1"}, {"b": 2}, {"tags": ["x"]}
    config = Config(Pair, layers=[Values(tree), Env(environ=environ)])
    environ["A"], tree["b"] = "5", 6
    assert config.current == Pair(1, 2)
    many: Any = value(Many, Values(body))
    body["tags"].append("y")
    assert many.tags == ("x",)
    with pytest.raises(TypeError):
        many.table["x"] = 2
    assert of_any(Many).tags == ("a",)


def of_any(schema: Any) -> Any:
    return of_text(schema)


def test_a_file_names_the_line_of_each_key(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    file.write_text('name = "shop"\r\ndatabase_url = "x"\r\n\r\n[pool]\r\n# more\r\nsize = 15\r\n', newline="")
    config = Config(App, layers=[File(file)])
    assert str(config.explain("pool.size").winner.location) == f"{file}:6"
    assert config.explain("debug").winner.location == "default"
    as_json = tmp_path / "app.json"
    as_json.write_text('\ufeff{"pool":\n  {\n"size": 16}}', encoding="utf-8")
    config = Config(App, layers=[File(file), File(as_json)])
    assert [each.value for each in config.explain("pool.size").candidates] == [10, 15, 16]
    assert config.explain("pool.size").winner.location == f"{as_json}:3"
    dotenv = tmp_path / ".env"
    dotenv.write_text("# first\nPOOL__SIZE='20'\nbad line: 1\n")
    (found,) = problems(App, File(file), DotEnv(dotenv))
    assert (found.kind, found.location) == ("unreadable", f"{dotenv}:3")
    dotenv.write_text("# first\nPOOL__SIZE='20'\nNAME\n")
    config = Config(App, layers=[File(file), DotEnv(dotenv)])
    assert config.explain("pool.size").winner.location == f"{dotenv}:2"
    assert "POOL__SIZE" not in os.environ


TOML = '''a = 1
"b.c".d = """
x = 1
""" # not x
[e . f]
g = [
  1, # [
  "]",
]
h = { i = 1 }

[[j]]
k = 'v'
[[j]]
k = 2
[j.l]
m = 1
'''


def test_the_lines_of_toml_keys_are_found_across_strings_arrays_and_tables() -> None:
    assert toml_lines(TOML) == {
        ("a",): 1,
        ("b.c",): 2,
        ("b.c", "d"): 2,
        ("e", "f"): 5,
        ("e", "f", "g"): 6,
        ("e", "f", "h"): 10,
        ("j", 0): 12,
        ("j", 0, "k"): 13,
        ("j", 1): 14,
        ("j", 1, "k"): 15,
        ("j", 1, "l"): 16,
        ("j", 1, "l", "m"): 17,
    }


def test_the_lines_of_json_keys_are_found_in_objects_in_arrays() -> None:
    text = '{"a": [1,\n {"b": "x:{"},\n {"b": []}],\n "c\\n": {}}'
    assert json_lines(text) == {("a",): 1, ("a", 1, "b"): 2, ("a", 2, "b"): 3, ("c\n",): 4}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.json", b'{"a": 1,\n"b": {"c": 1,\n"c": 2}}', "stands on lines 2 and 3"),
        ("x.json", b'{"a": NaN}', "cannot be parsed: NaN is no JSON"),
        ("x.json", b"[1]", "must be an object with keys, found a list"),
        ("x.json", b'{"a": ' * 66 + b"1" + b"}" * 66, "more than 64 levels deep"),
        ("x.json", b'{"a": ' + b"[" * 100_000, "more than 64 levels deep"),
        ("x.json", b'{"a": "\xff"}', "is no UTF-8 at byte 7"),
        ("x.json", b'\xef\xbb\xbf{"a": "\xff"}', "is no UTF-8 at byte 10"),
        ("x.toml", b"a = ", "cannot be parsed"),
        ("x.toml", b"#" * (8 * 1024 * 1024 + 1), "is larger than 8 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    found = problems(Pair, File(tmp_path / name))[0]
    assert told in found.message


def test_absence_is_tolerated_if_one_says_so_and_a_parse_error_never(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    (found,) = problems(Pair, File(file))
    assert (found.kind, found.message) == ("unreadable", "cannot be read: No such file or directory")
    optional = [
        File(file, optional=True),
        DotEnv(tmp_path / ".env", optional=True),
        Directory(tmp_path / "d", optional=True),
    ]
    assert value(Pair, *optional) == Pair()
    file.write_text("a = ")
    assert problems(Pair, File(file, optional=True))[0].kind == "unreadable"
    with pytest.raises(ValueError, match=r"ends in .toml or .json, got 'x.yaml'"):
        File("x.yaml")


def test_toml_dates_are_dates(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Dates:
        day: date
        at: datetime

    (tmp_path / "x.toml").write_text("day = 2026-01-31\nat = 2026-01-31T12:00:00\n")
    assert value(Dates, File(tmp_path / "x.toml")) == Dates(date(2026, 1, 31), datetime(2026, 1, 31, 12))  # noqa: DTZ001


def test_a_literal_dot_in_a_key_is_no_path(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Hosts:
        hosts: dict[str, int]

    (tmp_path / "x.json").write_text(json.dumps({"hosts": {"a.b": 1, "Case": 2}}))
    config = Config(Hosts, layers=[File(tmp_path / "x.json")])
    assert config.explain('hosts."a.b"').value == 1
    assert dict(config.current.hosts) == {"a.b": 1, "Case": 2}


def test_a_mounted_folder_is_read_key_by_key_of_one_generation(tmp_path: Path) -> None:
    mount = tmp_path / "etc"
    for generation, size in (("..1", "3"), ("..2", "4")):
        (mount / generation).mkdir(parents=True)
        (mount / generation / "pool.size").write_text(f"{size}\n")
        (mount / generation / "name").write_text(f"shop{size}\n\n")
        (mount / generation / "database_url").write_text("db://")
    (mount / "..data").symlink_to("..1")
    for name in ("pool.size", "name", "database_url"):
        (mount / name).symlink_to(f"..data/{name}")
    config = Config(App, layers=[Directory(mount)])
    assert (config.current.name, config.current.pool.size) == ("shop3\n", 3)
    assert config.explain("pool.size").winner.location == str(mount / "pool.size")
    assert not config.reload().applied
    (mount / "..tmp").symlink_to("..2")
    (mount / "..tmp").replace(mount / "..data")
    assert config.reload().applied
    assert (config.current.name, config.current.pool.size) == ("shop4\n", 4)


@pytest.mark.parametrize("is_deleted", [False, True], ids=["old one kept", "old one deleted"])
def test_a_mount_that_is_swapped_while_it_is_read_gives_one_generation(
    tmp_path: Path, is_deleted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for generation in ("..1", "..2"):
        (tmp_path / generation).mkdir()
        for key in "ab":
            (tmp_path / generation / key).write_text(generation[-1])
    (tmp_path / "..data").symlink_to("..1")
    for key in "ab":
        (tmp_path / key).symlink_to(f"..data/{key}")
    config = Config(Pair, layers=[Directory(tmp_path)])
    swaps = [1]

    def read_and_swap(path: Any) -> str:
        text = read_text(path)
        if swaps:
            swaps.pop()
            (tmp_path / "..tmp").symlink_to("..2")
            (tmp_path / "..tmp").replace(tmp_path / "..data")
            if is_deleted:
                shutil.rmtree(tmp_path / "..1")
        return text

    monkeypatch.setattr(layers, "read_text", read_and_swap)
    loaded = Directory(tmp_path).load()
    assert loaded.tree == ({"a": "2", "b": "2"} if is_deleted else {"a": "1", "b": "1"})
    assert config.reload().applied
    assert config.current == Pair(2, 2)


def test_a_plain_folder_is_followed_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    config = Config(Pair, layers=[Directory(tmp_path)])
    (tmp_path / "b").write_text("2")
    assert config.reload().applied
    (tmp_path / "a").write_text("7")
    assert config.reload().applied
    assert config.current == Pair(7, 2)
    (tmp_path / "a").unlink()
    (tmp_path / "b").write_bytes(b"\xff")
    (found,) = config.reload().problems
    assert found.message == "is no UTF-8 at byte 0"
    (tmp_path / "b").write_text("3")
    assert config.reload().applied
    assert config.current == Pair(0, 3)
    (tmp_path / "b.").write_text("")
    assert config.reload().problems[0].message == "the name of this file is no dotted key"


def test_arguments_are_paths_and_texts_and_the_last_one_counts() -> None:
    config = Config(App, layers=[REQUIRED, Args(["pool.size=3", "pool.size=4", "regions=eu,us", "name=a=b"])])
    assert (config.current.pool.size, config.current.regions, config.current.name) == (4, ("eu", "us"), "a=b")
    assert config.explain("pool.size").winner.location == "--set pool.size"
    (found,) = problems(App, REQUIRED, Args(["hunter2"]))
    assert (found.location, found.message) == ("argument 1", "an argument is written path=value")


def test_a_store_is_a_layer_and_what_lags_behind_is_not_believed() -> None:
    store = MemoryStore()
    assert problems(Pair, Store(store))[0].message == "nothing was published yet"
    config = Config(Pair, layers=[Store(store, optional=True)])
    store.publish({"a": 1}, expected=0, author="ana")
    assert config.reload().applied
    assert config.explain("a").winner.location == "store version 1"


def test_a_name_in_an_env_file_that_the_schema_does_not_know_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nAPP_A=2\n")
    config = Config(Pair, layers=[DotEnv(tmp_path / ".env"), Env(environ={"HOME": "/"})])
    assert [(each.path, each.location) for each in config.unknown_keys()] == [("APP_A", f"{tmp_path}/.env:2")]
    (tmp_path / ".env").write_text("A=1\nAPP_B=2\nAPPLE_A=3\nAPP_A__DEEP=4\n")
    config = Config(Pair, layers=[DotEnv(tmp_path / ".env", prefix="APP_")])
    assert (config.current, [each.path for each in config.unknown_keys()]) == (Pair(0, 2), ["APP_A__DEEP"])
    assert value(Pair, DotEnv(tmp_path / "none")) == Pair()
    assert problems(Pair, DotEnv(tmp_path / "none", optional=False))[0].kind == "unreadable"


def test_a_layer_of_one_s_own_needs_three_members() -> None:
    class Fixed:
        name = "fixed"

        def load(self) -> Loaded:
            return Loaded({"a": "5"}, text=True)

        def fingerprint(self) -> object:
            return 1

    class Broken(Fixed):
        def load(self) -> Loaded:
            raise KeyError("hunter2")

    assert value(Pair, Fixed()) == Pair(5, 0)
    (found,) = problems(Pair, Broken())
    assert found.message == "cannot be read: KeyError"


def test_a_source_that_is_as_it_was_before_it_broke_is_good_again() -> None:
    class Link:
        name, generation = "link", 1

        def load(self) -> Loaded:
            if self.generation == 2:
                raise OSError(5, "Input/output error")
            return Loaded({"a": 1})

        def fingerprint(self) -> object:
            return self.generation

    link = Link()
    config = Config(Pair, layers=[link])
    link.generation = 2
    assert config.reload().problems[0].message == "cannot be read: Input/output error"
    link.generation = 1
    assert config.reload().problems == ()


def test_all_problems_are_told_at_once_and_each_says_where_and_what_would_be_right(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    file.write_text('nme = "shop"\n[pool]\nsize = "many"\nsiez = 3\n')
    found = problems(App, File(file), Env("APP_", environ={"APP_DEBUG": "maybe", "APP_POOL__TIMEOUT": ""}))
    assert [(each.kind, each.path, each.location.removeprefix(str(tmp_path))) for each in found] == [
        ("missing", "name", ""),
        ("missing", "database_url", ""),
        ("wrong_type", "pool.size", "/app.toml:3"),
        ("wrong_type", "pool.timeout", "env APP_POOL__TIMEOUT"),
        ("wrong_type", "debug", "env APP_DEBUG"),
        ("unknown_key", "pool.siez", "/app.toml:4"),
        ("unknown_key", "nme", "/app.toml:1"),
    ]
    assert [each.suggestion for each in found[-2:]] == ["did you mean pool.size?", "did you mean name?"]
    assert str(found[2]) == f"pool.size ({file}:3): must be a whole number, found 'many'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a="b\\nc"', [("a", "b\nc", 1, False)]),
        ("a='b\\nc'", [("a", "b\\nc", 1, False)]),
        ("a=b #c", [("a", "b", 1, False)]),
        ("a", [("a", None, 1, False)]),
        ("a=''\r\nb=\"x\ny\"\r\nc=1", [("a", "", 1, False), ("b", "x\ny", 2, False), ("c", "1", 4, False)]),
        ("a='x\nb=1", [(None, None, 1, True), ("b", "1", 2, False)]),
        ("= 1\n=", [(None, None, 1, True), (None, None, 2, True)]),
        ("a=b#c\na: b\nexport c=1", [("a", "b#c", 1, False), (None, None, 2, True), ("c", "1", 3, False)]),
    ],
)
def test_env_lines_by_hand(text: str, expected: list[Any]) -> None:
    assert [(each.key, each.value, each.line, each.error) for each in parse_dotenv(text)] == expected
