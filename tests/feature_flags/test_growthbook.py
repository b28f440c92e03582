"""GrowthBook's documents: the cases of its SDKs, and what they leave open."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.feature_flags import GROWTHBOOK, Context, Evaluation, FlagClient, MemoryStickyStore, Reason

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
