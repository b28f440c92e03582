"""Unleash's documents: the cases of its client specification, and what they leave open."""

from random import Random
from typing import Any

import pytest

from conftest import Vectors
from lldkit.feature_flags import EMPTY, UNLEASH, Context, FlagClient
from lldkit.feature_flags.bucketing import murmur3_32

FILES = {
    "01-simple-examples": 5,
    "02-user-with-id-strategy": 5,
    "03-gradual-rollout-user-id-strategy": 6,
    "05-gradual-rollout-random-strategy": 4,
    "06-remote-address-strategy": 6,
    "08-variants": 17,
    "09-strategy-constraints": 17,
    "10-flexible-rollout-strategy": 10,
    "13-constraint-operators": 46,
    "17-dependent-features": 20,
    "19-delta-api-hydration": 1,
    "21-regex-constraint-operators": 14,
}
NO_VARIANT: Any = {"name": "disabled", "enabled": False, "feature_enabled": False}


def context_of(case: dict[str, Any]) -> Context:
    given = dict(case["context"])
    return Context(given.pop("userId", None), given.pop("properties", {}), **given)


@pytest.mark.parametrize("file", FILES)
def test_decisions_are_those_of_the_client_specification(vectors: Vectors, file: str) -> None:
    suite = vectors.json("unleash", f"{file}.json")
    flags = FlagClient(suite["state"], format=UNLEASH)
    toggles, variants = suite.get("tests", []), suite.get("variantTests", [])
    assert len(toggles) + len(variants) == FILES[file]
    for case in toggles:
        found = flags.details(case["toggleName"], False, context_of(case))
        assert found.value is case["expectedResult"], (case, found)
    for case in variants:
        found = flags.details(f"{case['toggleName']}#variant", NO_VARIANT, context_of(case))
        assert found.value == case["expectedResult"], (case, found)


def test_the_specification_has_all_of_its_cases() -> None:
    assert (len(FILES), sum(FILES.values())) == (12, 151)


# --- what the specification leaves open, each worked out by hand -----------------------------------------------------


def toggle(*strategies: Any, name: str = "f", **more: Any) -> dict[str, Any]:
    return {"name": name, "enabled": True, "strategies": list(strategies), **more}


def strategy(*constraints: Any, **more: Any) -> dict[str, Any]:
    return {"name": "default", "constraints": list(constraints), **more}


def constraint(field: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"contextName": field, "operator": operator, "value": value, "values": value, **more}


def is_on(*strategies: Any, context: Context = EMPTY, **state: Any) -> bool:
    found = FlagClient({"features": [toggle(*strategies)], **state}, format=UNLEASH).details("f", False, context)
    assert found.error_code is None
    return found.value


@pytest.mark.parametrize(
    ("operator", "value"),
    [("REGEX", "(?=a)"), ("REGEX", "a("), ("SEMVER_GT", "1.0"), ("DATE_AFTER", "soon"), ("NUM_GT", "many"), ("NEW", 1)],
)
def test_a_constraint_that_makes_no_sense_lets_nobody_in_inverted_or_not(operator: str, value: Any) -> None:
    for inverted in (False, True):
        state = {"features": [toggle(strategy(constraint("x", operator, value, inverted=inverted)))]}
        flags = FlagClient(state, format=UNLEASH)
        found = flags.details("f", True, Context(x="a"))
        assert (found.value, found.error_code) == (False, None)
        assert [(problem.key, problem.fatal) for problem in flags.problems] == [("f", False), ("f#variant", False)]


def test_a_strategy_that_nobody_knows_lets_nobody_in_and_is_told() -> None:
    flags = FlagClient({"features": [toggle({"name": "moonPhase"})]}, format=UNLEASH)
    assert flags.details("f", True).variant == "off"
    assert "there is no strategy 'moonPhase'" in flags.problems[0].message


def test_an_address_that_is_none_is_told() -> None:
    addresses = {"name": "remoteAddress", "parameters": {"IPs": "192.invalid, ::1"}}
    flags = FlagClient({"features": [toggle(addresses)]}, format=UNLEASH)
    assert "'192.invalid' is no address" in flags.problems[0].message


def test_numbers_are_read_from_texts_and_texts_from_numbers() -> None:
    for value in ("12", "12.0", 12, 12.0):
        assert is_on(strategy(constraint("x", "NUM_EQ", "12")), context=Context(x=value))
        assert not is_on(strategy(constraint("x", "NUM_EQ", "12.5")), context=Context(x=value))
    assert is_on(strategy(constraint("x", "IN", ["12"])), context=Context(x=12))
    assert not is_on(strategy(constraint("x", "IN", ["1"])), context=Context(x=True))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("10.2.0.0", False),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("::1", True),
        ("x", False),
    ],
)
def test_remote_addresses_are_in_networks_of_both_families(address: str, expected: bool) -> None:
    addresses = {"name": "remoteAddress", "parameters": {"IPs": "10.1.0.0/16, 2001:db8::/32, ::1, nonsense"}}
    assert is_on(addresses, context=Context(remoteAddress=address)) is expected


def test_constraints_and_segments_must_all_hold_and_one_strategy_is_enough() -> None:
    segments = [{"id": 1, "constraints": [constraint("country", "IN", ["SE"])]}]
    both = strategy(constraint("plan", "IN", ["pro"]), segments=[1])
    assert is_on(both, context=Context(country="SE", plan="pro"), segments=segments)
    assert not is_on(both, context=Context(country="SE"), segments=segments)
    assert not is_on(both, context=Context(country="FI", plan="pro"), segments=segments)
    assert not is_on(both, context=Context(country="SE", plan="pro"))  # without the segment
    assert is_on(both, strategy(), context=EMPTY, segments=segments)


@pytest.mark.parametrize("unit", [f"user-{i}" for i in range(20)])
def test_a_rollout_is_that_of_the_normalised_hash(unit: str) -> None:
    position = murmur3_32(f"group:{unit}".encode()) % 100 + 1
    for percent in (position - 1, position):
        rollout = {"rollout": str(percent), "stickiness": "userId", "groupId": "group"}
        strategy = {"name": "flexibleRollout", "parameters": rollout}
        assert is_on(strategy, context=Context(unit)) is (position <= percent)


def test_stickiness_takes_the_user_then_the_session_then_chance() -> None:
    def asked(context: Context, stickiness: str) -> list[bool]:
        parameters = {"rollout": "50", "stickiness": stickiness, "groupId": "g"}
        state = {"features": [toggle({"name": "flexibleRollout", "parameters": parameters})]}
        flags = FlagClient(state, format=UNLEASH, rng=Random(7))
        return [flags.boolean("f", False, context) for _ in range(50)]

    inside = murmur3_32(b"g:a") % 100 < 50
    assert (
        asked(Context("a", sessionId="other"), "default") == asked(Context(sessionId="a"), "default") == [inside] * 50
    )
    assert asked(Context(company="a"), "company") == [inside] * 50
    assert asked(EMPTY, "company") == [False] * 50
    for drawn in (asked(EMPTY, "default"), asked(Context("a"), "random")):
        assert 10 < sum(drawn) < 40


def variant(state_of_toggle: dict[str, Any], context: Context = EMPTY) -> Any:
    return FlagClient({"features": [state_of_toggle]}, format=UNLEASH).details("f#variant", NO_VARIANT, context).value


def test_variants_of_a_strategy_win_over_those_of_the_toggle_and_overrides_over_weights() -> None:
    red, blue = {"name": "red", "weight": 1}, {"name": "blue", "weight": 1}
    own = strategy(constraint("plan", "IN", ["pro"]), variants=[red])
    both = toggle(own, strategy(), variants=[{**blue, "overrides": [{"contextName": "userId", "values": ["7"]}]}, red])
    assert variant(both, Context("7", plan="pro"))["name"] == "red"
    assert variant(both, Context("7"))["name"] == "blue"
    for unit in map(str, range(20)):
        first = murmur3_32(f"f:{unit}".encode(), 86028157) % 2 == 0
        expected = "blue" if first or unit == "7" else "red"
        assert variant(both, Context(unit))["name"] == expected


def test_two_strategies_may_have_different_variants_of_one_name() -> None:
    red = {"name": "red", "weight": 1}
    paid = strategy(
        constraint("plan", "IN", ["pro"]), variants=[{**red, "payload": {"type": "string", "value": "paid"}}]
    )
    both = toggle(paid, strategy(variants=[red]))
    plain = {"name": "red", "enabled": True, "feature_enabled": True}
    assert variant(both, Context(plan="pro")) == {**plain, "payload": {"type": "string", "value": "paid"}}
    assert variant(both) == plain


def test_deltas_apply_in_the_order_of_their_numbers() -> None:
    segment = {"id": 1, "constraints": [constraint("country", "IN", ["SE"])]}
    a, b = toggle(strategy(segments=[1]), name="a"), toggle(name="b")
    events: list[dict[str, Any]] = [
        {"eventId": 5, "type": "segment-updated", "segment": {"id": 1, "constraints": []}},
        {"eventId": 1, "type": "hydration", "features": [a, b], "segments": [segment]},
        {"eventId": 3, "type": "feature-removed", "featureName": "b"},
        {"eventId": 2, "type": "feature-updated", "feature": {**b, "enabled": False}},
        {"eventId": 4, "type": "something-new"},
    ]

    def known(count: int) -> dict[str, bool]:
        state = {"events": [event for event in events if event["eventId"] <= count]}
        flags = FlagClient(state, format=UNLEASH)
        return {key: flags.boolean(key, False) for key in flags.snapshot.value.flags if "#" not in key}

    assert known(1) == {"a": False, "b": True}
    assert known(2) == {"a": False, "b": False}
    assert known(4) == {"a": False}
    assert known(5) == {"a": True}
    events.append({"eventId": 6, "type": "segment-removed", "segmentId": 1})
    assert known(6) == {"a": False}


def test_reasons_say_what_let_somebody_in() -> None:
    half = {"name": "flexibleRollout", "parameters": {"rollout": "100"}}
    features = [
        toggle(strategy(), name="all"),
        toggle(half, name="half"),
        toggle(strategy(constraint("x", "IN", ["1"])), name="some"),
        toggle(name="child", dependencies=[{"feature": "none"}]),
    ]
    flags = FlagClient({"features": features}, format=UNLEASH)
    reasons = {key: flags.details(key, False, Context(x="1")).reason.value for key in ("all", "half", "some", "child")}
    assert reasons == {"all": "STATIC", "half": "SPLIT", "some": "TARGETING_MATCH", "child": "PREREQUISITE_FAILED"}
    assert flags.details("some", False).reason == "DEFAULT"


MALFORMED: list[Any] = [
    toggle(name="bad", enabled="yes"),
    {"name": "bad", "enabled": True, "strategies": 5},
    toggle("default", name="bad"),
    toggle({"name": "flexibleRollout", "parameters": {"rollout": "101"}}, name="bad"),
    toggle({"name": "flexibleRollout", "parameters": {"rollout": None}}, name="bad"),
    toggle(strategy(constraint(5, "IN", [])), name="bad"),  # type: ignore[arg-type]
    toggle(name="bad", dependencies=["parent"]),
]


@pytest.mark.parametrize("bad", MALFORMED)
def test_a_malformed_toggle_concerns_no_other(bad: Any) -> None:
    flags = FlagClient({"features": [bad, toggle()]}, format=UNLEASH)
    assert flags.boolean("f", False) is True
    assert flags.details("bad", False).error_code == "PARSE_ERROR"
    assert {problem.key for problem in flags.problems if problem.fatal} == {"bad", "bad#variant"}


@pytest.mark.parametrize("weight", [-1, 1.5, True, 2_000_000, "1"])
def test_impossible_weights_concern_the_variants_only(weight: Any) -> None:
    flags = FlagClient({"features": [toggle(variants=[{"name": "red", "weight": weight}])]}, format=UNLEASH)
    assert flags.boolean("f", False) is True
    assert flags.details("f#variant", NO_VARIANT).error_code == "PARSE_ERROR"


def test_deltas_without_a_beginning_or_an_order() -> None:
    removed = {"eventId": 1, "type": "feature-removed", "featureName": "f"}
    assert FlagClient({"events": [removed]}, format=UNLEASH).problems == ()
    flags = FlagClient({"events": [{**removed, "eventId": "first"}]}, format=UNLEASH)
    assert [(problem.fatal, problem.path) for problem in flags.problems] == [(True, "events")]


def test_a_parent_that_has_parents_is_told() -> None:
    features = [toggle(name="a"), toggle(name="b", dependencies=[{"feature": "a"}])]
    features.append(toggle(name="c", dependencies=[{"feature": "b"}]))
    problems = FlagClient({"features": features}, format=UNLEASH).problems
    assert [(problem.key, problem.fatal) for problem in problems] == [("c", False), ("c#variant", False)]
    assert "'b' has parents itself" in problems[0].message
