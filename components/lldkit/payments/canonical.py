"""One text for one JSON value, a fingerprint of a request, and the header that carries an idempotency key.

The canonical form is that of RFC 8785: no space, names sorted by their UTF-16 code units, numbers as ECMAScript writes
them. It knows numbers as doubles, so integers that no double can tell apart are refused here instead of being made
equal.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from lldkit.payments.errors import IdempotencyKeyInvalid

__all__ = ["JsonValue", "canonical_json", "fingerprint", "parse_idempotency_key"]

JsonValue: TypeAlias = bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
"""What JSON can say. Any sequence is an array, any mapping an object."""
MOST_EXACT = 2**53 - 1
TEXT = r'(?:[ !#-\[\]-~]|\\["\\])*'
PARAMETERS = rf'(?:; *[a-z*][a-z0-9_\-.*]*(?:=(?:"{TEXT}"|[^" ;,]+))?)* *'
STRING = re.compile(rf' *"({TEXT})"{PARAMETERS}')
TOKEN = re.compile(rf" *([!#-'*+\-.0-9A-Z^-z|~:/]+){PARAMETERS}")


def canonical_json(value: JsonValue) -> bytes:
    """The canonical form of a JSON value, in UTF-8 (RFC 8785).

    A ValueError names what has none: infinities, NaN, integers beyond +-(2^53 - 1), lone surrogates; a TypeError what
    is no JSON, as sets, bytes and names that are no texts.

    >>> canonical_json({"b": 2.0, "a": [1e21, True]})
    b'{"a":[1e+21,true],"b":2}'
    """
    return _text(value).encode("utf-8")


def fingerprint(body: bytes | JsonValue) -> str:
    """A digest by which two requests are the same: the SHA-256 of the canonical form, as hex.

    Bytes are the body of a request. One that is no JSON, or has no canonical form without loss (large integers, a name
    twice), counts byte for byte. Values must have a canonical form.
    """
    kind, canonical = b"json:", b""
    if not isinstance(body, bytes):
        canonical = canonical_json(body)
    else:
        try:
            canonical = canonical_json(_parsed(body))
        except (ValueError, RecursionError):
            kind, canonical = b"raw:", body
    return hashlib.sha256(kind + canonical).hexdigest()


def parse_idempotency_key(header: str, *, strict: bool = True) -> str:
    """The key in an `Idempotency-Key` header: a string of RFC 9651, whose parameters are ignored.

    With `strict=False` a bare token is taken too, because many clients forget the quotes. IdempotencyKeyInvalid names
    what is neither.

    >>> parse_idempotency_key('"8e03978e"; v=1')
    '8e03978e'
    """
    match = STRING.fullmatch(header) or (None if strict else TOKEN.fullmatch(header))
    if match is None:
        raise IdempotencyKeyInvalid(f'an Idempotency-Key is a text in double quotes, as "8e03978e", got {header!r}')
    return re.sub(r'\\(["\\])', r"\1", match[1])


def _text(value: JsonValue) -> str:
    writer = WRITERS.get(type(value))
    return writer(value) if writer else _text(_plain(value))


def _plain(value: Any) -> JsonValue:
    """The built-in type for a subclass or another collection."""
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"JSON has no {type(value).__name__}, got {value!r}")


def _object(value: dict[str, JsonValue]) -> str:
    try:
        # Only beyond ASCII does the order of UTF-16 differ from that of Python's texts.
        names = sorted(value) if "".join(value).isascii() else sorted(value, key=_utf16)
    except TypeError:
        raise TypeError(f"the names of an object must be texts, got {list(value)!r}") from None
    return f"{{{','.join([f'{encode_basestring(name)}:{_text(value[name])}' for name in names])}}}"


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _integer(value: int) -> str:
    if not -MOST_EXACT <= value <= MOST_EXACT:
        raise ValueError(f"an integer must be within +-{MOST_EXACT} to keep its value, got {value!r}")
    return int.__repr__(value)


def _number(value: float) -> str:
    """The shortest digits that read back as the same double, laid out as ECMAScript's Number::toString does."""
    if not math.isfinite(value):
        raise ValueError(f"JSON has no infinities and no NaN, got {value!r}")
    if value == 0:
        return "0"
    digits, _, exponent = f"{value!r}".partition("e")
    if not exponent and not digits.endswith(".0"):
        return digits
    sign, digits = ("-", digits[1:]) if value < 0 else ("", digits)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0") if fraction != "0" else ""
    point = len(whole) + int(exponent or 0)  # where the point stands, counted from before the first digit
    digits = (whole + fraction).rstrip("0") if exponent else whole + fraction
    if 0 < point <= 21:
        if len(digits) <= point:
            return sign + digits.ljust(point, "0")
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: _integer,
    dict: _object,
    list: lambda value: f"[{','.join(map(_text, value))}]",
    float: _number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


def _parsed(body: bytes) -> JsonValue:
    """The value of a JSON text; a ValueError for what loses something on the way."""
    parsed: JsonValue = json.loads(
        body.decode("utf-8"), object_pairs_hook=_once, parse_float=_exact, parse_constant=_refused
    )
    return parsed


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _exact(text: str) -> float:
    """A fraction, unless it is so large that neighbouring integers are the same double."""
    value = float(text)
    if abs(value) > MOST_EXACT:
        raise ValueError(f"{text} may not keep its value")
    return value


def _refused(name: str) -> JsonValue:
    raise ValueError(f"JSON has no {name}")
