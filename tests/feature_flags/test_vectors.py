"""How many cases each set of vectors has; each is run, through the client, by the file that is named beside it."""

import csv
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Vectors


def rows(vectors: Vectors, vector_set: str, file: str) -> int:
    """The lines of a table, without its heading."""
    path = vectors.path(vector_set) / file
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return len(list(csv.reader(text.splitlines()))) - 1


def unleash(vectors: Vectors) -> int:
    files = [vectors.json("unleash", path.name) for path in sorted(vectors.path("unleash").glob("*.json"))]
    return sum(len(each.get("tests", ())) + len(each.get("variantTests", ())) for each in files)


def growthbook(vectors: Vectors) -> int:
    cases: dict[str, Any] = vectors.json("growthbook", "cases.json")
    return sum(len(each) for each in cases.values() if isinstance(each, list))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(unleash, 151, id="test_unleash"),
        pytest.param(growthbook, 227, id="test_growthbook"),
        pytest.param(lambda vectors: len(vectors.json("flagd-schemas", "documents.json")), 17, id="test_flagd"),
        pytest.param(
            lambda vectors: len(vectors.json("openfeature", "evaluation.json")["cases"]), 65, id="test_openfeature"
        ),
        pytest.param(lambda vectors: rows(vectors, "murmur3", "sample.csv.gz"), 10_000, id="test_bucketing"),
        pytest.param(lambda vectors: rows(vectors, "semver", "ordered.csv"), 24, id="test_semver, ordered"),
        pytest.param(lambda vectors: rows(vectors, "semver", "invalid.csv"), 27, id="test_semver, invalid"),
    ],
)
def test_a_set_has_all_its_cases(vectors: Vectors, count: Callable[[Vectors], int], expected: int) -> None:
    assert count(vectors) == expected
