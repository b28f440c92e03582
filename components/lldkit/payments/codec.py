"""Values as JSON and back, by their declared types: frozen dataclasses, named tuples, enumerations, money, times."""

import base64
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["dumps", "loads"]

T = TypeVar("T")
ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
ATOMS: Final = frozenset({str, int, float, bool, NoneType})


def dumps(value: object) -> str:
    """A value as JSON text; what its types say is left out."""
    return ENCODE(_plain(value))


def loads(kind: type[T], text: str) -> T:
    """The value of that type that was written so."""
    kinds: Any = kind
    value: T = _reader(kinds)(json.loads(text))
    return value


def _plain(value: Any) -> Any:
    """A value of what JSON has."""
    kind: Any = type(value)
    return value if kind in ATOMS else _writer(kind)(value)


@cache
def _writer(kind: type) -> Callable[[Any], Any]:
    """What makes JSON out of a value of that type."""
    if issubclass(kind, Enum):
        return attrgetter("value")
    if issubclass(kind, datetime):
        return datetime.isoformat
    if issubclass(kind, bytes):
        return lambda value: base64.b64encode(value).decode()
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
        return lambda value: [_plain(getattr(value, name)) for name in names]
    return lambda value: [_plain(each) for each in value]


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of that type out of JSON."""
    if get_origin(kind) in (Union, UnionType):
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        read = _reader(inner)
        return lambda data: None if data is None else read(data)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        return _record_reader(kind)
    make: Callable[[Any], Any] = kind if issubclass(kind, Enum) else READERS.get(kind, lambda data: data)
    return make


READERS: dict[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, bytes: base64.b64decode}


def _tuple_reader(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    if kinds[-1] is Ellipsis:
        read = _reader(kinds[0])
        return lambda data: tuple(map(read, data))
    readers = [_reader(each) for each in kinds]
    return lambda data: tuple(read(each) for read, each in zip(readers, data, strict=True))


def _record_reader(kind: Any) -> Callable[[Any], Any]:
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields
    hints = get_type_hints(kind)
    readers = [_reader(hints[name]) for name in names]

    def read(data: Any) -> Any:
        values = [each(part) for each, part in zip(readers, data, strict=True)]
        return kind(**dict(zip(names, values, strict=True)))

    return read
