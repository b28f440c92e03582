"""GrowthBook's documents: the cases of its SDKs, and what they leave open."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.feature_flags import GROWTHBOOK, Context, ErrorCode, Evaluation, FlagClient, MemoryStickyStore, Reason
from lldkit.feature_flags.bucketing import HASHERS

REASONS = {
    "force": Reason.TARGETING_MATCH,
    "experiment": Reason.SPLIT,
    "defaultValue": Reason.DEFAULT,
    "prerequisite": Reason.PREREQUISITE_FAILED,
    "unknownFeature": Reason.ERROR,
}


@pytest.fixture(scope="module")
def cases(vectors: Vectors) -> dict[str, Any]:
    found: dict[str, Any] = vectors.json("growthbook", "cases.json")
    counts = {kind: len(of) for kind, of in found.items() if isinstance(of, list)}
    assert counts == {
        "evalCondition": 131,
        "hash": 8,
        "getBucketRange": 7,
        "chooseVariation": 7,
        "inNamespace": 8,
        "getEqualWeights": 3,
        "stickyBucket": 7,
        "feature": 25,
        "run": 31,
    }
    assert sum(counts.values()) == 227
    return found


def evaluate(given: dict[str, Any], key: str, sticky: MemoryStickyStore | None = None) -> Evaluation[Any]:
    """What a feature is in a context as GrowthBook's cases write it: features, saved groups and attributes."""
    document = {"features": given.get("features", {}), "savedGroups": given.get("savedGroups", {})}
    flags = FlagClient(document, format=GROWTHBOOK, sticky=sticky)
    return flags.details(key, None, Context(None, given.get("attributes", {})))


def test_conditions_hold_where_growthbook_says(cases: dict[str, Any]) -> None:
    for name, condition, attributes, expected, *groups in cases["evalCondition"]:
        features = {"f": {"defaultValue": False, "rules": [{"condition": condition, "force": True}]}}
        saved = groups[0] if groups else {}
        found = evaluate({"features": features, "savedGroups": saved, "attributes": attributes}, "f")
        assert found.value is expected, name


def test_features_have_the_values_and_reasons_of_growthbook(cases: dict[str, Any]) -> None:
    for name, given, key, expected in cases["feature"]:
        found = evaluate(given, key)
        assert (found.value, found.reason) == (expected["value"], REASONS[expected["source"]]), name


def test_experiments_are_run_as_growthbook_does(cases: dict[str, Any]) -> None:
    for name, given, experiment, value, in_experiment, _ in cases["run"]:
        feature = {"defaultValue": experiment["variations"][0], "rules": [experiment]}
        found = evaluate({**given, "features": {**given.get("features", {}), "experiment": feature}}, "experiment")
        assert (found.value, found.reason is Reason.SPLIT) == (value, in_experiment), name


def test_namespaces_hold_whom_growthbook_says(cases: dict[str, Any]) -> None:
    for name, unit, namespace, expected in cases["inNamespace"]:
        experiment = {"variations": [True, True], "namespace": namespace}
        features = {"f": {"defaultValue": False, "rules": [experiment]}}
        assert evaluate({"features": features, "attributes": {"id": unit}}, "f").value is expected, name


def test_sticky_buckets_are_kept_as_growthbook_does(cases: dict[str, Any]) -> None:
    for name, given, stored, key, expected, afterwards in cases["stickyBucket"]:
        store = MemoryStickyStore()
        for document in stored:
            store.put(document["attributeName"], document["attributeValue"], document["assignments"])
        found = evaluate(given, key, store)
        assert (found.value, found.reason) == (expected["value"], Reason.SPLIT), name
        for document in afterwards.values():
            kept = store.get(document["attributeName"], document["attributeValue"])
            assert kept == document["assignments"], name


# --- what the cases leave open, each worked out by hand --------------------------------------------------------------


def holds(condition: Any, **attributes: Any) -> bool:
    features = {"f": {"defaultValue": False, "rules": [{"condition": condition, "force": True}]}}
    found = evaluate({"features": features, "attributes": attributes}, "f")
    assert found.error_code is None
    return bool(found.value)


def test_true_is_never_one() -> None:
    for operator in ("$eq", "$gte", "$in"):
        assert not holds({"x": {operator: [1] if operator == "$in" else 1}}, x=True)
    assert not holds({"x": 1}, x=True)
    assert holds({"x": True}, x=True)
    assert not holds({"x": True}, x="yes")


def test_a_number_and_its_text_are_equal_but_not_to_operators() -> None:
    assert holds({"x": "5"}, x=5)
    assert holds({"x": 5}, x="5")
    assert not holds({"x": {"$eq": "5"}}, x=5)
    assert not holds({"x": {"$in": ["5"]}}, x=5)
    assert holds({"x": {"$gt": "9"}}, x=10)  # as numbers
    assert not holds({"x": {"$gt": "9"}}, x="10")  # as texts


def test_null_and_what_is_missing_are_one() -> None:
    for condition in ({"x": None}, {"x": {"$exists": False}}, {"x": {"$in": [None]}}, {"x": {"$type": "null"}}):
        assert holds(condition)
        assert holds(condition, x=None)
        assert not holds(condition, x=0)
    assert holds({"x": {"$ne": 1}})
    assert holds({"x": {"$nin": [1]}})
    assert not holds({"x": {"$nin": 1}})


def test_a_pattern_that_makes_no_sense_lets_nobody_in_negated_or_not() -> None:
    for condition in ({"$regex": "(?=a)"}, {"$notRegex": "(?=a)"}, {"$not": {"$regex": "(?=a)"}}, {"$new": 1}):
        features = {"f": {"defaultValue": False, "rules": [{"condition": {"x": condition}, "force": True}]}}
        flags = FlagClient({"features": features}, format=GROWTHBOOK)
        assert flags.boolean("f", True, Context(x="b")) is False
        assert [problem.fatal for problem in flags.problems] == [False]


def test_parts_of_lists_and_objects_are_asked_as_values_are() -> None:
    pets = [{"kind": "dog", "age": 3}, {"kind": "cat", "age": 9}]
    assert holds({"pets": {"$elemMatch": {"kind": "cat", "age": {"$gt": 5}}}}, pets=pets)
    assert not holds({"pets": {"$elemMatch": {"kind": "dog", "age": {"$gt": 5}}}}, pets=pets)
    assert not holds({"pets": {"$elemMatch": {"kind": "dog"}}}, pets=["dog"])
    assert holds({"pets": {"$size": {"$gt": 1}}}, pets=pets)
    assert holds({"tags": {"$all": [{"$regex": "^a"}, "b"]}}, tags=["ab", "b"])
    assert holds({"$nor": [{"x": 1}, {"x": 2}]}, x=3)
    assert not holds({"$nor": []}, x=3)


def forced(rule: dict[str, Any], unit: str, **attributes: Any) -> bool:
    features = {"f": {"defaultValue": False, "rules": [{"force": True, **rule}]}}
    return bool(evaluate({"features": features, "attributes": {"id": unit, **attributes}}, "f").value)


@pytest.mark.parametrize("unit", [f"user-{i}" for i in range(20)])
def test_a_coverage_has_its_upper_end_and_a_range_has_not(unit: str) -> None:
    point = HASHERS["growthbook/1"]("f", unit)
    assert forced({"coverage": point}, unit) is (point > 0)
    assert not forced({"coverage": point - 0.001}, unit)
    assert not forced({"range": [0, point]}, unit)
    assert forced({"range": [point, 1]}, unit)
    assert not forced({"coverage": 0}, unit)
    seeded = HASHERS["growthbook/2"]("other", unit)
    assert forced({"range": [seeded, 1], "seed": "other", "hashVersion": 2}, unit)


def test_a_unit_is_looked_for_in_the_attribute_then_in_the_targeting_key_then_in_the_fallback() -> None:
    rule = {"force": True, "coverage": 1, "fallbackAttribute": "device"}
    flags = FlagClient({"features": {"f": {"defaultValue": False, "rules": [rule]}}}, format=GROWTHBOOK)
    for context in (Context("ana"), Context(id="ana"), Context(device="ana")):
        assert flags.boolean("f", False, context) is True
    assert flags.boolean("f", True) is False


def test_a_gate_stops_and_a_condition_on_a_parent_goes_on() -> None:
    parent = {"defaultValue": "off", "rules": [{"condition": {"pro": True}, "force": "on"}]}
    needs_on = {"id": "parent", "condition": {"value": "on"}}
    features = {
        "parent": parent,
        "gated": {"defaultValue": 0, "rules": [{"parentConditions": [{**needs_on, "gate": True}]}, {"force": 1}]},
        "asking": {"defaultValue": 0, "rules": [{"parentConditions": [needs_on], "force": 1}]},
        "orphan": {
            "defaultValue": 0,
            "rules": [{"parentConditions": [{"id": "gone", "condition": {"value": None}}], "force": 1}],
        },
    }
    flags = FlagClient({"features": features}, format=GROWTHBOOK)
    gated = flags.details("gated", None)
    assert (gated.value, gated.reason) == (None, Reason.PREREQUISITE_FAILED)
    assert flags.details("asking", None).value == 0
    assert [flags.details(key, None, Context(pro=True)).value for key in ("gated", "asking")] == [1, 1]
    assert flags.details("orphan", None).value == 1  # what does not exist is null


def test_features_that_need_each_other_are_an_error() -> None:
    def needing(parent: str) -> dict[str, Any]:
        gate = {"id": parent, "condition": {"value": True}, "gate": True}
        return {"defaultValue": True, "rules": [{"parentConditions": [gate]}]}

    found = evaluate({"features": {"a": needing("b"), "b": needing("a")}}, "a")
    assert (found.value, found.reason, found.error_code) == (None, Reason.ERROR, ErrorCode.PARSE_ERROR)


def test_an_assignment_of_an_old_version_blocks() -> None:
    rule = {"variations": ["a", "b"], "bucketVersion": 2, "minBucketVersion": 2}
    given = {"features": {"f": {"defaultValue": "out", "rules": [rule]}}, "attributes": {"id": "ana"}}
    store = MemoryStickyStore()
    store.put("id", "ana", {"f__1": "0"})
    assert evaluate(given, "f", store).value == "out"
    store.put("id", "ana", {"f__2": "1"})
    assert evaluate(given, "f", store).value == "b"


MALFORMED: list[Any] = [
    5,
    {"rules": 5},
    {"rules": [5]},
    {"rules": [{"condition": 5, "force": 1}]},
    {"rules": [{"condition": {"$or": 5}, "force": 1}]},
    {"rules": [{"force": 1, "coverage": "half"}]},
    {"rules": [{"force": 1, "range": [0]}]},
    {"rules": [{"variations": [1, 2], "weights": ["a", "b"]}]},
    {"rules": [{"variations": [1, 2], "namespace": ["n", 0]}]},
    {"rules": [{"variations": [1, 2], "bucketVersion": "new"}]},
    {"rules": [{"force": 1, "parentConditions": ["parent"]}]},
    {"rules": [{"variations": [1, 2], "ranges": [[0, 10**400]]}]},
]


@pytest.mark.parametrize("bad", MALFORMED, ids=repr)
def test_a_malformed_feature_concerns_no_other(bad: Any) -> None:
    flags = FlagClient({"features": {"bad": bad, "good": {"defaultValue": 1}}}, format=GROWTHBOOK)
    assert flags.details("good", None).value == 1
    assert flags.details("bad", None).error_code is ErrorCode.PARSE_ERROR
    assert [(problem.key, problem.fatal) for problem in flags.problems] == [("bad", True)]


def test_a_hash_version_that_does_not_exist_lets_nobody_in() -> None:
    filtered = {"force": 1, "filters": [{"ranges": [[0, 1]], "hashVersion": 9}]}
    for rule in ({"force": 1, "hashVersion": 9}, {"variations": [1, 2], "hashVersion": 9}, filtered):
        features = {"f": {"defaultValue": 0, "rules": [rule]}}
        assert evaluate({"features": features, "attributes": {"id": "1"}}, "f").value == 0
        problems = FlagClient({"features": features}, format=GROWTHBOOK).problems
        assert ["there is no hashVersion 9" in problem.message for problem in problems] == [True]
