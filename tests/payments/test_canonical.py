"""Canonical JSON, fingerprints of requests, and the header of an idempotency key."""

import json
import math
from collections import UserDict, deque
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.payments.canonical import canonical_json, fingerprint, parse_idempotency_key
from lldkit.payments.errors import IdempotencyKeyInvalid

exact = st.integers(-(2**53) + 1, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | exact | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@settings(deadline=None)
@given(values)
def test_the_canonical_form_reads_back_as_the_same_value(value: Any) -> None:
    text = canonical_json(value)
    read = json.loads(text, parse_int=float)  # as ECMAScript, which knows no other numbers
    assert read == value
    assert canonical_json(read) == text


@pytest.mark.parametrize(
    ("number", "text"),  # as ECMAScript's Number::toString writes them
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (1e20, "100000000000000000000"),
        (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"),
        (-1.25e25, "-1.25e+25"),
        (123456789012345680000.0, "123456789012345680000"),
        (0.000001, "0.000001"),
        (1.5e-6, "0.0000015"),
        (1e-7, "1e-7"),
        (-1.25e-7, "-1.25e-7"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (333333333.33333329, "333333333.3333333"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, text: str) -> None:
    assert canonical_json(number).decode() == text


def test_names_are_sorted_by_their_utf_16_code_units() -> None:
    # U+1F600 is written with the surrogates D83D DE00, which come before U+FB33.
    assert canonical_json({"\ufb33": 1, "\U0001f600": 2, "b": 3, "a": 4}).decode() == (
        '{"a":4,"b":3,"\U0001f600":2,"\ufb33":1}'
    )


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


def test_subclasses_and_other_collections_are_written_as_what_they_are() -> None:
    value: Any = {"tuple": (1, 2), "deque": deque([3]), "dict": UserDict(a=1), "text": Colour.RED, "number": Size.BIG}
    assert canonical_json(value).decode() == '{"deque":[3],"dict":{"a":1},"number":3,"text":"red","tuple":[1,2]}'


@pytest.mark.parametrize("value", [2**53, -(2**53), math.inf, -math.inf, math.nan, "\ud800", {"\udfff": 1}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json([value])


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", Decimal(1), object(), {1: 2}, {None: 1, "a": 2}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@settings(deadline=None)
@given(values)
def test_the_layout_of_a_body_does_not_change_its_fingerprint(value: Any) -> None:
    if any(abs(number) >= 2**53 for number in numbers(value)):
        return  # such a body counts byte for byte
    spaced = json.dumps(value, indent=3).encode()
    assert fingerprint(spaced) == fingerprint(json.dumps(value).encode()) == fingerprint(value)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [value] if isinstance(value, int | float) else []


def test_equal_requests_have_one_fingerprint_and_others_do_not() -> None:
    assert fingerprint(b'{"a":1,"b":2.0}') == fingerprint(b'{"b":2, "a":1}') == fingerprint({"a": 1.0, "b": 2})
    bodies: list[Any] = [b"1", b'"1"', b"true", b"null", b"", b"{", b"[1]", b"[1,1]", b'{"a":1}', b'{"a":1,"a":1}']
    assert len({fingerprint(body) for body in bodies}) == len(bodies)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"9007199254740993", b"9007199254740992"),
        (b"9007199254740993.0", b"9007199254740992.0"),
        (b"1e400", b"2e400"),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b"NaN", b"Infinity"),
        (b"\xff1", b"\xfe1"),
        (b"[" * 100_000, b"[" * 100_001),
    ],
)
def test_bodies_that_a_parser_would_make_equal_stay_apart(one: bytes, other: bytes) -> None:
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(bytes(one))


def test_raw_bytes_are_never_taken_for_a_canonical_form() -> None:
    assert fingerprint("{") != fingerprint(b"{")


def test_a_value_without_canonical_form_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="keep its value"):
        fingerprint({"amount": 2**60})


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ('  "a b"  ', "a b"),
        ('"a";v=1', "a"),
        ('"a"; v=1;flag;  t="x;y"  ', "a"),
        (r'"\"\\"', '"\\'),
    ],
)
def test_a_key_is_a_string_whose_parameters_do_not_matter(header: str, key: str) -> None:
    assert parse_idempotency_key(header) == parse_idempotency_key(header, strict=False) == key


@pytest.mark.parametrize("header", ["8e03978e", "pi_1:confirm", "  abc;v=1 "])
def test_a_bare_token_is_taken_when_that_is_asked_for(header: str) -> None:
    assert parse_idempotency_key(header, strict=False) == header.strip().partition(";")[0]
    with pytest.raises(IdempotencyKeyInvalid):
        parse_idempotency_key(header)


@pytest.mark.parametrize(
    "header", ["", '""x', '"a" "b"', '"a",', '"a"; =1', "a b", "a,b", "ü", '"a" ;v=1', '"a', "a;V=1"]
)
def test_what_holds_no_key_is_refused(header: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid, match="double quotes"):
        parse_idempotency_key(header, strict=False)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_every_key_survives_its_header(key: str) -> None:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_idempotency_key(f'"{escaped}"') == key
