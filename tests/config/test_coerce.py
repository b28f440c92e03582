"""Texts and typed values: read as the schema says, and never guessed."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pytest

from config.helpers import problems
from lldkit.config import Between, Config, ConfigError, Env, Length, Matches, NonFinite, OneOf, Secret, Values


class Color(enum.Enum):
    RED = "r"
    BLUE = 2


def schema(kind: Any) -> type[Any]:
    return make_dataclass("Only", [("x", kind)], frozen=True)


def text(kind: Any, said: str) -> Any:
    return Config(schema(kind), layers=[Env(environ={"X": said})]).current.x


def typed(kind: Any, said: object) -> Any:
    return Config(schema(kind), layers=[Values({"x": said})]).current.x


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        (str, "1.10", "1.10"),
        (str, "01234", "01234"),
        (str, " blanks stay ", " blanks stay "),
        (str, "", ""),
        (int, "01234", 1234),
        (int, " -5 ", -5),
        (float, "1e5", 100000.0),
        (float, " 2 ", 2.0),
        (bool, "No", False),
        (bool, "0", False),
        (bool, "on", True),
        (bytes, "é", b"\xc3\xa9"),
        (Decimal, "1.10", Decimal("1.10")),
        (Path, "/etc", Path("/etc")),
        (UUID, "12345678123456781234567812345678", UUID(int=0x12345678123456781234567812345678)),
        (datetime, "2026-01-31T12:00:00+00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (date, "2026-01-31", date(2026, 1, 31)),
        (timedelta, "300ms", timedelta(milliseconds=300)),
        (timedelta, "2.5", timedelta(seconds=2.5)),
        (timedelta, "1h", timedelta(hours=1)),
        (Color, "RED", Color.RED),
        (Color, "2", Color.BLUE),
        (Literal["a", 1], "1", 1),
        (int | None, "", None),
        (Optional[str], "", None),  # noqa: UP045 - both ways of writing it
        (Union[int, str], "a", "a"),  # noqa: UP007 - both ways of writing it
        (int | str, "5", 5),
        (list[int], "1, 2", (1, 2)),
        (list[int], "[1, 2]", (1, 2)),
        (list[str], "", ()),
        (set[int], "1,1", frozenset({1})),
        (frozenset[str], "a", frozenset({"a"})),
        (tuple[int, str], "1,b", (1, "b")),
        (tuple[int | None, ...], "[1, null]", (1, None)),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (IPv4Address, "10.0.0.1", IPv4Address("10.0.0.1")),
        (IPv6Network, "fd00::/8", IPv6Network("fd00::/8")),
        (Annotated[float, NonFinite()], "inf", math.inf),
        (Secret[int], "7", Secret(7)),
    ],
)
def test_text_is_read_by_the_schema(kind: Any, said: str, expected: object) -> None:
    found = text(kind, said)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, Mapping)


@pytest.mark.parametrize(
    ("kind", "said", "wanted"),
    [
        (int, "1e5", "a whole number, found '1e5'"),
        (int, "1_000", "a whole number, found '1_000'"),
        (int, "", "a whole number, found an empty text"),
        (bool, "banana", "true/yes/on/1 or false/no/off/0, found 'banana'"),
        (float, "nan", "a finite number"),
        (Decimal, "NaN", "a decimal number"),
        (Color, "GREEN", "one of RED, BLUE, found 'GREEN'"),
        (Literal["a", 1], "b", "one of 'a', 1"),
        (timedelta, "soon", "a duration such as 300ms"),
        (tuple[int, str], "1", "must have 2 items, found 1"),
        (dict[str, int], "a", "must be a mapping, found 'a'"),
        (int | float, "x", "fits none of its 2 types, found 'x'"),
        (list[int], "1,x", "a whole number, found 'x'"),
        (int, "9" * 5000, "fewer digits"),
        (Annotated[int, Between(1, 64)], "65", "from 1 to 64, found '65'"),
        (Annotated[int, Between(1, None)], "0", "at least 1"),
        (Annotated[int, OneOf(1, 2)], "3", "one of 1, 2"),
        (Annotated[str, Length(2)], "a", "a length of at least 2"),
        (Annotated[str, Matches("[a-z]+")], "A", r"matches [a-z]+"),
        (Annotated[list[int], Length(1, 2)], "", "a length from 1 to 2"),
    ],
)
def test_what_does_not_fit_says_what_would(kind: Any, said: str, wanted: str) -> None:
    (found,) = problems(schema(kind), Env(environ={"X": said}))
    assert wanted in found.message
    assert found.location == "env X"


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        (float, 1, 1.0),
        (timedelta, 1.5, timedelta(seconds=1.5)),
        (Decimal, 2, Decimal(2)),
        (Decimal, "1.5", Decimal("1.5")),
        (date, date(2026, 1, 2), date(2026, 1, 2)),
        (Color, 2, Color.BLUE),
        (list[int], [1, 2], (1, 2)),
        (set[int], {3}, frozenset({3})),
        (dict[str, list[int]], {"a": [1]}, {"a": (1,)}),
    ],
)
def test_typed_values_keep_their_type(kind: Any, said: object, expected: object) -> None:
    assert typed(kind, said) == expected


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (int, "8080"),
        (int, True),
        (int, 1.0),
        (bool, 1),
        (bool, "true"),
        (float, "1"),
        (float, math.nan),
        (float, 10**400),
        (str, 1),
        (Decimal, 1.5),
        (date, datetime(2026, 1, 1, tzinfo=UTC)),
        (list[int], "1"),
        (timedelta, True),
        (UUID, 5),
        (Color, True),
        (Literal[1], True),
        (dict[str, int], {1: 2}),
        (timedelta, 1e300),
    ],
)
def test_typed_layers_are_strict(kind: Any, said: object) -> None:
    assert problems(schema(kind), Values({"x": said}))[0].kind in {"wrong_type", "out_of_range"}


@pytest.mark.parametrize("kind", [object, complex, dict[int, str], list[int] | dict[str, int], type])
def test_a_type_that_cannot_be_configured_is_refused_by_the_name_of_its_field(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"Only\.x"):
        Config(schema(kind), layers=[])


def test_a_schema_must_be_a_frozen_dataclass_that_ends() -> None:
    @dataclass
    class Loose:
        x: int = 1

    with pytest.raises(TypeError, match="Loose must be frozen"):
        Config(Loose, layers=[])
    with pytest.raises(TypeError, match="must be a frozen dataclass, got <class 'int'>"):
        Config(int, layers=[])
    with pytest.raises(TypeError, match="Endless contains itself"):
        Config(Endless, layers=[])


@dataclass(frozen=True)
class Endless:
    child: "Endless | None" = None


def test_a_check_that_raises_and_a_refusing_constructor_are_problems() -> None:
    @dataclass(frozen=True)
    class Range:
        low: int = 0
        high: int = 0

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low is above high")

    (found,) = problems(Range, Values({"low": 2}))
    assert (found.kind, found.message) == ("rejected", "ValueError: low is above high")

    def explode(value: Range) -> list[Any]:
        raise RuntimeError("boom")

    (found,) = problems(Range, check=explode)
    assert (found.kind, found.message) == ("rejected", "RuntimeError: boom")


def test_several_wrong_types_are_all_told() -> None:
    with pytest.raises(ConfigError, match="2 problems"):
        Config(make_dataclass("Two", [("a", int), ("b", int)], frozen=True), layers=[Env(environ={"A": "x", "B": "y"})])
