"""What every vendor's format keeps: whatever a document holds, it loads, it evaluates, and one flag spoils no other."""

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.feature_flags import FLAGD, GROWTHBOOK, NATIVE, UNLEASH, Context, FlagClient, Format, MemoryStickyStore
from lldkit.snapshot import MemoryStore

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
CONTEXTS = st.builds(
    Context,
    st.none() | st.text(max_size=4),
    st.dictionaries(st.sampled_from(["id", "tags", "email", "currentTime", "age", "x"]), JSON, max_size=4),
)


@cache
def unleash(vectors: Vectors) -> list[Any]:
    files = ["08-variants", "13-constraint-operators", "17-dependent-features", "19-delta-api-hydration"]
    return [vectors.json("unleash", f"{file}.json")["state"] for file in files]


@cache
def growthbook(vectors: Vectors) -> list[Any]:
    cases = vectors.json("growthbook", "cases.json")
    conditions = [case[1] for case in cases["evalCondition"]]
    rules = [{"condition": condition, "force": True} for condition in conditions]
    documents = [case[1] for kind in ("feature", "stickyBucket") for case in cases[kind]]
    return [{"features": {"f": {"rules": rules}}}, *(each for each in documents if "features" in each)]


@cache
def flagd(vectors: Vectors) -> list[Any]:
    return [case["document"] for case in vectors.json("flagd-schemas", "documents.json") if case["valid"]]


DOCUMENTS: dict[str, tuple[Format, Callable[[Vectors], list[Any]]]] = {
    "unleash": (UNLEASH, unleash),
    "growthbook": (GROWTHBOOK, growthbook),
    "flagd": (FLAGD, flagd),
}


def places(value: Any) -> list[list[Any]]:
    """The paths to all that a document is made of."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [[], *([name, *path] for name, part in inner for path in places(part))]


def corrupted(document: Any, path: list[Any], value: Any) -> Any:
    if not path:
        return value
    document = copy.copy(document)
    document[path[0]] = corrupted(document[path[0]], path[1:], value)
    return document


@pytest.mark.parametrize("vendor", DOCUMENTS)
@settings(UNHURRIED, max_examples=50)
@given(data=st.data())
def test_whatever_stands_in_a_document_it_loads_and_evaluates(vectors: Vectors, vendor: str, data: Any) -> None:
    document_format, documents = DOCUMENTS[vendor]
    document = data.draw(st.sampled_from(documents(vectors)))
    broken = corrupted(document, data.draw(st.sampled_from(places(document)[1:])), data.draw(JSON))
    flags = FlagClient(broken, format=document_format, sticky=MemoryStickyStore())
    context = data.draw(CONTEXTS)
    for key in flags.snapshot.value.flags:
        found = flags.details(key, None, context)
        json.dumps(found.value)
        assert flags.explain(key, context).evaluation.error_code == found.error_code
    assert flags.failures == 0


GOOD: dict[str, tuple[Format, Any, Any]] = {
    "unleash": (UNLEASH, {"features": []}, {"name": "good", "enabled": True, "strategies": []}),
    "growthbook": (GROWTHBOOK, {"features": {}}, {"defaultValue": True}),
    "flagd": (FLAGD, {"flags": {}}, {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}),
}


@pytest.mark.parametrize("vendor", GOOD)
@UNHURRIED
@given(body=JSON)
def test_a_flag_that_is_anything_at_all_spoils_no_other(vendor: str, body: Any) -> None:
    document_format, document, good = copy.deepcopy(GOOD[vendor])
    if vendor == "unleash":
        document["features"] = [good, body]
    else:
        document[next(iter(document))] = {"good": good, "bad": body}
    assert FlagClient(document, format=document_format).boolean("good", False) is True


@pytest.mark.parametrize("vendor", GOOD)
@pytest.mark.parametrize("document", [{}, {"features": 5, "flags": 5}, {"features": None, "flags": None}])
def test_a_document_of_another_kind_is_refused_as_a_whole(vendor: str, document: Any) -> None:
    flags = FlagClient(document, format=GOOD[vendor][0])
    assert [(problem.key, problem.fatal) for problem in flags.problems] == [("", True)]
    assert flags.version == 0


def test_formats_have_their_names() -> None:
    assert [each.name for each in (NATIVE, UNLEASH, FLAGD, GROWTHBOOK)] == ["native", "unleash", "flagd", "growthbook"]


def changed(document_format: Format, before: Any, after: Any) -> set[str]:
    """The keys of which a change of the document tells."""
    store = MemoryStore(before)
    flags = FlagClient(store, format=document_format)
    store.publish(after, expected=1, author="ana")
    return set(flags.refresh().changed)


def test_changes_name_the_flags_that_mean_something_else() -> None:
    static = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    flags = {"static": static, "aimed": {**static, "targeting": {"if": [{"$ref": "adult"}, "on"]}}}
    of_age = [{"flags": flags, "$evaluators": {"adult": {">": [{"var": "age"}, age]}}} for age in (17, 20)]
    assert changed(FLAGD, of_age[0], of_age[0]) == set()
    assert changed(FLAGD, of_age[0], of_age[1]) == {"aimed"}

    rule = {"parentConditions": [{"id": "parent", "condition": {"value": None}}], "force": 1}
    child = {"child": {"rules": [rule]}, "other": {"defaultValue": 1}}
    assert changed(GROWTHBOOK, {"features": child}, {"features": child}) == set()
    assert changed(GROWTHBOOK, {"features": child}, {"features": {**child, "parent": {}}}) == {"child", "parent"}
    grouped = {"f": {"rules": [{"condition": {"id": {"$inGroup": "g"}}, "force": 1}]}, "other": {}}
    of_groups = [{"features": grouped, "savedGroups": {"g": members}} for members in ([1], [2])]
    assert changed(GROWTHBOOK, *of_groups) == {"f"}

    parent, needs = {"name": "p", "enabled": True, "strategies": []}, {"dependencies": [{"feature": "p"}]}
    toggles = [parent, {**parent, "name": "c", **needs}, {**parent, "name": "other"}]
    grand = [{**parent, "dependencies": [{"feature": "other"}]}, *toggles[1:]]
    assert changed(UNLEASH, {"features": toggles}, {"features": toggles}) == set()
    assert changed(UNLEASH, {"features": toggles}, {"features": grand}) == {"p", "p#variant", "c", "c#variant"}
