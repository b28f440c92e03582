"""The vector set `linearizability` as histories, each with the model it is to be held against."""

import gzip
import json
from typing import Any

from conftest import Vectors
from interleave.models import append_map, counter, queue, register
from lldkit.interleave import PENDING, History, Model, Operation

__all__ = ["MODELS", "cases", "history"]

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
