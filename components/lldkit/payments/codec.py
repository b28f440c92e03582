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


def loads(kind: type[T], text: str) -> T:
    """The value of that type that was written so."""
    kinds: Any = kind
    value: T = _reader(kinds)(json.loads(text))
    return value


def _plain(value: Any) -> Any:
    """What JSON has for a value that it has not: tuples and texts with names, as enumerations, it writes by itself."""
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    """What makes JSON out of a value of that type."""
    if kind is datetime:
        return datetime.isoformat
    if kind is bytes:
        return lambda value: base64.b64encode(value).decode()
    return attrgetter(*(field.name for field in fields(kind)))


ENCODE: Final = json.JSONEncoder(separators=(",", ":"), default=_plain, check_circular=False).encode


def dumps(value: object) -> str:
    """A value as JSON text; what its types say is left out."""
    return ENCODE(value)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of that type out of JSON."""
    if kind in READERS:
        return READERS[kind]
    if get_origin(kind) in (Union, UnionType):
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        read = _reader(inner)
        return lambda data: None if data is None else read(data)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if issubclass(kind, Enum):
        return {each.value: each for each in kind}.__getitem__
    return _record_reader(kind)


def _itself(data: Any) -> Any:
    return data


READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    **dict.fromkeys((str, int, bool), _itself),
    datetime: datetime.fromisoformat,
    bytes: base64.b64decode,
}


def _tuple_reader(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    if kinds[-1] is Ellipsis:
        read = _reader(kinds[0])
        return lambda data: tuple(map(read, data))
    readers = [_reader(each) for each in kinds]
    return lambda data: tuple(read(each) for read, each in zip(readers, data, strict=True))


def _record_reader(kind: Any) -> Callable[[Any], Any]:
    """Fields come in the order of their declaration."""
    make: Callable[..., Any] = kind
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields
    by_name = is_dataclass(kind) and any(field.kw_only for field in fields(kind))
    readers = [_reader(hints[name]) for name in names]

    def parts(data: Any) -> list[Any]:
        return [part if each is _itself else each(part) for each, part in zip(readers, data, strict=True)]

    if not by_name:
        return lambda data: make(*parts(data))
    return lambda data: make(**dict(zip(names, parts(data), strict=True)))
