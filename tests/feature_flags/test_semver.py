"""Versions: the rules of Semantic Versioning 2.0.0 one by one, material of others, and the two looser dialects."""

import csv
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.feature_flags.semver import Dialect, compare, precedence, release


def rows(vectors: Vectors, file: str) -> list[dict[str, str]]:
    return list(csv.DictReader((vectors.path("semver") / file).read_text().splitlines()))


def test_pairs_are_ordered_as_split_says(vectors: Vectors) -> None:
    pairs = rows(vectors, "ordered.csv")
    assert len(pairs) == 24
    for pair in pairs:
        assert compare(pair["higher"], pair["lower"]) == 1, pair
        assert compare(pair["lower"], pair["higher"]) == -1, pair


def test_what_is_no_version_is_refused(vectors: Vectors) -> None:
    invalid = rows(vectors, "invalid.csv")
    assert len(invalid) == 27
    for row in invalid:
        with pytest.raises(ValueError, match="is no version"):
            precedence(row["version"])


ASCENDING = [  # section 11 of the specification, continued
    *("1.0.0-0", "1.0.0-9", "1.0.0-10", "1.0.0--", "1.0.0-A", "1.0.0-a", "1.0.0-alpha", "1.0.0-alpha.1"),
    *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0-rc.9", "1.0.0-rc.10"),
    *("1.0.0", "1.0.9", "1.0.10", "1.9.0", "1.10.0", "9.0.0", "10.0.0", "9" * 5000 + ".0.0", "1" + "0" * 5000 + ".0.0"),
]


def test_the_order_is_that_of_the_specification() -> None:
    for (i, a), (j, b) in product(enumerate(ASCENDING), repeat=2):
        assert compare(a, b) == (i > j) - (i < j), (a, b)


def test_build_metadata_counts_in_no_comparison() -> None:
    assert compare("1.0.0+001", "1.0.0+zzz.-.0") == 0
    assert compare("1.0.0-rc+1", "1.0.0-rc") == 0


@pytest.mark.parametrize(
    "version",
    [
        *("", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "-1.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0-a..b"),
        *("1.0.0 ", "1.0.0\n", "1.0.0-é", "1.0.0-\u0661", "\u0661.0.0", "1.0.0-a_b"),
    ],
)
def test_strict_is_strict(version: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        compare("1.0.0", version)


NUMBERS = st.integers(0, 10**30)
WORDS = st.text("aZ0-", min_size=1, max_size=3).filter(lambda text: not text.isdecimal())
VERSIONS = st.tuples(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.lists(NUMBERS | WORDS, max_size=3))


def written(version: tuple[tuple[int, int, int], list[int | str]]) -> str:
    numbers, identifiers = version
    return ".".join(map(str, numbers)) + ("-" + ".".join(map(str, identifiers)) if identifiers else "")


def naive(a: tuple[tuple[int, int, int], list[int | str]], b: tuple[tuple[int, int, int], list[int | str]]) -> int:
    """Section 11, said with Python's own integers."""
    if a[0] != b[0]:
        return 1 if a[0] > b[0] else -1
    if not a[1] or not b[1]:
        return bool(b[1]) - bool(a[1])
    for x, y in zip(a[1], b[1], strict=False):
        if isinstance(x, int) != isinstance(y, int):
            return -1 if isinstance(x, int) else 1
        if x != y:
            return 1 if x > y else -1  # type: ignore[operator] # both are numbers, or both are words
    return (len(a[1]) > len(b[1])) - (len(a[1]) < len(b[1]))


@settings(deadline=None)
@given(VERSIONS, VERSIONS)
def test_comparing_texts_is_comparing_their_parts(
    a: tuple[tuple[int, int, int], list[int | str]], b: tuple[tuple[int, int, int], list[int | str]]
) -> None:
    assert compare(written(a), written(b)) == naive(a, b)


def test_loose_versions_may_be_short_and_begin_with_v() -> None:
    assert compare("v1", "1.0.0", dialect="loose") == 0
    assert compare("1.2", "1.1.9", dialect="loose") == 1
    assert compare("v1.0.0-rc", "1", dialect="loose") == -1
    for invalid in ("1.0-rc", "vv1", "V1", "1.", "a", "1.0.0.0"):
        with pytest.raises(ValueError, match="is no version"):
            precedence(invalid, dialect="loose")


def test_padded_versions_are_compared_part_by_part_whatever_they_are() -> None:
    ascending = ["1.2.3-9", "1.2.3-10", "1.2.3-a.5", "1.2.3-a.b", "1.2.3", "1.2.10", "v1.10.0", "anything at all"]
    for lower, higher in pairwise(ascending):
        assert compare(higher, lower, dialect="padded") == 1, (higher, lower)
    assert compare("1.2.3.4", "v1-2-3-4+build", dialect="padded") == 0


def test_a_release_is_what_caret_and_tilde_ask_about() -> None:
    assert release("1.2.3-rc.1+x") == release("v1.2.3", dialect="loose")
    assert release("1.2.3")[:2] == release("1.2.9")[:2] != release("1.3.3")[:2]
    with pytest.raises(ValueError, match="has no major"):
        release("1.2.3", dialect="padded")


@pytest.mark.parametrize("dialect", ["", "node"])
def test_an_unknown_dialect_is_refused(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="dialect must be one of strict, loose, padded"):
        compare("1.0.0", "1.0.0", dialect=dialect)
