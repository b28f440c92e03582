"""JSONLogic: each operator in a table worked out by hand, and nothing that one can write makes it raise."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lldkit.feature_flags.expression import OPERATORS, compile_expression, lookup, number, text, truthy

DATA = {
    "a": {"b": [10, {"c": "deep"}]},
    "age": 20,
    "name": "Ana",
    "empty": "",
    "null": None,
    "zero": 0,
    "numbers": [1, 2, 3],
    "no numbers": [],
}


def var(path: object) -> dict[str, object]:
    return {"var": path}


TABLE: list[tuple[Any, Any]] = [
    # what stands for itself
    (5, 5),
    ("text", "text"),
    ([1, var("age")], [1, 20]),
    ({}, {}),
    ({"two": 1, "names": 2}, {"two": 1, "names": 2}),
    # data
    (var("age"), 20),
    (var(["age"]), 20),
    (var("a.b.1.c"), "deep"),
    (var("a.b.0"), 10),
    (var("a.b.2"), None),
    (var("a.b.-1"), None),
    (var("age.x"), None),
    (var("name.0"), None),
    (var(["none", "default"]), "default"),
    (var(["null", "default"]), "default"),
    (var(["zero", 5]), 0),
    (var({"cat": ["a", "ge"]}), 20),
    ({"missing": ["age", "none", "empty", "null", "zero"]}, ["none", "empty", "null"]),
    ({"missing": [["none"]]}, ["none"]),
    ({"missing_some": [1, ["age", "none"]]}, []),
    ({"missing_some": [2, ["age", "none"]]}, ["none"]),
    # branches
    ({"if": [var("age"), "yes", "no"]}, "yes"),
    ({"if": [var("none"), "yes", "no"]}, "no"),
    ({"if": [False, 1, 0, 2, 3]}, 3),
    ({"if": [False, 1, True, 2, 3]}, 2),
    ({"if": [False, 1]}, None),
    ({"if": [7]}, 7),
    ({"if": []}, None),
    ({"?:": [True, 1, 2]}, 1),
    ({"and": [1, "x"]}, "x"),
    ({"and": [1, 0, "x"]}, 0),
    ({"or": [0, "", "x", "y"]}, "x"),
    ({"or": [0, ""]}, ""),
    ({"!": [[]]}, True),
    ({"!": "0"}, False),
    ({"!!": [{}]}, True),
    # equality
    ({"==": [1, "1"]}, True),
    ({"==": [0, False]}, True),
    ({"==": [None, 0]}, False),
    ({"==": [None, var("none")]}, True),
    ({"==": ["a", 0]}, False),
    ({"==": ["", 0]}, True),
    ({"!=": [1, 2]}, True),
    ({"===": [1, 1.0]}, True),
    ({"===": [1, "1"]}, False),
    ({"===": [1, True]}, False),
    ({"===": [True, True]}, True),
    ({"!==": [1, "1"]}, True),
    ({"==": [[1], [1]]}, True),
    # order
    ({"<": [1, 2]}, True),
    ({"<": [1, 2, 3]}, True),
    ({"<": [1, 3, 2]}, False),
    ({"<=": [1, 1, 2]}, True),
    ({">": ["10", 9]}, True),
    ({">": ["10", "9"]}, False),  # two texts, by their letters
    ({">=": [var("none"), 18]}, False),
    ({"<": [var("none"), 18]}, True),  # null is 0, as in JavaScript
    ({"<": ["x", 18]}, False),
    ({"<": [1]}, False),
    # texts and lists
    ({"in": ["An", var("name")]}, True),
    ({"in": [2, var("numbers")]}, True),
    ({"in": [True, var("numbers")]}, False),
    ({"in": ["2", var("numbers")]}, False),
    ({"in": [1, None]}, False),
    ({"in": [None, "None"]}, False),
    ({"cat": ["I am ", var("age"), " and ", 1.0, True, None, [1, 2]]}, "I am 20 and 1true1,2"),
    ({"substr": ["jsonlogic", 4]}, "logic"),
    ({"substr": ["jsonlogic", -5]}, "logic"),
    ({"substr": ["jsonlogic", 1, 3]}, "son"),
    ({"substr": ["jsonlogic", 4, -2]}, "log"),
    ({"substr": ["json", 9]}, ""),
    ({"merge": [[1, 2], 3, [[4]]]}, [1, 2, 3, [4]]),
    # arithmetic
    ({"+": [1, "2", 3.5]}, 6.5),
    ({"+": ["2"]}, 2),
    ({"-": [5, 2]}, 3),
    ({"-": 5}, -5),
    ({"*": [2, 3, 4]}, 24),
    ({"/": [7, 2]}, 3.5),
    ({"/": [1, 0]}, None),
    ({"%": [-7, 3]}, -1),
    ({"%": [1, 0]}, None),
    ({"max": [1, 3, "2"]}, 3),
    ({"min": [1, 3]}, 1),
    ({"max": [1, "x"]}, None),
    ({"max": []}, None),
    ({"+": ["1_0"]}, None),
    ({"*": [1e308, 10]}, None),
    # lists, each element in turn
    ({"map": [var("numbers"), {"*": [var(""), 2]}]}, [2, 4, 6]),
    ({"filter": [var("numbers"), {">": [var(""), 1]}]}, [2, 3]),
    ({"reduce": [var("numbers"), {"+": [var("current"), var("accumulator")]}, 10]}, 16),
    ({"reduce": [var("none"), {"+": [1]}, 10]}, 10),
    ({"all": [var("numbers"), {">": [var(""), 0]}]}, True),
    ({"all": [var("no numbers"), True]}, False),
    ({"some": [var("numbers"), {">": [var(""), 2]}]}, True),
    ({"none": [var("numbers"), {">": [var(""), 3]}]}, True),
    ({"none": [var("none"), True]}, True),
    ({"map": [var("name")]}, []),
    ({"map": [var("numbers")]}, [None, None, None]),
]


@pytest.mark.parametrize(("logic", "expected"), TABLE, ids=[json.dumps(row[0]) for row in TABLE])
def test_an_operator_gives(logic: Any, expected: Any) -> None:
    result = compile_expression(logic)(DATA)
    assert (result, type(result) is bool) == (expected, type(expected) is bool)


def test_the_tables_know_every_operator() -> None:
    written = json.dumps([logic for logic, _ in TABLE])
    assert [name for name in OPERATORS if f'{{"{name}": ' not in written] == []


def test_custom_operators_get_evaluated_arguments_and_the_data() -> None:
    double = compile_expression({"double": [var("age")]}, {"double": lambda arguments, data: (arguments, data["name"])})
    assert double(DATA) == ([20], "Ana")
    with pytest.raises(ValueError, match="there is no operator 'double'"):
        compile_expression({"double": 1})


def test_an_unknown_operator_is_refused_wherever_it_stands() -> None:
    with pytest.raises(ValueError, match="there is no operator 'maybe'"):
        compile_expression({"if": [True, 1, {"map": [[], {"maybe": []}]}]})


def test_a_branch_that_is_not_taken_is_not_looked_at() -> None:
    seen: list[object] = []
    operators = {"note": lambda arguments, _: seen.append(arguments)}
    compile_expression({"if": [True, 1, {"note": 2}]}, operators)(None)
    compile_expression({"or": [1, {"note": 2}]}, operators)(None)
    compile_expression({"and": [0, {"note": 2}]}, operators)(None)
    assert seen == []


def test_nesting_has_a_limit() -> None:
    logic: Any = True
    for _ in range(64):
        logic = {"!": logic}
    assert compile_expression(logic)(None) is True
    with pytest.raises(ValueError, match="nested at most 64 deep"):
        compile_expression({"!": logic})


def test_read_only_documents_and_contexts_are_read_as_plain_ones() -> None:
    assert compile_expression({"in": ({"var": ("x.0",)}, (1, 2))})({"x": (2,)}) is True


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=2),
    max_leaves=6,
)
EAGER = sorted(OPERATORS)
NAMES = [*EAGER, "if", "and", "or", "map", "filter", "reduce", "all", "some", "none"]
LOGIC = st.recursive(
    JSON | st.sampled_from([var("a"), var("a.b"), var("")]),
    lambda inner: st.builds(
        lambda name, arguments: {name: arguments}, st.sampled_from(NAMES), st.lists(inner, max_size=4) | inner
    ),
    max_leaves=12,
)


@UNHURRIED
@given(LOGIC, JSON)
def test_nothing_makes_an_expression_raise(logic: Any, data: Any) -> None:
    try:
        evaluate = compile_expression(logic)
    except ValueError:  # data with one name in it looks like an operation
        return
    evaluate(data)


@UNHURRIED
@given(JSON)
def test_values_are_read_without_raising(value: Any) -> None:
    assert isinstance(truthy(value), bool)
    assert isinstance(text(value), str)
    assert isinstance(number(value), float)
    lookup(value, text(value))


def test_numbers_are_read_from_texts_as_json_writes_them() -> None:
    assert [number(value) for value in (" 12 ", "-1.5e2", ".5", "", None, True)] == [12, -150, 0.5, 0, 0, 1]
    assert all(math.isnan(number(value)) for value in ("nan", "inf", "1_0", "x", "\u0661", [1]))
    assert number(10**400) == math.inf
