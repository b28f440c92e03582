"""Texts and typed values to the types of a schema: read as the schema says, never guessed. Pure.

Each reader takes a value and says whether it is text (from an environment, say), and raises `Misfit`, whose text is
what would be right. A typed value has the types of TOML and JSON, and is taken strictly: "8080" is no int.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias

__all__ = ["Misfit", "Reader", "enum_reader", "is_finite", "literal_reader", "reader_of"]

Reader: TypeAlias = Callable[[Any, bool], object]


class Misfit(Exception):
    """A value does not fit; the text is what would."""


WHOLE = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf|nan")
DURATION = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, None: 1}
BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _bool(value: Any, text: bool) -> bool:
    if text and isinstance(value, str):
        found = BOOLEANS.get(value.strip().casefold())
        if found is None:
            raise Misfit("true/yes/on/1 or false/no/off/0")
        return found
    if not isinstance(value, bool):
        raise Misfit("true or false")
    return value


def _int(value: Any, text: bool) -> int:
    if text and isinstance(value, str) and WHOLE.fullmatch(value.strip()):
        try:
            return int(value)
        except ValueError:  # thousands of digits
            raise Misfit("a whole number of fewer digits") from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit("a whole number")
    return value


def _float(value: Any, text: bool) -> float:
    if text and isinstance(value, str) and NUMBER.fullmatch(value.strip().casefold()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit("a number")
    try:
        return float(value)
    except OverflowError:
        raise Misfit("a number that a float can hold") from None


def _str(value: Any, _text: bool) -> str:
    if not isinstance(value, str):
        raise Misfit("a text")
    return value


def _bytes(value: Any, text: bool) -> bytes:
    return _str(value, text).encode()


def _datetime(value: Any, _text: bool) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Misfit("a time such as 2026-01-31T12:00:00Z") from None
    if not isinstance(value, datetime):
        raise Misfit("a time such as 2026-01-31T12:00:00Z")
    return value


def _date(value: Any, _text: bool) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise Misfit("a date such as 2026-01-31") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Misfit("a date such as 2026-01-31")
    return value


def _timedelta(value: Any, _text: bool) -> timedelta:
    wanted = "seconds, or a duration such as 300ms, 2.5s, 5m, 1h or 1d"
    try:
        if isinstance(value, str) and (found := DURATION.fullmatch(value.strip())):
            return timedelta(seconds=float(found[1]) * UNITS[found[2]])
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise Misfit(wanted) from None
    raise Misfit(wanted)


def _made_by(kind: Callable[[Any], object], wanted: str, *also: type) -> Reader:
    """A reader for a type whose constructor takes the text."""

    def read(value: Any, _text: bool) -> object:
        if not isinstance(value, (str, *also)) or isinstance(value, bool):
            raise Misfit(wanted)
        try:
            return kind(value.strip() if isinstance(value, str) else value)
        except (ValueError, ArithmeticError):
            raise Misfit(wanted) from None

    return read


READERS: dict[type, Reader] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    datetime: _datetime,
    date: _date,
    timedelta: _timedelta,
}
# By name, so that a program that has no such field does not load their modules.
BY_TEXT = {
    "uuid.UUID": "a UUID",
    "ipaddress.IPv4Address": "an IPv4 address",
    "ipaddress.IPv6Address": "an IPv6 address",
    "ipaddress.IPv4Network": "an IPv4 network such as 10.0.0.0/8",
    "ipaddress.IPv6Network": "an IPv6 network such as fd00::/8",
    "ipaddress.IPv4Interface": "an IPv4 interface such as 10.0.0.1/8",
    "ipaddress.IPv6Interface": "an IPv6 interface such as fd00::1/8",
}


def reader_of(kind: Any) -> Reader | None:
    """The reader of a scalar type; None for a type that nobody here reads."""
    if not isinstance(kind, type):
        return None
    if kind in READERS:
        return READERS[kind]
    if issubclass(kind, PurePath):
        return _made_by(kind, "a path")
    if issubclass(kind, Enum):
        return enum_reader(kind)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "decimal.Decimal":
        return _made_by(_finite(kind), "a decimal number, written as text or as a whole number", int)
    return _made_by(kind, BY_TEXT[name]) if name in BY_TEXT else None


def _finite(decimal: Any) -> Callable[[Any], object]:
    def make(value: Any) -> object:
        made = decimal(value)
        if not made.is_finite():
            raise ValueError(value)
        return made

    return make


def enum_reader(kind: type[Enum]) -> Reader:
    """Members by name, or by value: exactly, or in text by how the value is written."""
    members = {name: member for name, member in kind.__members__.items() if isinstance(member.value, str | int | float)}
    names = ", ".join(members)

    def read(value: Any, text: bool) -> object:
        if isinstance(value, str):
            word = value.strip() if text else value
            for name, member in members.items():
                if word in (name, member.value) or (text and word == str(member.value)):
                    return member
        else:
            for member in members.values():
                if type(value) is type(member.value) and value == member.value:
                    return member
        raise Misfit(f"one of {names}")

    return read


def literal_reader(options: tuple[Any, ...]) -> Reader:
    """One of the options: exactly, or in text by how it is written."""

    def read(value: Any, text: bool) -> object:
        word = value.strip() if text and isinstance(value, str) else value
        for option in options:
            if type(word) is type(option) and word == option:
                return option
            if (
                text
                and isinstance(word, str)
                and not isinstance(option, str)
                and word.casefold() == str(option).casefold()
            ):
                return option
        raise Misfit("one of " + ", ".join(map(repr, options)))

    return read


def is_finite(value: object) -> bool:
    """Whether a float is a number that one can count with; anything else is."""
    return not isinstance(value, float) or math.isfinite(value)
