"""Comparing and changing documents, and what layers make of nested mappings."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.helpers import Pair, of_tree, problems, value
from lldkit.config import MISSING, Changed, Config, Values, apply_changes, diff_documents
from lldkit.config.merge import same

keys = st.text(alphabet="ab./~", max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.just(1.0) | st.text(alphabet="a", max_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(keys, json_values, max_size=4)


@given(documents, documents)
@settings(deadline=None)
def test_the_changes_lead_from_any_document_to_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = apply_changes(before, diff_documents(before, after))
    assert same(changed, after)
    assert diff_documents(after, after) == ()


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"a": 1}, {"a": True}, Changed(("a",), 1, True)),
        ({"a": None}, {}, Changed(("a",), None, MISSING)),
        ({}, {"a.b": ""}, Changed(("a.b",), MISSING, "")),
        ({"a": {"": 0}}, {"a": {"": False}}, Changed(("a", ""), 0, False)),
        ({"a": [1]}, {"a": {}}, Changed(("a",), [1], {})),
        ({"a": {"b": 1}}, {"a": {}}, Changed(("a", "b"), 1, MISSING)),
    ],
)
def test_a_change_names_the_key_and_both_values(before: Any, after: Any, change: Changed) -> None:
    assert diff_documents(before, after) == (change,)
    assert same(apply_changes(before, [change]), after)


def test_a_change_inside_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match="a mapping with 'b', got a int"):
        apply_changes({"a": 1}, [Changed(("a", "b"), MISSING, 1)])


def test_mappings_merge_and_all_else_replaces() -> None:
    low, high = Values({"a": 1, "b": 2}), Values({"b": 3})
    assert value(Pair, low, high) == Pair(1, 3)


def test_none_removes_what_is_below_and_the_default_returns() -> None:
    assert value(Pair, Values({"a": 1, "b": 2}), Values({"a": None})) == Pair(0, 2)
    assert value(Pair, Values({"a": 1}), Values({"a": None}), Values({"a": 5})) == Pair(5, 0)


def test_what_leaves_an_upper_layer_lets_the_lower_one_be_seen() -> None:
    upper: dict[str, object] = {"a": 2}
    config = Config(Pair, layers=[Values({"a": 1}), Values(upper)])
    assert config.current.a == 2
    del upper["a"]
    config.reload()
    assert config.current.a == 1


def test_a_single_value_over_a_section_names_both_layers_and_places() -> None:
    from config.helpers import REQUIRED, App

    low, high = Values({"pool": {"size": 3}}, name="low"), Values({"pool": 3}, name="high")
    for first, second in ((low, high), (high, low)):
        (found,) = problems(App, REQUIRED, first, second)
        assert found.kind == "merge_conflict"
        assert found.path == "pool"
        assert "low (low)" in found.message
        assert "high (high)" in found.message


def test_values_are_the_program_s_own() -> None:
    assert of_tree(Pair, {"a": 4}) == Pair(4, 0)


def test_numbers_of_other_types_are_a_change_wherever_they_lie() -> None:
    for before, after in (([1], [True]), ([{"a": 1}], [{"a": 1.0}]), ([1], [1, 1])):
        assert [each.path for each in diff_documents({"k": before}, {"k": after})] == [("k",)]
    assert diff_documents({"k": [1, {"a": [2]}]}, {"k": (1, {"a": (2,)})}) == ()


def test_none_removes_a_clash_that_is_below_it_too() -> None:
    from config.helpers import REQUIRED, App

    section, number, nothing = Values({"pool": {"size": 3}}), Values({"pool": 3}), Values({"pool": None})
    assert value(App, REQUIRED, section, number, nothing) == value(App, REQUIRED)
    assert len(problems(App, REQUIRED, nothing, section, number)) == 1
