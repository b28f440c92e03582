"""Typed settings beside their peers: the read of each request, the first load, the reload that finds nothing."""

import os
import subprocess
import sys
import tomllib
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Any

import confuse
import dynaconf
import environs
import omegaconf
import pydantic_settings
import pytest
from decouple import Config as DecoupleConfig
from decouple import RepositoryEnv
from pydantic import BaseModel
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside, code, value_row
from lldkit.config import Config, Env, File


@dataclass(frozen=True, slots=True)
class Pool:
    size: int = 10
    timeout: float = 2.5
    name: str = "main"


@dataclass(frozen=True, slots=True)
class App:
    name: str = ""
    debug: bool = False
    workers: int = 1
    host: str = ""
    port: int = 0
    ratio: float = 0.5
    pool: Pool = Pool()


TEXT = """name = "shop"
debug = true
workers = 4
host = "localhost"
port = 8080
ratio = 0.25
[pool]
size = 15
timeout = 1.5
name = "main"
"""


class PydanticPool(BaseModel):
    size: int = 10
    timeout: float = 2.5
    name: str = "main"


def pydantic_app(file: Path) -> Any:
    class Settings(pydantic_settings.BaseSettings):
        model_config = pydantic_settings.SettingsConfigDict(
            env_prefix="APP_", env_nested_delimiter="__", toml_file=file, frozen=True
        )
        name: str = ""
        debug: bool = False
        workers: int = 1
        host: str = ""
        port: int = 0
        ratio: float = 0.5
        pool: PydanticPool = PydanticPool()

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, **sources: Any) -> tuple[Any, ...]:  # type: ignore[override]
            return sources["env_settings"], pydantic_settings.TomlConfigSettingsSource(settings_cls)

    return Settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "app.toml"
    path.write_text(TEXT)
    os.utime(path, (1, 1))  # older than the grain of a file system's clock
    monkeypatch.setenv("APP_POOL__SIZE", "20")
    return path


def loaders(file: Path) -> dict[str, Callable[[], Any]]:
    settings = pydantic_app(file)

    def dynaconf_load() -> Any:
        loaded = dynaconf.Dynaconf(settings_files=[str(file)], envvar_prefix="APP")
        assert loaded.pool.size == 20
        return loaded

    def omegaconf_load() -> Any:
        text = tomllib.loads(file.read_text())
        over = omegaconf.OmegaConf.from_dotlist([f"pool.size={os.environ['APP_POOL__SIZE']}"])
        return omegaconf.OmegaConf.merge(omegaconf.OmegaConf.create(text), over)

    return {
        "lldkit": lambda: Config(App, layers=[File(file), Env("APP_")]),
        "pydantic-settings": settings,
        "dynaconf": dynaconf_load,
        "omegaconf": omegaconf_load,
        "floor, tomllib.load": lambda: tomllib.loads(file.read_text()),
    }


def test_a_nested_read(benchmark: BenchmarkFixture, file: Path, tmp_path: Path) -> None:
    made = {name: load() for name, load in loaders(file).items()}
    dotenv = tmp_path / ".env"
    dotenv.write_text("SIZE=20\n")
    view = confuse.Configuration("lldkit_benchmark", read=False)
    view.set({"pool": {"size": 20}})
    env = environs.Env()
    assert made["lldkit"].current.pool.size == made["pydantic-settings"].pool.size == 20
    beside(
        benchmark,
        {
            "lldkit": code("config.current.pool.size", config=made["lldkit"]),
            "lldkit, bound once": code("app.pool.size", app=made["lldkit"].current),
            "pydantic-settings": code("settings.pool.size", settings=made["pydantic-settings"]),
            "dynaconf": code("settings.pool.size", settings=made["dynaconf"]),
            "omegaconf": code("settings.pool.size", settings=made["omegaconf"]),
            "environs": code("env.int('APP_POOL__SIZE')", env=env),
            "confuse": code("view['pool']['size'].get(int)", view=view),
            "python-decouple": code("get('SIZE', cast=int)", get=DecoupleConfig(RepositoryEnv(str(dotenv)))),
            "floor, a dict in a dict": code("d['pool']['size']", d={"pool": {"size": 20}}),
        },
        row="typed nested read",
        floor="floor, a dict in a dict",
        target="at most 1.3 x the floor and pydantic-settings; 80 x faster than dynaconf, 500 x than omegaconf",
    )


def test_the_first_load(benchmark: BenchmarkFixture, file: Path) -> None:
    beside(
        benchmark,
        loaders(file),
        row="first load, 10 keys and an environment",
        floor="floor, tomllib.load",
        target="at most 10 x the floor",
    )


KEYS = [f"key_{number}" for number in range(100)]


def large_schema(sections: int) -> Any:
    """A hundred keys in each section."""
    section = make_dataclass("Section", [(key, int, 0) for key in KEYS], frozen=True, slots=True)
    fields = [(f"section_{number}", section, section()) for number in range(sections)]
    return make_dataclass("Large", fields, frozen=True, slots=True)


def large_text(sections: int) -> str:
    keys = "".join(f"{key} = {number + 1_000}\n" for number, key in enumerate(KEYS))
    return "".join(f"[section_{number}]\n{keys}" for number in range(sections))


def whole(schema: Any, tree: dict[str, Any]) -> object:
    """The value, and nothing else."""
    return schema(**{name: type(getattr(schema(), name))(**keys) for name, keys in tree.items()})


def test_a_large_first_load(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    large = large_schema(100)
    path = tmp_path / "large.toml"
    path.write_text(large_text(100))

    def load() -> object:
        return Config(large, layers=[File(path)]).explain("section_99.key_99").winner.location

    assert load() == f"{path}:10100"
    beside(
        benchmark,
        {"lldkit": load, "floor, tomllib.loads": lambda: tomllib.loads(path.read_text())},
        row="first load, 10,000 keys, and where one of them stands",
        floor="floor, tomllib.loads",
        target="at most 5 x the floor",
        number=1,
        rounds=7,
    )


def test_a_reload_that_finds_nothing(benchmark: BenchmarkFixture, file: Path) -> None:
    config = Config(App, layers=[File(file)])
    beside(
        benchmark,
        {
            "lldkit": code("reload()", reload=config.reload),
            "floor, one os.stat": code("stat(path)", stat=os.stat, path=str(file)),
        },
        row="reload, one file, nothing changed",
        floor="floor, one os.stat",
        target="at most 5 x the floor",
    )


def test_a_thousand_watched_subtrees(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    names = [f"section_{number}" for number in range(1_000)]
    many: Any = make_dataclass("Many", [(name, Pool, Pool()) for name in names], frozen=True)
    texts = [
        f"[section_500]\nsize = {size}\n" + "".join(f"[{name}]\nname='x'\n" for name in names[:500]) for size in (1, 2)
    ]
    calls: list[object] = []

    def reloading(watched: bool) -> Callable[[], object]:
        path = tmp_path / f"watched_{watched}.toml"
        path.write_text(texts[0])
        config, turn = Config(many, layers=[File(path)]), [0]
        for name in names if watched else ():
            config.watch(name, calls.append)

        def reload() -> object:
            turn[0] += 1
            path.write_text(texts[turn[0] % 2])
            return config.reload()

        return reload

    watched = reloading(True)
    watched()
    assert len(calls) == 1
    beside(
        benchmark,
        {"lldkit": watched, "floor, nobody watches": reloading(False)},
        row="reload, 1,000 watched subtrees, one changed",
        floor="floor, nobody watches",
        target="at most 2 x the floor",
        number=1,
        rounds=9,
    )


def test_the_import(benchmark: BenchmarkFixture) -> None:
    def seconds(module: str) -> Callable[[], float]:
        program = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

        def measure() -> float:
            runs = (subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(5))
            return min(float(run.stdout) for run in runs) * 1_000

        return measure

    value_row(
        benchmark,
        {"lldkit": seconds("lldkit.config"), "pydantic-settings": seconds("pydantic_settings")},
        row="import",
        unit="ms",
        target="at most 0.15 x pydantic-settings",
    )


def test_the_memory_of_provenance(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    large = large_schema(20)
    path = tmp_path / "large.toml"
    path.write_text(large_text(20))

    def kept(make: Callable[[], object]) -> float:
        make()
        tracemalloc.start()
        made = make()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return size / 2_000 if made is not None else 0.0

    def asked() -> object:
        config = Config(large, layers=[File(path)])
        config.explain("section_1.key_1")
        return config

    value_row(
        benchmark,
        {
            "lldkit": lambda: kept(lambda: Config(large, layers=[File(path)])),
            "lldkit, after the first explain": lambda: kept(asked),
            "floor, the value": lambda: kept(lambda: whole(large, tomllib.loads(path.read_text()))),
        },
        row="memory per key, 2,000 keys",
        unit="B",
        floor="floor, the value",
        target="at most 200 B beyond the floor",
    )
