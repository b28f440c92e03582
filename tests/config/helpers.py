"""What the tests of the configuration share: schemas, a way to see what is wrong, benches and listeners."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pytest

from lldkit.clock import ManualClock
from lldkit.config import Between, Change, Config, ConfigError, ConfigEvent, Env, Problem, Secret, Values

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pool:
    size: Annotated[int, Between(1, 64)] = 10
    timeout: timedelta = timedelta(seconds=2.5)


@dataclass(frozen=True, slots=True)
class App:
    name: str
    database_url: Secret[str]
    pool: Pool = Pool()
    regions: tuple[str, ...] = ()
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    a: int = 0
    b: int = 0


REQUIRED = Values({"name": "shop", "database_url": "db://"})


def problems(schema: type[Any], *layers: Any, **options: Any) -> list[Problem]:
    """What is wrong with these layers."""
    with pytest.raises(ConfigError) as caught:
        Config(schema, layers=layers, **options)
    return list(caught.value.problems)


def value(schema: type[T], *layers: Any, **options: Any) -> T:
    """What these layers make."""
    return Config(schema, layers=layers, **options).current


def of_text(schema: type[T], **variables: str) -> T:
    """What an environment makes."""
    return value(schema, Env(environ=variables))


def of_tree(schema: type[T], tree: Mapping[str, object]) -> T:
    """What typed values make."""
    return value(schema, Values(tree))


class Bench:
    """A configuration over a mapping that the test changes."""

    def __init__(self, **options: Any) -> None:
        self.tree: dict[str, object] = {"a": 1}
        self.events: list[ConfigEvent] = []
        self.clock = ManualClock()
        self.config = Config(Pair, layers=[Values(self.tree)], clock=self.clock, on_event=self.events.append, **options)

    def say(self, **values: object) -> Any:
        self.tree.update(values)
        return self.config.reload()


class Heard:
    """A listener that a test can wait for, in bounded real time."""

    def __init__(self, config: Config[Pair]) -> None:
        self.changed = threading.Condition()
        self.values = [config.current.a]
        self.subscription = config.watch("a", self.hear)

    def hear(self, change: Change) -> None:
        with self.changed:
            assert isinstance(change.new, int)
            self.values.append(change.new)
            self.changed.notify_all()

    def wait_for(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.values[-1] == number, 20)


def replaced(path: Path, text: str) -> None:
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    aside.replace(path)
