"""Evaluation, step by step, by hand; every case runs through both engines."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from feature_flags.helpers import CLOCK, document, evaluated, flag, rules_of, when
from lldkit.clock import ManualClock
from lldkit.feature_flags import Context, ErrorCode, FlagClient, Reason
from lldkit.feature_flags.interpret import interpret
from lldkit.feature_flags.model import Runtime

SE = Context("user-1", country="SE")
IN_SE = {"attr": "country", "op": "eq", "value": "SE"}


def lines_of(flags: dict[str, Any], key: str, context: Context) -> list[str]:
    _, steps = interpret(rules_of(flags), key, context, Runtime(CLOCK.now, Random(1).random))
    return [line for step in steps for line in step.lines()]


def test_the_first_rule_that_matches_decides() -> None:
    rules = rules_of(
        {
            "f": {
                "type": "string",
                "variants": {"a": "A", "b": "B", "c": "C"},
                "serve": "c",
                "rules": [
                    {"id": "no", "when": {"not": IN_SE}, "serve": "c"},
                    {"id": "first", "when": IN_SE, "serve": "a"},
                    {"id": "second", "when": True, "serve": "b"},
                ],
            }
        }
    )
    found = evaluated(rules, "f", SE)
    assert (found.value, found.variant, found.rule, found.reason) == ("A", "a", "first", Reason.TARGETING_MATCH)


def test_reasons_say_what_decided() -> None:
    rules = rules_of(
        {
            "static": flag(serve="on"),
            "default": when(False),
            "disabled": flag(enabled=False, off="off", serve="on"),
            "split": flag(serve={"split": [["on", 1]]}),
            "gated": flag(rules=[{"id": "r", "rollout": {"percent": 100}, "serve": "on"}]),
            "nothing": {"type": "boolean", "variants": {"on": True}},
        }
    )
    reasons = {key: evaluated(rules, key, SE).reason for key in [*rules.flags, "unknown"]}
    assert reasons == {
        "static": Reason.STATIC,
        "default": Reason.DEFAULT,
        "disabled": Reason.DISABLED,
        "split": Reason.SPLIT,
        "gated": Reason.SPLIT,
        "nothing": Reason.DEFAULT,
        "unknown": Reason.ERROR,
    }
    assert evaluated(rules, "nothing").variant is None


def test_a_prerequisite_must_be_served_one_of_the_variants() -> None:
    def child(**base: Any) -> tuple[bool, Reason]:
        rules = rules_of(
            {
                "base": flag(**base),
                "f": flag(prerequisites=[{"flag": "base", "variants": ["on"]}], serve="on", off="off"),
            }
        )
        found = evaluated(rules, "f", SE)
        return found.value, found.reason

    assert child(serve="on") == (True, Reason.DEFAULT)
    assert child(serve="off") == (False, Reason.PREREQUISITE_FAILED)
    assert child(serve="on", enabled=False) == (False, Reason.PREREQUISITE_FAILED)
    assert child(serve="off", enabled=False, off="on") == (False, Reason.PREREQUISITE_FAILED)


def test_a_missing_prerequisite_never_satisfies_not_even_under_not() -> None:
    rules = rules_of({"f": flag(prerequisites=[{"flag": "gone", "variants": ["on"]}], serve="on")})
    found = evaluated(rules, "f")
    assert (found.variant, found.reason) == (None, Reason.PREREQUISITE_FAILED)
    assert [problem.message for problem in rules.problems] == ["there is no flag 'gone'"]
    negated = rules_of({"f": when({"not": {"flag": "gone", "variants": ["on"]}})})
    assert evaluated(negated, "f").value is False


def test_several_prerequisites_and_nested_ones_are_for_the_same_context() -> None:
    rules = rules_of(
        {
            "top": when(IN_SE),
            "middle": flag(prerequisites=[{"flag": "top", "variants": ["on"]}], serve="on", off="off"),
            "other": flag(serve="on"),
            "f": flag(
                prerequisites=[{"flag": key, "variants": ["on"]} for key in ("other", "middle")], serve="on", off="off"
            ),
        }
    )
    assert evaluated(rules, "f", SE).value is True
    assert evaluated(rules, "f", Context("user-1", country="NO")).reason is Reason.PREREQUISITE_FAILED


def test_flag_conditions_ask_for_variants() -> None:
    flags = {"base": when(IN_SE), "f": when({"flag": "base", "variants": ["off"]})}
    assert evaluated(rules_of(flags), "f", SE).value is False
    assert evaluated(rules_of(flags), "f").value is True


def test_a_ladder_of_diamonds_is_climbed_once() -> None:
    """Forty levels of two flags that both need both below: 2 to the power of 40 ways, if each were gone."""
    flags: dict[str, Any] = {"a0": flag(serve="on"), "b0": flag(serve="on")}
    segments: dict[str, Any] = {"s0": IN_SE, "t0": IN_SE}
    for level in range(1, 41):
        for side in "ab":
            below = [{"flag": f"{other}{level - 1}", "variants": ["on"]} for other in "ab"]
            flags[f"{side}{level}"] = flag(prerequisites=below, serve="on")
        for side in "st":
            segments[f"{side}{level}"] = {"all": [{"segment": f"{other}{level - 1}"} for other in "st"]}
    flags["f"] = when({"segment": "s40"})
    rules = rules_of(flags, segments=segments)
    assert evaluated(rules, "a40", SE).value is True
    assert evaluated(rules, "f", SE).value is True


def test_falsy_values_are_values() -> None:
    kinds: dict[str, Any] = {"boolean": False, "integer": 0, "float": 0.0, "string": "", "object": {}}
    flags = {kind: {"type": kind, "variants": {"v": value}, "serve": "v"} for kind, value in kinds.items()}
    client = FlagClient(document(flags))
    for kind, value in kinds.items():
        default: Any = {"boolean": True, "integer": 5, "float": 5.0, "string": "d", "object": {"d": 1}}[kind]
        found = client.details(kind, default)
        assert (found.value, found.variant, found.reason) == (value, "v", Reason.STATIC)
        assert getattr(client, kind)(kind, default) == value


def test_who_has_no_unit_is_in_no_bucket() -> None:
    rules = rules_of(
        {
            "gated": flag(rules=[{"id": "r", "rollout": {"percent": 100, "by": "company.id"}, "serve": "on"}]),
            "split": flag(serve={"split": [["on", 1]], "by": "company.id"}),
        }
    )
    companies: list[dict[str, Any]] = [{}, {"id": None}, {"id": True}, {"id": []}, {"id": 1.5}, {"id": ""}]
    for company in companies:
        context = Context("u", company=company)
        assert (evaluated(rules, "gated", context).value, evaluated(rules, "gated", context).reason) == (
            False,
            Reason.DEFAULT,
        )
        split = evaluated(rules, "split", context)
        assert (split.variant, split.reason, split.error_code) == (None, Reason.ERROR, ErrorCode.TARGETING_KEY_MISSING)
    assert evaluated(rules, "split", Context(company={"id": 7})).value is True


def test_explain_says_that_a_unit_is_missing() -> None:
    flags = {"f": flag(rules=[{"id": "r", "rollout": {"percent": 50}, "serve": "on"}])}
    assert "  rollout: TARGETING_KEY_MISSING, there is no targeting_key" in lines_of(flags, "f", Context())


def test_one_and_one_point_zero_and_its_text_are_one_unit() -> None:
    split = {"split": [[name, 1] for name in "abcdefgh"], "by": "id"}
    rules = rules_of({"f": {"type": "string", "variants": dict.fromkeys("abcdefgh", "x"), "serve": split}})
    assert len({evaluated(rules, "f", Context(id=unit)).variant for unit in (1, 1.0, "1")}) == 1
    assert evaluated(rules, "f", Context(id=True)).error_code is ErrorCode.TARGETING_KEY_MISSING


RAMP = {"steps": [["2026-01-01T00:00:00Z", 0], ["2026-01-08T00:00:00Z", 100]]}


@pytest.mark.parametrize(
    ("now", "share"),
    [
        (datetime(2025, 12, 1, tzinfo=UTC), 0.0),
        (datetime(2026, 1, 1, tzinfo=UTC), 0.0),
        (datetime(2026, 1, 4, 12, tzinfo=UTC), 0.5),
        (datetime(2026, 1, 7, 14, 24, tzinfo=UTC), 6.6 / 7),
        (datetime(2026, 1, 8, tzinfo=UTC), 1.0),
        (datetime(2027, 1, 1, tzinfo=UTC), 1.0),
    ],
)
def test_a_ramp_is_linear_between_instants_and_flat_around_them(now: datetime, share: float) -> None:
    rules = rules_of({"f": flag(rules=[{"id": "r", "rollout": RAMP, "serve": "on"}])})
    ramp = rules.flags["f"].rules[0].gates[0].ramp
    assert ramp is not None
    assert ramp.at(now.timestamp()) == pytest.approx(share)
    runtime = Runtime(lambda: now, Random(1).random)
    on = sum(evaluated(rules, "f", Context(f"user-{n}"), runtime).value for n in range(400))
    assert abs(on / 400 - share) <= 4 * (share * (1 - share) / 400) ** 0.5


def test_a_clock_that_steps_back_removes_only_who_was_added() -> None:
    clock = ManualClock(start=datetime(2026, 1, 3, tzinfo=UTC))
    client = FlagClient(document({"f": flag(rules=[{"id": "r", "rollout": RAMP, "serve": "on"}])}), clock=clock)

    def on() -> set[int]:
        return {n for n in range(500) if client.boolean("f", False, Context(f"user-{n}"))}

    early = on()
    clock.advance(86_400)
    late = on()
    assert early < late
    clock.step_wall(-86_400)
    assert on() == early


def test_an_explanation_names_clauses_values_buckets_and_prerequisites() -> None:
    flags = {
        "base": flag(serve="on"),
        "f": flag(
            prerequisites=[{"flag": "base", "variants": ["on"]}],
            rules=[
                {
                    "id": "eu",
                    "when": {"all": [IN_SE, {"not": {"attr": "age", "op": "lt", "value": 18}}]},
                    "serve": "on",
                },
            ],
        ),
    }
    assert lines_of(flags, "f", Context("user-1", country="NO")) == [
        "prerequisite: yes",
        "  flag base is [on]: yes, it is on (STATIC)",
        "    serve: on",
        "      serves: on",
        "rule eu: no match",
        "  all of: no",
        "    country eq SE: no, saw 'NO'",
        "serve: off",
        "  serves: off",
    ]
    assert "      age lt 18: no, saw missing" in lines_of(flags, "f", SE)


@pytest.mark.parametrize("key", ["gone", "cycle", "broken", "off", "needy", "split", "fine"])
def test_every_outcome_is_explained_as_it_is_told(key: str) -> None:
    flags = {
        "cycle": flag(prerequisites=[{"flag": "cycle", "variants": ["on"]}]),
        "broken": {"type": "boolean"},
        "off": flag(enabled=False),
        "needy": flag(prerequisites=[{"flag": "off", "variants": ["on"]}]),
        "split": flag(serve={"split": [["on", 1]]}),
        "fine": flag(),
    }
    client = FlagClient(document(flags))
    trace = client.explain(key)
    assert trace.evaluation == client.details(key, None)
    assert trace.evaluation.reason in str(trace)
