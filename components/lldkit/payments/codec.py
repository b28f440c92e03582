"""Values as JSON and back, by their declared types: frozen dataclasses, named tuples, enumerations, money, times."""

import base64
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["dumps", "loads"]

T = TypeVar("T")


def dumps(value: object) -> str:
    """A value as JSON text; what its types say is left out."""
    return json.dumps(_plain(value), separators=(",", ":"))


def loads(kind: type[T], text: str) -> T:
    """The value of that type that was written so."""
    kinds: Any = kind
    value: T = _reader(kinds)(json.loads(text))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


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
    readers = [(name, _reader(hints[name])) for name in names]
    return lambda data: kind(**{name: read(each) for (name, read), each in zip(readers, data, strict=True)})
