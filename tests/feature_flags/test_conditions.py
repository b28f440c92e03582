"""Operators: what each says of each kind of value, worked out by hand, through both engines."""

import sys
from types import FrameType
from typing import Any

import pytest

from feature_flags.helpers import rules_of, served, when
from lldkit.feature_flags import Context
from lldkit.feature_flags.conditions import OPERATORS, instant, operator
from lldkit.feature_flags.model import Dialect

GONE = object()
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    -2.5,
    "",
    "1",
    "a",
    [],
    ["a"],
    [[1]],
    {},
    {"a": 1},
    [None],
    10**400,
]


def holds(op: str, value: Any, seen: Any, **more: Any) -> bool:
    context = Context("u") if seen is GONE else Context("u", a=seen)
    return served({"attr": "a", "op": op, "value": value, **more}, context)


@pytest.mark.parametrize(
    ("op", "value", "yes", "no"),
    [
        ("exists", True, [0, "", False, [], {}], [GONE, None]),
        ("exists", None, ["x"], [GONE]),
        ("exists", False, [GONE, None], [0, ""]),
        ("eq", "SE", ["SE"], ["se", "S", ["SE"], GONE]),
        ("eq", 1, [1, 1.0], [True, "1", 2, [1]]),
        ("eq", 1.0, [1, 1.0], [True]),
        ("eq", True, [True], [1, 1.0, "true", False]),
        ("eq", False, [False], [0, 0.0, "", None, GONE]),
        ("eq", 0, [0, 0.0, -0.0], [False, "", None]),
        ("in", ["a", 1], ["a", 1, 1.0], [True, "1", ["a"], {"a": 1}, GONE]),
        ("in", [True], [True], [1, "True"]),
        ("in", [], [], ["a", 1, None, GONE]),
        ("lt", 5, [4, 4.9, -1], [5, 6, True, "4", None]),
        ("lte", 5, [5, 5.0], [5.1]),
        ("gt", 0, [1, 0.1, 10**400], [0, True, "1"]),
        ("gte", 2.5, [2.5, 3], [2, float("nan")]),
        ("contains", "ell", ["hello", "ell"], ["help", ["ell"], 1]),
        ("contains", ["x", "ell"], ["hello", "xyz"], ["help"]),
        ("starts_with", "he", ["hello"], ["ohe", "H"]),
        ("ends_with", ["lo", "la"], ["hello", "la"], ["log"]),
        ("matches", "^a+[[:digit:]]$", ["aa1"], ["a", "b1", 1]),
        ("before", "2026-01-01T00:00:00Z", ["2025-12-31T23:59:59.9Z", 0], ["2026-01-01T00:00:00Z", "2026-01-01"]),
        ("after", "2026-01-01T00:00:00+02:00", ["2025-12-31T22:00:01Z", 1767218401000], ["2025-12-31T22:00:00Z"]),
        ("after", 0, [1, "1970-01-01T00:00:00.001Z"], [0, -1, "1970-01-01T00:00:00Z"]),
        ("semver_eq", "1.0.0", ["1.0.0", "1.0.0+build"], ["1.0", "v1.0.0", "1.0.0-rc.1", 1]),
        ("semver_lt", "1.0.0", ["0.9.9", "1.0.0-rc.10", "1.0.0-1"], ["1.0.0", "1.0", ""]),
        ("semver_lte", "1.0.0", ["1.0.0"], ["1.0.1"]),
        ("semver_gt", "1.0.0-rc.9", ["1.0.0-rc.10", "1.0.0-rc.a", "99999999999999999999.0.0"], ["1.0.0-1"]),
        ("semver_gte", "1.2.3", ["1.2.3", "1.10.0"], ["1.2.2"]),
        ("semver_caret", "1.2.3", ["1.2.3", "1.99.0"], ["1.2.2", "2.0.0", "2.0.0-alpha"]),
        ("semver_caret", "0.2.3", ["0.2.9"], ["0.3.0", "0.2.2", "1.2.3"]),
        ("semver_caret", "0.0.3", ["0.0.3"], ["0.0.4"]),
        ("semver_tilde", "1.2.3", ["1.2.9"], ["1.3.0", "1.2.2"]),
        ("cidr", "10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "10.1.2", "", 10, "2001:db8::1"]),
        ("cidr", ["2001:db8::/32", "192.168.1.7"], ["2001:db8::1", "192.168.1.7"], ["192.168.1.8", "2001:db9::1"]),
        ("has", "admin", [["admin", "x"]], [["x"], [], "admin", GONE]),
        ("has", 1, [[1], [1.0]], [[True], ["1"], 1]),
        ("has_any", ["a", "b"], [["b", "c"]], [["c"], [], "a"]),
        ("has_any", [], [], [["a"], []]),
        ("has_all", ["a", "b"], [["b", "a", "c"]], [["a"], "ab"]),
        ("has_all", [], [["x"], []], ["x", GONE]),
    ],
)  # fmt: skip
def test_an_operator_says_yes_and_no_where_it_must(op: str, value: Any, yes: list[Any], no: list[Any]) -> None:
    assert [seen for seen in yes if not holds(op, value, seen)] == []
    assert [seen for seen in no if holds(op, value, seen)] == []


@pytest.mark.parametrize(
    ("op", "value", "seen"),
    [
        ("eq", "Straße", "STRASSE"),
        ("in", ["A"], "a"),
        ("contains", "ELL", "hello"),
        ("starts_with", "HE", "hello"),
        ("ends_with", "LO", "Hello"),
        ("matches", "h.l", "HELLO"),
        ("has", "ADMIN", ["Admin"]),
    ],
)
def test_case_is_ignored_only_when_asked(op: str, value: Any, seen: Any) -> None:
    assert holds(op, value, seen, ignore_case=True)
    assert not holds(op, value, seen)


@pytest.mark.parametrize("op", sorted(OPERATORS))
def test_no_value_of_an_attribute_makes_an_operator_raise(op: str) -> None:
    values = {"cidr": "10.0.0.0/8", "exists": True, "matches": "a", "before": 0, "after": 0}
    texts = ("contains", "starts_with", "ends_with")
    default: Any = "1.0.0" if op.startswith("semver") else "a" if op in texts else 1
    value = values.get(op, [1, True, "a"] if op in ("in", "has_any", "has_all") else default)
    for seen in ODD_VALUES:
        assert holds(op, value, seen) in (True, False)


def test_a_missing_attribute_is_false_and_true_under_not_and_exists_tells_them_apart() -> None:
    clause = {"attr": "gone", "op": "eq", "value": "x"}
    assert not served(clause)
    assert served({"not": clause})
    assert not served({"all": [{"attr": "gone", "op": "exists"}, {"not": clause}]})
    assert served({"not": {"attr": "a", "op": "lt", "value": 5}}, Context(a="four"))


@pytest.mark.parametrize(
    ("op", "value"),
    [
        ("before", "2026-01-01"),
        ("after", "2026-01-01T00:00:00"),
        ("semver_gt", "1.0"),
        ("semver_eq", "v1.0.0"),
        ("cidr", "10.0.0.0/33"),
        ("cidr", ["10.0.0.1", "x"]),
        ("matches", "(?=a)"),
        ("matches", r"(a)\1"),
        ("matches", "("),
    ],
)
def test_a_value_that_makes_no_sense_is_false_even_under_not_and_a_problem(op: str, value: Any) -> None:
    clause = {"attr": "a", "op": op, "value": value}
    for condition in (clause, {"not": clause}, {"not": {"not": clause}}):
        assert not served(condition, Context(a="aa"))
    assert not served({"not": {"segment": "s"}}, Context(a="aa"), segments={"s": clause})
    rules = rules_of({"f": when(clause)})
    assert [(each.key, each.path, each.fatal) for each in rules.problems] == [
        ("f", "flags.f.rules[0].when.value", False)
    ]


def test_senseless_clauses_spoil_only_what_depends_on_them() -> None:
    odd, yes = {"attr": "a", "op": "matches", "value": "("}, {"attr": "a", "op": "eq", "value": "x"}
    context = Context(a="x")
    assert served({"any": [odd, yes]}, context)
    assert not served({"all": [odd, yes]}, context)
    assert served({"not": {"all": [odd, {"not": yes}]}}, context)
    assert not served({"not": {"any": [odd, {"not": yes}]}}, context)


def test_empty_all_is_true_and_empty_any_is_false() -> None:
    assert served({"all": []})
    assert not served({"any": []})
    assert served({"not": {"any": []}})
    assert served(True)
    assert not served(False)


def test_nested_attributes_segments_and_flags_can_be_asked_for() -> None:
    context = Context("u-1", company={"plan": {"name": "pro"}})
    assert served({"attr": "company.plan.name", "op": "eq", "value": "pro"}, context)
    assert served({"attr": "targeting_key", "op": "starts_with", "value": "u-"}, context)
    segments = {"inner": {"attr": "company.plan.name", "op": "eq", "value": "pro"}, "outer": {"segment": "inner"}}
    assert served({"segment": "outer"}, context, segments=segments)
    assert not served({"segment": "nowhere"}, context)
    assert not served({"not": {"segment": "nowhere"}}, context)


def test_an_expression_is_a_condition() -> None:
    condition = {"expression": {">": [{"var": "build"}, 12]}}
    assert served(condition, Context(build=13))
    assert not served(condition, Context(build=12))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01.5z", 1.5),
        ("1970-01-01 02:00:00+02:00", 0),
        ("1969-12-31T23:59:59-00:00", -1),
        ("1970-W01-4T00:00:00Z", None),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01T00:00:60Z", None),
        ("1970-02-30T00:00:00Z", None),
        ("1970-01-01", None),
        ("1970-01-01T00:00:00Z ", None),
        ("١٩٧٠-01-01T00:00:00Z", None),
    ],
)
def test_dates_are_those_of_rfc_3339(text: str, seconds: float | None) -> None:
    assert instant(text) == seconds


def test_coercion_is_a_dialect() -> None:
    texts = Dialect(coercion="text")
    assert operator("in", ["12"], texts)(12)
    assert operator("gte", "12", texts)("12.5")
    assert not operator("gte", 12)("12.5")
    assert not operator("gt", 1, texts)("many")
    assert instant("2026-01-01T00:00:00", Dialect(dates="iso8601")) == instant("2026-01-01T00:00:00Z")


def events_of(test: Any, value: Any) -> int:
    """How many calls and lines the interpreter goes through."""
    count = 0

    def trace(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        test(value)
    finally:
        sys.settrace(before)
    return count


def test_a_long_list_costs_no_more_than_a_short_one() -> None:
    short, long = (operator("in", [f"user-{n}" for n in range(size)]) for size in (10, 10_000))
    assert events_of(long, "user-9999") == events_of(short, "user-9") < 20
