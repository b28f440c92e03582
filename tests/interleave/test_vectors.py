"""The 164 histories of the vector set `linearizability`, each with the verdict that its makers gave it."""

import gzip
import json
from typing import Any

import pytest

from conftest import Vectors
from interleave.models import append_map, counter, queue, register
from lldkit.interleave import PENDING, History, Model, Operation, check_linearizable

MODELS: dict[str, Model[Any]] = {
    "cas-register": register,
    "register": register,
    "append-map": append_map,
    "queue": queue,
    "counter": counter,
}


def cases(vectors: Vectors, file: str) -> list[dict[str, Any]]:
    with gzip.open(vectors.path("linearizability") / f"{file}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def arguments(model: str, name: str, value: Any) -> tuple[Any, ...]:
    if model == "append-map":
        return (value[0],) if name == "get" else tuple(value)
    if name in {"read", "get"}:
        return ()
    return tuple(value) if name == "cas" else (value,)


def result(model: str, kind: str, name: str, value: Any) -> Any:
    """What the call returned; in the first two models an `ok` repeats the arguments and a cas fails by `fail`."""
    if model == "append-map":
        return value[1] if name == "get" else None
    if model == "cas-register":
        return {"read": value, "write": None, "cas": kind == "ok"}[name]
    return value


def history(case: dict[str, Any]) -> History:
    model, calls, under_way = case["model"], [], {}
    for stamp, (process, kind, name, value) in enumerate(case["events"]):
        if kind == "invoke":
            under_way[process] = Operation(process, name, arguments(model, name, value), PENDING, stamp)
            continue
        call = under_way.pop(process)
        if kind == "info":
            calls.append(call)
        elif (kind, name) != ("fail", "read"):  # a failed read told nobody anything
            outcome = result(model, kind, name, value)
            calls.append(Operation(process, name, call.args, outcome, call.called, stamp))
    return History([*calls, *under_way.values()])


@pytest.mark.parametrize(
    ("file", "count", "linearizable"), [("register", 40, 20), ("kv", 4, 2), ("small", 120, 60)], ids=lambda each: each
)
def test_every_history_gets_the_verdict_of_its_makers(
    vectors: Vectors, file: str, count: int, linearizable: int
) -> None:
    found = {case["name"]: case for case in cases(vectors, file)}
    verdicts = {name: check_linearizable(history(case), MODELS[case["model"]]) for name, case in found.items()}
    assert len(found) == count
    assert [
        name for name, case in found.items() if (verdicts[name].verdict == "linearizable") != case["linearizable"]
    ] == []
    assert sum(check.verdict == "linearizable" for check in verdicts.values()) == linearizable
    assert sum(check.verdict == "violation" for check in verdicts.values()) == count - linearizable


def test_a_map_of_2024_calls_by_50_clients_is_refuted_by_a_key_that_is_easy_to_refute(vectors: Vectors) -> None:
    (bad,) = [case for case in cases(vectors, "kv") if case["name"] == "kv-c50-bad"]
    calls = history(bad).operations
    check = check_linearizable(history(bad), append_map)
    assert (check.verdict, check.partition) == ("violation", "3")
    assert check.states < 50_000
    hard = History(call for call in calls if call.args[0] == "0")  # the key that comes first
    assert check_linearizable(hard, append_map, max_states=100_000).verdict == "undecided"
