"""What the tests of the configuration share: a schema of a shop, and a way to see what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import pytest

from lldkit.config import Between, Config, ConfigError, Env, Problem, Secret, Values

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
