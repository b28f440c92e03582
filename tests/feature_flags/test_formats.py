"""What every vendor's format keeps: whatever a document holds, it loads, it evaluates, and one flag spoils no other."""

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.feature_flags import FLAGD, GROWTHBOOK, NATIVE, UNLEASH, Context, FlagClient, Format, MemoryStickyStore

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
@settings(deadline=None, max_examples=50)
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
@settings(deadline=None)
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
