"""JSON that comes back as it was, or is refused by name."""

from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.scheduler import NotSerialisable, PayloadTooLarge
from lldkit.scheduler.codec import decode, digest, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50, deadline=None)
@given(plain)
def test_what_passes_comes_back_as_it_was(value: Any) -> None:
    again = decode(encode(value, what="it", limit=10**9))
    assert again == value
    assert repr(again) == repr(value)  # 1 is not 1.0, and True is not 1


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "argument", "kind"),
    [
        ((1, 2), "it", "tuple"),
        ([1, {"a": (2,)}], r"it\[1\]\['a'\]", "tuple"),
        ({1: 2}, r"it\[1\]", "dict key of type int"),
        ({"a": {None: 2}}, r"it\['a'\]\[None\]", "dict key of type NoneType"),
        ({1, 2}, "it", "set"),
        (b"x", "it", "bytes"),
        (float("nan"), "it", "float nan"),
        ([float("-inf")], r"it\[0\]", "float -inf"),
        (Colour.RED, "it", "Colour"),
        (OrderedDict(), "it", "OrderedDict"),
        (object(), "it", "object"),
    ],
)
def test_what_would_be_altered_is_refused_by_its_place_and_type(value: Any, argument: str, kind: str) -> None:
    with pytest.raises(NotSerialisable, match=f"^{argument} is a {kind};"):
        encode(value, what="it", limit=100)


def test_what_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotSerialisable, match="contains itself"):
        encode(loop, what="it", limit=100)


def test_a_text_that_is_too_long_is_refused_by_its_size() -> None:
    assert len(encode("a" * 98, what="it", limit=100)) == 100
    with pytest.raises(PayloadTooLarge, match="101 bytes of JSON, at most 100"):
        encode("a" * 99, what="it", limit=100)


def test_a_digest_knows_values_apart_and_not_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert len({digest(value) for value in ([1], [1.0], [True], ["1"], [[1]], {"1": 1})}) == 6
