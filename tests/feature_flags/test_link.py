"""Versions: last good flags, circles, references that lead nowhere, and what a change changes."""

from typing import Any

import pytest

from feature_flags.helpers import document, evaluated, flag, rules_of, when
from lldkit.feature_flags import ErrorCode
from lldkit.feature_flags.link import EMPTY_RULES, changed_keys, link
from lldkit.feature_flags.model import RuleSet
from lldkit.feature_flags.parse import NATIVE


def needs(*keys: str) -> dict[str, Any]:
    return flag(prerequisites=[{"flag": key, "variants": ["on"]} for key in keys], serve="on")


def ring(size: int) -> dict[str, Any]:
    return {f"f{n}": needs(f"f{(n + 1) % size}") for n in range(size)}


@pytest.mark.parametrize("size", [1, 2, 3, 200])
def test_all_on_a_circle_say_so_with_the_way(size: int) -> None:
    rules = rules_of({**ring(size), "outside": needs("f0"), "fine": flag(serve="on")})
    for n in range(size):
        found = evaluated(rules, f"f{n}")
        assert found.error_code is ErrorCode.PARSE_ERROR
        way = (found.error_message or "").removeprefix("cycle: ").split(" -> ")
        assert way == [f"f{(n + step) % size}" for step in range(size + 1)]
    assert evaluated(rules, "outside").reason == "PREREQUISITE_FAILED"
    assert evaluated(rules, "fine").value is True
    assert {problem.fatal for problem in rules.problems} == {False}


def test_circles_through_conditions_and_segments_are_circles() -> None:
    through_condition = rules_of({"a": when({"not": {"flag": "b", "variants": ["on"]}}), "b": needs("a")})
    assert set(through_condition.broken) == {"a", "b"}
    through_segment = rules_of(
        {"a": when({"segment": "s"})}, segments={"s": {"any": [{"flag": "a", "variants": ["on"]}]}}
    )
    assert through_segment.broken == {"a": "cycle: a -> segment s -> a"}
    of_segments = rules_of(
        {"a": when({"segment": "s"}), "b": flag()}, segments={"s": {"segment": "t"}, "t": {"segment": "s"}}
    )
    assert list(of_segments.broken) == ["a"]
    assert "segment s -> segment t -> segment s" in of_segments.broken["a"]


def test_a_chain_without_a_circle_is_no_circle_however_long() -> None:
    long = {f"f{n}": needs(f"f{n + 1}") for n in range(60)} | {"f60": flag(serve="on")}
    assert evaluated(rules_of(long), "f0").value is True


def test_too_many_flags_upon_each_other_are_refused_before_the_stack_ends() -> None:
    rules = rules_of({f"f{n}": needs(f"f{n + 1}") for n in range(2_000)} | {"f2000": flag(serve="on")})
    assert evaluated(rules, "f0").error_code is ErrorCode.PARSE_ERROR
    assert evaluated(rules, "f1999").value is True


def after(before: RuleSet, flags: dict[str, Any], **more: Any) -> RuleSet:
    return link(NATIVE.load(document(flags, **more), before.flags), before.version + 1, before)


def test_a_malformed_flag_stays_as_it_was_and_a_new_one_is_absent() -> None:
    before = rules_of({"f": flag(serve="on"), "g": flag()})
    now = after(before, {"f": {"type": "boolean"}, "g": flag(serve="on"), "new": {"type": "moon"}})
    assert evaluated(now, "f").value is True
    assert evaluated(now, "g").value is True
    assert evaluated(now, "new").error_code is ErrorCode.PARSE_ERROR
    assert "new" not in now.flags


def test_a_malformed_segment_stays_as_it_was() -> None:
    flags = {"f": when({"segment": "s"})}
    before = rules_of(flags, segments={"s": True})
    assert evaluated(after(before, flags, segments={"s": {"attr": 3}}), "f").value is True
    assert evaluated(after(before, flags), "f").value is False


def test_a_malformed_document_changes_nothing() -> None:
    before = rules_of({"f": flag(serve="on")})
    bodies: list[dict[str, Any]] = [{"flags": []}, {"flags": {}, "schema": "other/1"}, {"flags": {}, "surprise": 1}]
    for body in bodies:
        assert link(NATIVE.load(body), 2, before) is before


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"serve": "on"}, {"base", "child", "through", "grand"}),
        ({}, set()),
        ({"variants": {"on": True, "off": False, "more": True}}, {"base", "child", "through", "grand"}),
    ],
)
def test_a_change_changes_those_that_need_it(edit: dict[str, Any], changed: set[str]) -> None:
    flags = {
        "base": flag(),
        "child": needs("base"),
        "through": when({"segment": "s"}),
        "grand": needs("child"),
        "apart": flag(),
    }
    segments = {"s": {"flag": "base", "variants": ["on"]}}
    before = rules_of(flags, segments=segments)
    now = after(before, {**flags, "base": flag(**edit)}, segments=segments)
    assert changed_keys(before, now) == changed


def test_a_changed_segment_changes_its_users() -> None:
    flags = {"f": when({"segment": "outer"}), "apart": flag()}
    before = rules_of(flags, segments={"outer": {"segment": "inner"}, "inner": True})
    now = after(before, flags, segments={"outer": {"segment": "inner"}, "inner": False})
    assert changed_keys(before, now) == {"f"}
    assert changed_keys(EMPTY_RULES, before) == {"f", "apart"}


def test_a_one_that_becomes_true_is_a_change() -> None:
    one = {"type": "object", "variants": {"v": [1]}, "serve": "v"}
    before = rules_of({"f": one})
    assert changed_keys(before, after(before, {"f": {**one, "variants": {"v": [True]}}})) == {"f"}


def test_a_removed_flag_is_a_change_for_those_that_need_it() -> None:
    before = rules_of({"base": flag(serve="on"), "child": needs("base")})
    now = after(before, {"child": needs("base")})
    assert changed_keys(before, now) == {"base", "child"}
    assert evaluated(now, "child").reason == "PREREQUISITE_FAILED"


def test_a_flag_that_is_the_same_is_not_parsed_again() -> None:
    before = rules_of({"f": flag(), "g": flag()})
    now = after(before, {"f": flag(), "g": flag(serve="on")})
    assert now.flags["f"] is before.flags["f"]
    assert now.flags["g"] is not before.flags["g"]
