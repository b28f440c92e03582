"""Conversion: what is converted decides as before, case by case of the vendors' own material; the rest is named."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.feature_flags import FLAGD, GROWTHBOOK, NATIVE, UNLEASH, Context, FlagClient, Format
from lldkit.feature_flags.convert import convert


def left_out(document: dict[str, Any], document_format: Format) -> dict[str, str]:
    return {problem.key: problem.message for problem in convert(document, document_format).left_out}


def test_unleash_cases_come_out_as_before_where_their_toggle_could_be_converted(vectors: Vectors) -> None:
    compared = 0
    for file in sorted(vectors.path("unleash").glob("*.json")):
        suite = vectors.json("unleash", file.name)
        converted = convert(suite["state"], UNLEASH)
        flags = FlagClient(converted.document)
        assert flags.problems == ()
        for case in suite.get("tests", []):
            if case["toggleName"] in flags.snapshot.value.flags:
                given = dict(case["context"])
                context = Context(given.pop("userId", None), given.pop("properties", {}), **given)
                assert flags.boolean(case["toggleName"], False, context) is case["expectedResult"], case
                compared += 1
    assert compared == 86


def test_growthbook_conditions_hold_as_before_where_they_could_be_converted(vectors: Vectors) -> None:
    compared = 0
    for name, condition, attributes, expected, *groups in vectors.json("growthbook", "cases.json")["evalCondition"]:
        feature = {"defaultValue": False, "rules": [{"condition": condition, "force": True}]}
        document = {"features": {"f": feature}, "savedGroups": groups[0] if groups else {}}
        flags = FlagClient(convert(document, GROWTHBOOK).document)
        if "f" in flags.snapshot.value.flags:
            assert flags.boolean("f", not expected, Context(None, attributes)) is expected, name
            compared += 1
    assert compared == 25


def test_flagd_flags_without_targeting_are_converted() -> None:
    flag = {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "b", "metadata": {"team": "x"}}
    document = {
        "flags": {"static": flag, "off": {**flag, "state": "DISABLED"}, "aimed": {**flag, "targeting": {"var": "x"}}},
        "metadata": {"set": "y"},
    }
    converted = convert(document, FLAGD)
    flags = FlagClient(converted.document)
    assert [problem.key for problem in converted.left_out] == ["aimed"]
    found = flags.details("static", 0)
    assert (found.value, found.variant, found.metadata) == (2, "b", {"team": "x"})
    assert flags.integer("off", 7) == 7
    assert flags.snapshot.value.metadata == {"set": "y"}


def test_a_native_document_is_what_it_is() -> None:
    document: dict[str, Any] = {"flags": {}}
    assert convert(document, NATIVE).document is document


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"force": True, "coverage": 0.5}, "places units by growthbook/1 of 'f'"),
        ({"variations": [True, False]}, "it splits by growthbook/1 of 'f'"),
        ({"force": True, "condition": {"age": {"$gt": 18}}}, "age $gt 18 has no native words"),
        ({"force": True, "condition": {"age": {"$regex": "("}}}, "makes no sense"),
        ({"force": 1}, "its values are not of one type"),
        ({"parentConditions": [{"id": "g", "condition": {"value": 1}, "gate": True}]}, "serves no variant"),
    ],
)
def test_what_has_no_native_words_is_named(rule: dict[str, Any], why: str) -> None:
    features = {"f": {"defaultValue": False, "rules": [rule]}, "g": {"defaultValue": 1}}
    assert why in left_out({"features": features}, GROWTHBOOK)["f"]


def test_what_needs_something_that_is_left_out_is_left_out_too() -> None:
    def toggle(name: str, strategy: dict[str, Any], *parents: str) -> dict[str, Any]:
        needs = [{"feature": parent} for parent in parents]
        return {"name": name, "enabled": True, "strategies": [strategy], "dependencies": needs}

    everybody = {"name": "default"}
    half = {"name": "flexibleRollout", "parameters": {"rollout": "50"}}
    counted = [{"contextName": "age", "operator": "NUM_GT", "value": "5"}]
    document = {
        "features": [
            toggle("half", half),
            toggle("child", everybody, "half"),
            toggle("free", everybody),
            toggle("segmented", {**everybody, "segments": [7]}),
        ],
        "segments": [{"id": 7, "constraints": counted}],
    }
    converted = convert(document, UNLEASH)
    assert set(converted.document["flags"]) == {"free", "free#variant"}
    assert {problem.key for problem in converted.left_out} >= {"half", "child", "segmented", "segments.7"}


def test_a_rollout_that_lets_everybody_in_is_none() -> None:
    everybody = {"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "default"}}
    document = {"features": [{"name": "f", "enabled": True, "strategies": [everybody]}]}
    assert FlagClient(convert(document, UNLEASH).document).boolean("f", False) is True
