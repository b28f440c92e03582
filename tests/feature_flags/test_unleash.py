"""Unleash's documents: the cases of its client specification, and what they leave open."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.feature_flags import UNLEASH, Context, FlagClient

FILES = {
    "01-simple-examples": 5,
    "02-user-with-id-strategy": 5,
    "03-gradual-rollout-user-id-strategy": 6,
    "05-gradual-rollout-random-strategy": 4,
    "06-remote-address-strategy": 6,
    "08-variants": 17,
    "09-strategy-constraints": 17,
    "10-flexible-rollout-strategy": 10,
    "13-constraint-operators": 46,
    "17-dependent-features": 20,
    "19-delta-api-hydration": 1,
    "21-regex-constraint-operators": 14,
}
NO_VARIANT: Any = {"name": "disabled", "enabled": False, "feature_enabled": False}


def context_of(case: dict[str, Any]) -> Context:
    given = dict(case["context"])
    return Context(given.pop("userId", None), given.pop("properties", {}), **given)


@pytest.mark.parametrize("file", FILES)
def test_decisions_are_those_of_the_client_specification(vectors: Vectors, file: str) -> None:
    suite = vectors.json("unleash", f"{file}.json")
    flags = FlagClient(suite["state"], format=UNLEASH)
    toggles, variants = suite.get("tests", []), suite.get("variantTests", [])
    assert len(toggles) + len(variants) == FILES[file]
    for case in toggles:
        found = flags.details(case["toggleName"], False, context_of(case))
        assert found.value is case["expectedResult"], (case, found)
    for case in variants:
        found = flags.details(f"{case['toggleName']}#variant", NO_VARIANT, context_of(case))
        assert found.value == case["expectedResult"], (case, found)


def test_the_specification_has_all_of_its_cases() -> None:
    assert (len(FILES), sum(FILES.values())) == (12, 151)
