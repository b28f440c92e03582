"""RFC 7396's own examples, and python-dotenv's table of lines."""

from collections.abc import Mapping
from typing import Any

from conftest import Vectors
from lldkit.config import merge_patch, parse_dotenv


def test_merge_patch_gives_the_result_of_each_case_of_the_rfc(vectors: Vectors) -> None:
    cases: list[dict[str, Any]] = vectors.json("merge-patch", "cases.json")
    assert len(cases) == 15
    for case in cases:
        assert merge_patch(case["target"], case["patch"]) == case["result"], case


def test_env_files_mean_what_they_mean_elsewhere(vectors: Vectors) -> None:
    cases: list[dict[str, Any]] = vectors.json("dotenv", "cases.json")
    assert len(cases) == 23
    for case in cases:
        expected = [said for each in case["bindings"] if (said := spoken(each))]
        found = [(line.key, line.value, line.line, line.error) for line in parse_dotenv(case["input"])]
        assert found == expected, case["input"]


def spoken(binding: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """A binding or an error; comments and blanks, which we leave out, are None."""
    if binding["key"] is None and not binding["error"]:
        return None
    return binding["key"], binding["value"], binding["line"], binding["error"]
