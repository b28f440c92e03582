"""JSON that alters nothing: what would come back changed is refused."""

import hashlib
import json
import math
from collections.abc import Iterable
from types import NoneType
from typing import Any

from lldkit.scheduler.interface import NotSerialisable, PayloadTooLarge

__all__ = ["decode", "digest", "encode"]

SCALARS = {NoneType, bool, int, str}
TEXT = {str}
ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
DECODER = json.JSONDecoder()
CANONICAL = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True)


def encode(value: Any, *, what: str, limit: int) -> str:
    """The JSON text of `value`; `NotSerialisable` names what does not come back as it was, `PayloadTooLarge` its size.

    Only exact types pass: a tuple would come back as a list, an `IntEnum` as an int.

    >>> encode({"n": [1, 2.5, None]}, what="args", limit=100)
    '{"n":[1,2.5,null]}'
    """
    try:
        offence = _offence(value)
    except RecursionError:
        raise NotSerialisable(what, "structure that is too deep, or contains itself") from None
    if offence is not None:
        raise NotSerialisable(what + offence[0], offence[1])
    text = ENCODER.encode(value)
    if len(text) > limit:
        raise PayloadTooLarge(len(text), limit)
    return text


def decode(text: str) -> Any:
    """The value of a text that `encode` has made; a new one each time."""
    return DECODER.raw_decode(text)[0]


def digest(value: Any) -> str:
    """A short name of a JSON value: equal exactly when the values are, whatever the order of their keys."""
    return hashlib.blake2b(CANONICAL.encode(value).encode(), digest_size=16).hexdigest()


def _offence(value: Any) -> tuple[str, str] | None:
    """Where in `value` something is not plain, and what it is; None when all is well."""
    kind = type(value)
    if kind in SCALARS:
        return None
    if kind is float:
        return None if math.isfinite(value) else ("", f"float {value}")
    if kind is list:
        return None if SCALARS.issuperset(map(type, value)) else _first_offence(enumerate(value))
    if kind is dict:
        if not TEXT.issuperset(map(type, value)):
            wrong = next(key for key in value if type(key) is not str)
            return f"[{wrong!r}]", f"dict key of type {type(wrong).__name__}"
        return None if SCALARS.issuperset(map(type, value.values())) else _first_offence(value.items())
    return "", kind.__qualname__


def _first_offence(places: Iterable[tuple[Any, Any]]) -> tuple[str, str] | None:
    for place, value in places:
        if found := _offence(value):
            return f"[{place!r}]{found[0]}", found[1]
    return None
