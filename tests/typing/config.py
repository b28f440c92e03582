"""A configuration keeps the types of its schema; checked, never run."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import assert_type

from lldkit.config import (
    Args,
    Change,
    Config,
    Directory,
    DotEnv,
    Env,
    File,
    Layer,
    Loaded,
    ReloadResult,
    Secret,
    Store,
    Values,
)
from lldkit.snapshot import Follower, MemoryStore, Snapshot, Subscription


@dataclass(frozen=True)
class App:
    name: str
    url: Secret[str]


class Own:
    name = "own"

    def load(self) -> Loaded:
        return Loaded({})

    def fingerprint(self) -> object:
        return 1


layers: list[Layer] = [
    Values({}),
    File("app.toml"),
    DotEnv(),
    Env("APP_"),
    Directory("/etc/app"),
    Store(MemoryStore()),
    Args([]),
    Own(),
]
config = Config(App, layers=layers)
assert_type(config, Config[App])
assert_type(config.current, App)
assert_type(config.current.url.reveal(), str)
assert_type(config.snapshot, Snapshot[App])
assert_type(config.reload(), ReloadResult)
assert_type(config.follow(), Follower[App])
assert_type(config.watch("name", print), Subscription)
assert_type(config.changes("name"), AsyncIterator[Change])
assert_type(config.track(), App)
override: AbstractContextManager[App] = config.override({"name": "x"})
Config(App, layers=[3])  # type: ignore[list-item]
wrong: Config[int] = Config(int, layers=[], build=str)  # type: ignore[arg-type]
