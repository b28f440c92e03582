"""Rollouts and splits as their users know them: stable, monotone, independent, and exact at the boundaries."""

import hashlib
import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from feature_flags.helpers import document, flag
from lldkit.feature_flags import Context, FlagClient
from lldkit.feature_flags.parse import NATIVE

SIZE = 4_000
IDS: dict[str, Callable[[int], str]] = {
    "sequential": lambda n: f"user-{n}",
    "hex": lambda n: f"{n:016x}",
    "uuid": lambda n: str(uuid.UUID(int=random.Random(n).getrandbits(128), version=4)),
    "email": lambda n: f"person{n}@example.com",
}


def gate(percent: float, **more: Any) -> dict[str, Any]:
    return flag(rules=[{"id": "r", "rollout": {"percent": percent, **more}, "serve": "on"}])


def split(pairs: Sequence[tuple[str, float]], **more: Any) -> dict[str, Any]:
    return {"type": "string", "variants": {name: name for name, _ in pairs}, "serve": {"split": pairs, **more}}


def on(percent: float, key: str = "f", ids: str = "sequential", **more: Any) -> set[int]:
    client = FlagClient(document({key: gate(percent, **more)}))
    return {n for n in range(SIZE) if client.boolean(key, False, Context(IDS[ids](n)))}


def sigma(share: float, size: int = SIZE) -> float:
    return float((share * (1 - share) * size) ** 0.5)


def independent_bucket(seed: str, unit: str) -> float:
    """As the documentation of documents says it, written a second time."""
    data = len(seed.encode()).to_bytes(4, "big") + seed.encode() + unit.encode()
    return int(hashlib.blake2b(data, digest_size=8).hexdigest(), 16) / 2**64


def test_a_thousand_buckets_are_those_of_an_independent_script() -> None:
    client = FlagClient(document({"f": gate(37.5), "v": split([("a", 1), ("b", 2), ("c", 1)])}))
    for n in range(1_000):
        unit = f"usér-{n}"
        assert client.boolean("f", False, Context(unit)) is (independent_bucket("f/rollout", unit) < 0.375)
        point = independent_bucket("v/split", unit)
        assert client.string("v", "", Context(unit)) == ("a" if point < 0.25 else "b" if point < 0.75 else "c")


def test_the_same_unit_has_the_same_variant_in_every_process() -> None:
    code = (
        "from lldkit.feature_flags import Context, FlagClient\n"
        "half = {'split': [['on', 1], ['off', 1]]}\n"
        "flag = {'type': 'boolean', 'variants': {'on': True, 'off': False}, 'serve': half}\n"
        "client = FlagClient({'flags': {'f': flag}})\n"
        "print(''.join('01'[client.boolean('f', False, Context(f'user-{n}'))] for n in range(64)))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("0", "1")
    }
    expected = "".join("01"[independent_bucket("f/split", f"user-{n}") < 0.5] for n in range(64))
    assert seen == {expected + "\n"}


def test_raising_the_percent_only_adds_and_lowering_only_removes() -> None:
    before: set[int] = set()
    for percent in (0, 0.001, 1, 10, 33.333, 50, 99, 100):
        now = on(percent)
        assert before <= now
        before = now


def test_zero_is_nobody_and_a_hundred_is_everybody_with_a_unit() -> None:
    assert on(0) == set()
    assert len(on(100)) == SIZE
    client = FlagClient(document({"f": gate(100)}))
    assert client.boolean("f", False) is False


def test_a_thousandth_of_a_percent_can_be_told_from_nothing() -> None:
    unit = next(unit for n in range(10**6) if independent_bucket("f/rollout", unit := f"user-{n}") < 0.00001)
    client = FlagClient(document({"f": gate(0.001)}))
    assert client.boolean("f", False, Context(unit)) is True
    assert FlagClient(document({"f": gate(0)})).boolean("f", True, Context(unit)) is False


def test_a_third_is_a_third() -> None:
    assert abs(len(on(33.333)) - SIZE * 0.33333) <= 4 * sigma(0.33333)


@pytest.mark.parametrize("ids", sorted(IDS))
def test_two_flags_choose_independently(ids: str) -> None:
    one, other = on(50, "one", ids), on(50, "other", ids)
    assert abs(len(one & other) - len(one) / 2) <= 4 * sigma(0.5, len(one))


@pytest.mark.parametrize("ids", sorted(IDS))
def test_a_split_inside_a_gate_is_independent_of_it(ids: str) -> None:
    rule = {"id": "r", "rollout": {"percent": 10}, "serve": {"split": [["on", 1], ["off", 1]]}}
    both = flag(rules=[rule], variants={"on": True, "off": False, "out": False}, serve="out")
    client = FlagClient(document({"f": both}))
    found = Counter(client.details("f", None, Context(IDS[ids](n))).variant for n in range(SIZE * 4))
    inside = found["on"] + found["off"]
    assert abs(inside - SIZE * 0.4) <= 4 * sigma(0.1, SIZE * 4)
    assert abs(found["on"] - inside / 2) <= 4 * sigma(0.5, inside)


def variants(pairs: Sequence[tuple[str, float]], **more: Any) -> list[str]:
    client = FlagClient(document({"v": split(pairs, **more)}))
    return [client.string("v", "", Context(f"user-{n}")) for n in range(SIZE)]


def test_moving_a_boundary_moves_that_share_only() -> None:
    before = variants([("a", 30), ("b", 30), ("c", 40)])
    now = variants([("a", 40), ("b", 20), ("c", 40)])
    assert {(old, new) for old, new in zip(before, now, strict=True) if old != new} == {("b", "a")}


def test_only_the_proportion_of_weights_counts() -> None:
    assert variants([("a", 1), ("b", 1)]) == variants([("a", 50), ("b", 50)])


def test_variants_without_weight_get_nobody() -> None:
    assert set(variants([("a", 0), ("b", 1), ("c", 0)])) == {"b"}


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [1, float("inf")], [1, float("nan")], [1, True], [1, "1"], []])
def test_weights_that_are_none_are_fatal(weights: list[Any]) -> None:
    body = split([("a", 1), ("b", 1)])
    body["serve"]["split"] = list(zip("ab", weights, strict=False))
    assert [problem.fatal for problem in NATIVE.load(document({"v": body})).problems] == [True]


def test_any_attribute_can_be_the_unit() -> None:
    client = FlagClient(document({"v": split([("a", 1), ("b", 1)], by="company.id")}))
    for company in range(50):
        seen = {client.string("v", "", Context(f"user-{n}", company={"id": company})) for n in range(5)}
        assert len(seen) == 1


def test_neither_adding_nor_renaming_a_rule_moves_anybody_and_a_salt_does() -> None:
    def served(rules: list[dict[str, Any]]) -> list[bool]:
        client = FlagClient(document({"f": flag(rules=rules)}))
        return [client.boolean("f", False, Context(f"user-{n}")) for n in range(500)]

    rule = {"id": "r", "rollout": {"percent": 50}, "serve": "on"}
    before = served([rule])
    assert served([{"id": "new", "when": False, "serve": "off"}, {**rule, "id": "renamed"}]) == before
    assert served([{**rule, "rollout": {"percent": 50, "salt": "other"}}]) != before
