"""Lint: what moves users for nothing, and what nobody reaches."""

from datetime import UTC, datetime
from typing import Any

import pytest

from feature_flags.helpers import flag, rules_of
from lldkit.feature_flags import lint

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def split(*pairs: tuple[str, float], **more: Any) -> dict[str, Any]:
    return {"f": {"type": "string", "variants": {"a": "", "b": "", "c": ""}, "serve": {"split": pairs, **more}}}


def found(after: dict[str, Any], before: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    old = None if before is None else rules_of(before)
    return [(each.kind, each.message) for each in lint(rules_of(after), NOW, old)]


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (split(("a", 1), ("b", 1)), split(("b", 1), ("a", 1)), ["reordered"]),
        (split(("a", 1), ("b", 1)), split(("a", 3), ("b", 1)), []),
        (split(("a", 1), ("b", 1)), split(("a", 1), ("b", 2)), []),
        (split(("a", 1), ("b", 1)), split(("a", 50), ("b", 50)), []),
        (split(("a", 1), ("b", 1)), split(("a", 1), ("b", 1), salt="x"), ["rehashed"]),
        (split(("a", 1), ("b", 1)), split(("a", 1), ("b", 1), by="company.id"), ["rehashed"]),
        (split(("a", 1), ("b", 1)), split(("a", 1), ("b", 1), hash="growthbook/2"), ["rehashed"]),
        (split(("a", 50), ("b", 50)), split(("a", 50), ("c", 25), ("b", 25)), []),
        (split(("a", 50), ("b", 50)), split(("a", 50), ("b", 25), ("c", 25)), []),
        (split(("a", 1), ("b", 1), ("c", 2)), split(("a", 2), ("b", 1), ("c", 1)), ["moves"]),
    ],
)
def test_a_step_that_moves_more_than_it_must_is_found(
    before: dict[str, Any], after: dict[str, Any], kinds: list[str]
) -> None:
    assert [kind for kind, _ in found(after, before)] == kinds


def test_how_many_move_and_how_many_must_is_said() -> None:
    before, after = split(("a", 1), ("b", 1), ("c", 2)), split(("a", 2), ("b", 1), ("c", 1))
    assert found(after, before) == [("moves", "serve: 50.0% move, where 25.0% would have to")]


def test_another_salt_of_a_rollout_is_found_by_the_id_of_the_rule() -> None:
    def gate(name: str, salt: str) -> dict[str, Any]:
        return {"f": flag(rules=[{"id": name, "rollout": {"percent": 5, "salt": salt}, "serve": "on"}])}

    assert [kind for kind, _ in found(gate("r", "t"), gate("r", "s"))] == ["rehashed"]
    assert found(gate("other", "t"), gate("r", "s")) == []


def test_a_rule_behind_one_that_takes_everybody_is_unreachable() -> None:
    rules = [{"id": "some", "when": {"attr": "a", "op": "exists"}, "serve": "on"}, {"id": "all", "serve": "on"}]
    assert found({"f": flag(rules=[*rules, {"id": "late", "serve": "off"}])}) == [
        ("unreachable", "rule late is behind rule all, which takes everybody")
    ]


def test_a_rollout_of_a_hundred_percent_leaves_out_who_has_no_unit() -> None:
    rules = [{"id": "all", "rollout": {"percent": 100}, "serve": "on"}, {"id": "rest", "serve": "off"}]
    assert found({"f": flag(rules=rules)}) == []


def test_problems_and_expired_flags_are_found() -> None:
    flags = {
        "old": flag(expires="2026-05-31"),
        "last-day": flag(expires="2026-06-01"),
        "lost": flag(prerequisites=[{"flag": "gone", "variants": ["on"]}]),
        "ring": flag(prerequisites=[{"flag": "ring", "variants": ["on"]}]),
    }
    assert found(flags) == [
        ("problem", "there is no flag 'gone'"),
        ("problem", "cycle: ring -> ring"),
        ("expired", "since 2026-06-01"),
    ]
