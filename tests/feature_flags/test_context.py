"""Contexts: copied once, frozen, merged, and looked into by path."""

import pickle
from enum import Enum, StrEnum

import pytest

from lldkit.feature_flags import EMPTY, Context, JsonValue


def test_changing_what_was_given_changes_nothing() -> None:
    roles: list[JsonValue] = ["admin"]
    company: dict[str, JsonValue] = {"id": 1}
    context = Context("u", {"roles": roles, "company": company})
    roles.append("root")
    company["id"] = 2
    assert context.attributes["roles"] == ("admin",)
    assert context.find(("company", "id")) == 1


def test_a_context_cannot_change() -> None:
    context = Context("u", a={"b": 1})
    with pytest.raises(AttributeError, match="cannot change"):
        context.targeting_key = "v"
    with pytest.raises(AttributeError):
        del context.attributes
    with pytest.raises(TypeError):
        context.attributes["a"]["b"] = 2


def test_the_other_one_wins_when_two_are_merged() -> None:
    low, high = Context("low", a=1, b=1), Context(b=2, c=2)
    assert low.merged(high) == Context("low", a=1, b=2, c=2)
    assert low.merged(Context("high")).targeting_key == "high"
    assert EMPTY.merged(low) == low


def test_the_targeting_key_is_found_like_an_attribute() -> None:
    assert Context("u").find(("targeting_key",)) == "u"
    assert Context().find(("targeting_key",)) is None


def test_a_path_that_leads_nowhere_finds_none() -> None:
    context = Context(a={"b": {"c": 0}}, text="t")
    assert context.find(("a", "b", "c")) == 0
    assert context.find(("a", "x", "c")) is None
    assert context.find(("text", "b")) is None


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": b"x"}, [set()]])
def test_what_is_no_json_is_refused_by_the_name_of_the_attribute(value: JsonValue) -> None:
    with pytest.raises(TypeError, match="'odd'"):
        Context("u", odd=value)


def test_a_targeting_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="targeting_key must be a str or None, got 42"):
        Context(42)  # type: ignore[arg-type]


def test_members_of_enumerations_are_what_they_are_made_of() -> None:
    class Country(StrEnum):
        SE = "SE"

    class Size(int, Enum):
        BIG = 9

    context = Context("u", country=Country.SE, size=Size.BIG)
    assert type(context.attributes["country"]) is str
    assert type(context.attributes["size"]) is int


def test_endless_nesting_is_refused() -> None:
    deep: JsonValue = []
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper than 64"):
        Context("u", deep=deep)


def test_a_context_survives_a_trip_to_another_process() -> None:
    context = Context("u", a=[1, {"b": None}])
    assert pickle.loads(pickle.dumps(context)) == context
