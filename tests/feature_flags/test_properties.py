"""Both engines on random documents and contexts; and nothing raises, whatever JSON is fed in."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_flags.helpers import RUNTIME, document, evaluated
from lldkit.clock import ManualClock
from lldkit.feature_flags import Context, ErrorCode, FlagClient, Reason
from lldkit.feature_flags.compile import Compiled
from lldkit.feature_flags.conditions import OPERATORS
from lldkit.feature_flags.link import link
from lldkit.feature_flags.parse import NATIVE

KEYS = st.sampled_from("abcde")
NAMES = st.sampled_from(["x", "y", "z"])
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ATTRIBUTES = st.sampled_from(["n", "s", "l", "o.p", "targeting_key", "gone"])
SCALARS = st.sampled_from(
    ["a", "A", "ab", "", "1", "1.2.3", "10.0.0.1", "2026-01-01T00:00:00Z", 0, 1, 1.0, 2, True, False]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

clauses = st.fixed_dictionaries(
    {"attr": ATTRIBUTES, "op": st.sampled_from(sorted(OPERATORS)), "value": SCALARS | st.lists(SCALARS, max_size=3)},
    optional={"ignore_case": st.booleans()},
)
flag_conditions = st.fixed_dictionaries({"flag": KEYS, "variants": st.lists(NAMES, min_size=1, max_size=2)})
conditions: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | clauses | flag_conditions | st.fixed_dictionaries({"segment": NAMES}),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
buckets: dict[str, st.SearchStrategy[Any]] = {
    "by": ATTRIBUTES,
    "salt": st.sampled_from(["s", "t"]),
    "hash": st.sampled_from(["blake2b/1", "growthbook/2", "murmur3/100/0"]),
}
weights = st.integers(0, 3) | st.floats(0, 2)
splits = st.fixed_dictionaries(
    {
        "split": st.lists(st.tuples(NAMES, weights), min_size=1, max_size=3).filter(
            lambda pairs: any(w for _, w in pairs)
        )
    },
    optional=buckets,
)
rollouts = st.one_of(
    st.fixed_dictionaries({"percent": st.floats(0, 100) | st.integers(0, 100)}, optional=buckets),
    st.just({"steps": [["2025-12-01T00:00:00Z", 0], ["2026-02-01T00:00:00Z", 100]]}),
)
rules = st.fixed_dictionaries({"serve": NAMES | splits}, optional={"when": conditions, "rollout": rollouts})


@st.composite
def flags(draw: st.DrawFn) -> dict[str, Any]:
    made = draw(
        st.fixed_dictionaries(
            {"type": st.just("string"), "variants": st.just({"x": "x", "y": "", "z": "0"})},
            optional={
                "enabled": st.booleans(),
                "off": NAMES,
                "serve": NAMES | splits,
                "prerequisites": st.lists(flag_conditions, max_size=2),
            },
        )
    )
    listed = draw(st.lists(rules, max_size=3))
    return {**made, "rules": [{"id": f"r{at}", **rule} for at, rule in enumerate(listed)]}


documents = st.builds(
    document, st.dictionaries(KEYS, flags(), max_size=5), segments=st.dictionaries(NAMES, conditions, max_size=3)
)
contexts = st.builds(
    Context,
    st.none() | st.sampled_from(["u", "v", "w"]),
    st.fixed_dictionaries(
        {},
        optional={
            "n": JSON | SCALARS,
            "s": SCALARS,
            "l": st.lists(SCALARS),
            "o": st.fixed_dictionaries({"p": SCALARS}),
        },
    ),
)


@UNHURRIED
@given(documents, contexts)
def test_the_compiled_engine_decides_as_the_readable_one(body: dict[str, Any], context: Context) -> None:
    linked = link(NATIVE.load(body), 1)
    for key in "abcde":
        evaluated(linked, key, context)  # compares them


@UNHURRIED
@given(documents, contexts)
def test_an_evaluation_is_explained_as_it_is_told(body: dict[str, Any], context: Context) -> None:
    client = FlagClient(body)
    for key in "abcde":
        trace = client.explain(key, context)
        assert trace.evaluation == client.details(key, None, context)
        assert str(trace).startswith(f"{key} = ")


@UNHURRIED
@given(documents, st.lists(contexts, max_size=5))
def test_flags_that_are_told_as_unchanged_mean_the_same(body: dict[str, Any], asked: list[Context]) -> None:
    before = link(NATIVE.load(document({})), 1)
    after = link(NATIVE.load(body), 2, before)
    again = link(NATIVE.load(body, after.flags), 3, after)
    assert again.flags == after.flags
    assert again.broken == after.broken
    for context in asked:
        for key in body["flags"]:
            one, other = Compiled(after, RUNTIME)[key](context), Compiled(again, RUNTIME)[key](context)
            assert (one.value, one.variant) == (other.value, other.variant)


@settings(UNHURRIED, max_examples=200)
@given(
    JSON | documents.flatmap(lambda body: st.fixed_dictionaries({key: JSON | st.just(body[key]) for key in body})),
    contexts,
)
def test_nothing_raises_whatever_the_document_is(body: Any, context: Context) -> None:
    client = FlagClient(body if isinstance(body, Mapping) else {"flags": body}, clock=ManualClock())
    for key in ["a", "b", "", *list(client.snapshot.value.flags)[:3]]:
        assert isinstance(client.boolean(key, True, context), bool)
        assert isinstance(client.string(key, "d", context), str)
        assert type(client.integer(key, 7, context)) is int
        assert type(client.float(key, 7.0, context)) is float
        json.dumps(client.object(key, {}, context))
        json.dumps(client.details(key, None, context).value)
        client.explain(key, context)
    client.all(context)


@UNHURRIED
@given(st.dictionaries(st.sampled_from(["n", "s", "l", "o", "gone"]) | st.text(max_size=5), JSON), documents)
def test_nothing_raises_whatever_the_context_is(attributes: dict[str, Any], body: dict[str, Any]) -> None:
    client = FlagClient(body)
    for key in body["flags"]:
        found = client.details(key, "d", Context("u", attributes))
        assert type(found.value) is str
        assert found.reason in Reason
        assert found.error_code is not ErrorCode.GENERAL
