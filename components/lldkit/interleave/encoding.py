"""Histories as JSON: plain values as they are, every other value as an object whose one key is its kind."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from lldkit.interleave.operation import PENDING, Keyword, Operation, Pending, Raised

__all__ = ["dump", "load"]

FIELDS = ("process", "name", "args", "result", "called", "returned")


def dump(operations: Iterable[Operation]) -> str:
    """Return `operations` as a JSON document; `TypeError` names a value that it cannot hold."""
    rows = []
    for call in operations:
        try:
            rows.append({name: _encode(getattr(call, name)) for name in FIELDS})
        except TypeError as error:
            raise TypeError(f"{call} cannot be written as JSON: {error}") from None
    return json.dumps({"operations": rows}, ensure_ascii=False)


def load(text: str) -> list[Operation]:
    """Return the operations that `dump` wrote; `ValueError` when `text` is no such document."""
    document = json.loads(text)
    try:
        return [Operation(**{name: _decode(row[name]) for name in FIELDS}) for row in document["operations"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a history; to_json writes {{'operations': [...]}}: {error!r}") from error


def _encode(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return _encode_all(value)
    for name, (kind, encode, _) in KINDS.items():
        if isinstance(value, kind):
            return {name: encode(value)}
    raise TypeError(f"{value!r} is a {type(value).__name__}; record plain values")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return _decode_all(value)
    if not isinstance(value, dict):
        return value
    ((name, plain),) = value.items()
    return KINDS[name][2](plain)


def _encode_all(values: Iterable[object]) -> list[Any]:
    return [_encode(each) for each in values]


def _decode_all(values: Iterable[Any]) -> list[Any]:
    return [_decode(each) for each in values]


# Of each kind: its types, its plain form, and the way back. A set is written in order of its values' text.
KINDS: dict[str, tuple[type | tuple[type, ...], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tuple": (tuple, _encode_all, lambda plain: tuple(_decode_all(plain))),
    "dict": (dict, lambda value: _encode_all(map(list, value.items())), lambda plain: dict(_decode_all(plain))),
    "set": ((set, frozenset), lambda value: _encode_all(sorted(value, key=repr)), lambda p: frozenset(_decode_all(p))),
    "bytes": ((bytes, bytearray), lambda value: value.hex(), bytes.fromhex),
    "raised": (Raised, lambda value: [value.error, value.message], lambda plain: Raised(*plain)),
    "keyword": (Keyword, lambda value: [value.name, _encode(value.value)], lambda p: Keyword(p[0], _decode(p[1]))),
    "pending": (Pending, lambda _: None, lambda _: PENDING),
}
