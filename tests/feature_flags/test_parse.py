"""The native format: what it refuses, how it says so, and that one malformed flag spoils no other."""

from copy import deepcopy
from typing import Any

import pytest

from feature_flags.helpers import document, flag, when
from lldkit.feature_flags import Context, FlagClient
from lldkit.feature_flags.parse import NATIVE
from lldkit.snapshot import MemoryStore

RICH: dict[str, Any] = {
    "type": "string",
    "enabled": True,
    "variants": {"a": "A", "b": "B"},
    "off": "a",
    "owner": "ana",
    "expires": "2027-01-31",
    "metadata": {"team": "shop"},
    "prerequisites": [{"flag": "n0", "variants": ["on"]}],
    "serve": {"split": [["a", 1], ["b", 1]], "by": "id", "salt": "s", "sticky": {"version": 1}},
    "rules": [
        {
            "id": "r",
            "when": {"all": [{"attr": "x", "op": "in", "value": ["y"]}, {"segment": "s"}]},
            "rollout": {"percent": 5},
            "serve": "b",
        }
    ],
}

CORRUPTIONS: list[tuple[str, Any]] = [
    ("", None),
    ("", []),
    ("", "flag"),
    ("type", "moon"),
    ("type", None),
    ("enabled", "yes"),
    ("enabled", 1),
    ("variants", {}),
    ("variants", ["a", "b"]),
    ("variants.a", 3),
    ("off", "gone"),
    ("off", 1),
    ("owner", 5),
    ("expires", "soon"),
    ("metadata", []),
    ("metadata.team", {"deep": 1}),
    ("prerequisites", {"flag": "n0"}),
    ("prerequisites.0", {"flag": 3, "variants": ["on"]}),
    ("prerequisites.0.variants", []),
    ("serve", "gone"),
    ("serve.split", []),
    ("serve.split", [["a", 1, 2]]),
    ("serve.split", [["a", -1]]),
    ("serve.hash", "crc32"),
    ("serve.hash", 7),
    ("serve.salt", 7),
    ("serve.by", ""),
    ("serve.sticky", {"version": "x"}),
    ("rules", "all"),
    ("rules.0", None),
    ("rules.0.id", None),
    ("rules.0.rollot", {"percent": 5}),
    ("rules.0.when", 5),
    ("rules.0.when", {"all": [], "any": []}),
    ("rules.0.when.all", {"attr": "x"}),
    ("rules.0.when.all.0.op", "is"),
    ("rules.0.when.all.0.value", "y"),
    ("rules.0.when.all.0.ignore_case", 1),
    ("rules.0.when.all.1.segment", 5),
    ("rules.0.rollout", 5),
    ("rules.0.rollout.percent", 101),
    ("rules.0.rollout.percent", True),
    ("rules.0.rollout.percent", "5"),
    ("rules.0.rollout", {"steps": []}),
    ("rules.0.rollout", {"steps": [["2026-01-02T00:00:00Z", 0], ["2026-01-01T00:00:00Z", 1]]}),
    ("rules.0.rollout", {"percent": 1, "steps": []}),
    ("surprise", 1),
]


def corrupted(path: str, value: Any) -> Any:
    """RICH with `value` at a path, such as `rules.0.id`."""
    if not path:
        return value
    body = deepcopy(RICH)
    *way, last = path.split(".")
    node: Any = body
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return body


def whole(rich: Any) -> dict[str, Any]:
    """A document of twenty flags, of which one is rich."""
    others = {f"n{n}": flag(serve="on") for n in range(19)}
    return document({**others, "rich": rich}, segments={"s": True})


def test_the_rich_flag_has_no_problems() -> None:
    assert NATIVE.load(whole(RICH)).problems == ()


@pytest.mark.parametrize(("path", "value"), CORRUPTIONS, ids=[f"{path}={value!r:.20}" for path, value in CORRUPTIONS])
def test_one_malformed_flag_spoils_no_other(path: str, value: Any) -> None:
    body = corrupted(path, value)
    problems = NATIVE.load(whole(body)).problems
    assert [(problem.key, problem.fatal) for problem in problems] == [("rich", True)]
    assert problems[0].path.startswith("flags.rich")

    new = FlagClient(whole(body))
    assert set(new.all()) == {f"n{n}" for n in range(19)}

    store = MemoryStore(whole(RICH))
    client = FlagClient(store)
    before = [client.details("rich", None, Context("u", id=n)).value for n in range(20)]
    changed = whole(body)
    changed["flags"]["n1"]["serve"] = "off"
    store.publish(changed, expected=1, author="ana")
    assert client.refresh().applied is True
    assert [client.details("rich", None, Context("u", id=n)).value for n in range(20)] == before
    assert client.boolean("n1", True) is False
    assert [client.boolean(f"n{n}", False) for n in range(19) if n != 1] == [True] * 18


def test_a_problem_says_where_it_is_and_what_would_be_right() -> None:
    (problem,) = NATIVE.load(document({"f": when({"any": [True, {"attr": "a", "op": "equals", "value": 1}]})})).problems
    assert problem.path == "flags.f.rules[0].when.any[1].op"
    assert problem.message.startswith("must be one of exists, eq, in, ")
    assert str(problem).endswith("got 'equals'")


def test_a_misspelt_field_does_not_open_a_flag_to_everybody() -> None:
    rule = {"id": "r", "rollot": {"percent": 1}, "serve": "on"}
    assert FlagClient(document({"f": flag(rules=[rule])})).boolean("f", False, Context("u")) is False


def test_two_rules_with_one_id_are_refused() -> None:
    (problem,) = NATIVE.load(document({"f": flag(rules=[{"id": "r", "serve": "on"}] * 2)})).problems
    assert problem.message == "two of them have the id 'r'"


def test_a_float_flag_takes_integers_and_an_integer_flag_takes_no_booleans() -> None:
    client = FlagClient(document({"f": {"type": "float", "variants": {"v": 1}, "serve": "v"}}))
    assert type(client.float("f", 0.5)) is float
    for kind, value in (("integer", True), ("integer", 1.0), ("float", True), ("boolean", 1), ("string", 1)):
        body = {"f": {"type": kind, "variants": {"v": value}, "serve": "v"}}
        assert [problem.path for problem in NATIVE.load(document(body)).problems] == ["flags.f.variants.v"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"flags": []}, "flags"),
        ({"schema": "lldkit.flags/2", "flags": {}}, "schema"),
        ({"segments": [], "flags": {}}, "segments"),
        ({"metadata": {"a": {}}, "flags": {}}, "metadata.a"),
        ({"flag": {}}, "flag"),
        ({"flags": dict.fromkeys(map(str, range(20_001)))}, "flags"),
    ],
    ids=["flags", "schema", "segments", "metadata", "field", "too many"],
)
def test_a_document_that_is_none_is_one_problem_of_all(body: dict[str, Any], path: str) -> None:
    (problem,) = NATIVE.load(body).problems
    assert (problem.key, problem.path, problem.fatal) == ("", path, True)
