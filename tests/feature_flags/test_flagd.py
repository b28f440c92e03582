"""flagd's documents: which are malformed, and what targeting and its operators make of a context."""

from typing import Any

import pytest

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.feature_flags import EMPTY, FLAGD, Context, ErrorCode, Evaluation, FlagClient, Reason
from lldkit.feature_flags.bucketing import murmur3_32


def test_malformed_documents_are_found_and_only_they(vectors: Vectors) -> None:
    cases = vectors.json("flagd-schemas", "documents.json")
    assert (len(cases), sum(case["valid"] for case in cases)) == (17, 9)
    for case in cases:
        problems = FlagClient(case["document"], format=FLAGD).problems
        assert (not problems) is case["valid"], (case["name"], problems)


def test_every_valid_document_is_evaluated(vectors: Vectors) -> None:
    cases = [case for case in vectors.json("flagd-schemas", "documents.json") if case["valid"]]
    for case in cases:
        flags = FlagClient(case["document"], format=FLAGD)
        bodies = case["document"]["flags"]
        for key in bodies if isinstance(bodies, dict) else [body["key"] for body in bodies]:
            assert flags.details(key, None).error_code is None


def served(
    targeting: Any, context: Context = EMPTY, clock: ManualClock | None = None, **more: Any
) -> Evaluation[object]:
    """What a flag of four variants with this targeting is for a context."""
    variants = {name: name.upper() for name in ("red", "blue", "true", "false")}
    flag = {"state": "ENABLED", "variants": variants, "defaultVariant": "red", "targeting": targeting, **more}
    document = {"flags": {"flag": flag}, "$evaluators": {"adult": {">=": [{"var": "age"}, 18]}}}
    return FlagClient(document, format=FLAGD, clock=clock or ManualClock()).details("flag", None, context)


def variant(targeting: Any, context: Context = EMPTY) -> str | None:
    found = served(targeting, context)
    assert found.error_code is None
    return found.variant if found.reason == Reason.TARGETING_MATCH else None


def test_without_targeting_a_flag_is_static() -> None:
    nothing: list[Any] = [{}, None]
    for targeting in nothing:
        found = served(targeting)
        assert (found.value, found.variant, found.reason) == ("RED", "red", Reason.STATIC)


def test_a_disabled_flag_leaves_the_value_to_the_caller() -> None:
    found = served({}, state="DISABLED")
    assert (found.value, found.variant, found.reason) == (None, None, Reason.DISABLED)


def test_null_is_the_default_variant_or_what_the_caller_says() -> None:
    found = served({"if": [False, "blue"]})
    assert (found.variant, found.reason, found.error_code) == ("red", Reason.DEFAULT, None)
    found = served({"if": [False, "blue"]}, defaultVariant=None)
    assert (found.variant, found.reason, found.error_code) == (None, Reason.DEFAULT, None)


def test_a_reference_stands_for_its_evaluator() -> None:
    targeting = {"if": [{"$ref": "adult"}, "blue", "red"]}
    assert variant(targeting, Context(age=18)) == "blue"
    assert variant(targeting, Context(age=17)) == "red"


def test_true_and_false_name_variants() -> None:
    assert variant({"$ref": "adult"}, Context(age=18)) == "true"
    assert variant({"$ref": "adult"}) == "false"


@pytest.mark.parametrize("targeting", [{"maybe": []}, {"if": [{"$ref": "nobody"}, "red"]}])
def test_an_unknown_operator_or_reference_is_a_parse_error(targeting: Any) -> None:
    found = served(targeting)
    assert (found.reason, found.error_code) == (Reason.ERROR, ErrorCode.PARSE_ERROR)


def test_references_in_a_circle_are_a_parse_error() -> None:
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"$ref": "a"}}
    document = {"flags": {"flag": flag}, "$evaluators": {"a": {"!": {"$ref": "b"}}, "b": {"$ref": "a"}}}
    assert FlagClient(document, format=FLAGD).details("flag", None).error_code is ErrorCode.PARSE_ERROR


def test_references_that_double_and_double_are_a_parse_error() -> None:
    evaluators: dict[str, Any] = {f"e{n}": {"and": [{"$ref": f"e{n + 1}"}] * 2} for n in range(18)}
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"$ref": "e0"}}
    document = {"flags": {"flag": flag}, "$evaluators": {**evaluators, "e18": True}}
    found = FlagClient(document, format=FLAGD).details("flag", None)
    assert found.error_code is ErrorCode.PARSE_ERROR
    assert "at most 10000 parts" in str(found.error_message)


@pytest.mark.parametrize("result", ["green", 1, ["red"], {"a": 1, "b": 2}])
def test_a_result_that_is_no_variant_is_a_general_error(result: Any) -> None:
    found = served({"if": [True, result]})
    assert (found.value, found.reason, found.error_code) == (None, Reason.ERROR, ErrorCode.GENERAL)


def test_the_flag_and_the_time_are_in_the_data() -> None:
    clock = ManualClock()
    now = int(clock.now().timestamp())
    targeting = {"if": [{"===": [{"var": "$flagd.timestamp"}, now]}, "blue", "red"]}
    assert served(targeting, clock=clock).variant == "blue"
    assert variant({"if": [{"===": [{"var": "$flagd.flagKey"}, "flag"]}, "blue", "red"]}) == "blue"
    assert variant({"if": [{"===": [{"var": "targetingKey"}, "ana"]}, "blue", "red"]}, Context("ana")) == "blue"


BUCKETS = [["red", 1], ["blue", 2]]


@pytest.mark.parametrize("unit", [f"user-{i}" for i in range(30)])
def test_fractional_scales_the_hash_to_the_weights(unit: str) -> None:
    def bucket(text: str) -> str:
        return "red" if murmur3_32(text.encode()) * 3 // 2**32 == 0 else "blue"

    assert variant({"fractional": BUCKETS}, Context(unit)) == bucket("flag" + unit)
    assert variant({"fractional": [{"var": "email"}, *BUCKETS]}, Context("other", email=unit)) == bucket(unit)
    assert variant({"fractional": [["red"], ["blue", {"+": [1, 1]}]]}, Context(unit)) == bucket("flag" + unit)


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            [],
            ["text"],
            ["red", "blue"],
            [["red", "1"]],
            [["red", -1]],
            [["red", 1.5]],
            [["red", True]],
            [[]],
            [["red", 0]],
        ),
        *([["red", 2**30], ["blue", 2**30]], [{"var": "missing"}, *BUCKETS], 5),
    ],
)
def test_fractional_of_nonsense_is_null(arguments: Any) -> None:
    assert variant({"fractional": arguments}, Context("ana")) is None


def test_fractional_without_a_unit_is_null() -> None:
    assert variant({"fractional": BUCKETS}) is None


SEM_VER: list[tuple[tuple[Any, Any, Any], bool | None]] = [
    (("1.2.3", "=", "v1.2.3"), True),
    (("1.2.3", "!=", "1.2.4"), True),
    (("1.2", "=", "1.2.0"), True),
    ((1, "<", "1.0.1"), True),
    ((1.5, ">=", "1.5.0"), True),
    (("1.2.3-beta", "<", "1.2.3"), True),
    (("1.2.3", "<=", "1.2.2"), False),
    (("2.0.0", ">", "10.0.0"), False),
    (("1.9.9", "^", "1.0.0"), True),
    (("2.0.0", "^", "1.0.0"), False),
    (("1.2.9", "~", "1.2.0"), True),
    (("1.3.0", "~", "1.2.0"), False),
    (("x", "=", "1.0.0"), None),
    (("1.0.0", "==", "1.0.0"), None),
    ((True, "=", "1.0.0"), None),
    ((None, "^", "1.0.0"), None),
    (("1.0.0", [], "1.0.0"), None),
]


@pytest.mark.parametrize(("arguments", "expected"), SEM_VER, ids=str)
def test_sem_ver_compares(arguments: tuple[Any, Any, Any], expected: bool | None) -> None:
    names = {True: "true", False: "false", None: None}
    assert variant({"sem_ver": [{"var": "version"}, *arguments[1:]]}, Context(version=arguments[0])) == names[expected]


def test_texts_are_compared_at_their_ends() -> None:
    ana = Context(email="ana@example.com")
    email = {"var": "email"}
    assert variant({"starts_with": [email, "ana"]}, ana) == variant({"ends_with": [email, ".com"]}, ana) == "true"
    assert variant({"starts_with": [email, "bob"]}, ana) == variant({"ends_with": [email, ".org"]}, ana) == "false"
    for nonsense in ([email, "x"], ["x", 1], ["x"], ["x", "x", "x"], []):
        assert variant({"starts_with": nonsense}) is None
        assert variant({"ends_with": nonsense}) is None


def test_one_malformed_flag_keeps_no_other_from_working() -> None:
    good = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    others: list[Any] = [{**good, "state": 1}, {**good, "variants": []}, {**good, "defaultVariant": "off"}]
    for bad in (None, 5, [], {}, *others):
        flags = FlagClient({"flags": {"good": good, "bad": bad}}, format=FLAGD)
        assert flags.details("good", False).value is True
        assert flags.details("bad", False).error_code is ErrorCode.PARSE_ERROR
        assert [problem.key for problem in flags.problems] == ["bad"]


def test_a_member_of_a_list_of_flags_without_a_key_concerns_no_other() -> None:
    good = {"key": "good", "state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    for bad in ({**good, "key": None}, {"state": "ENABLED"}, "good"):
        flags = FlagClient({"flags": [good, bad]}, format=FLAGD)
        assert flags.boolean("good", False) is True
        assert [(problem.key, problem.fatal) for problem in flags.problems] == [("", False)]
