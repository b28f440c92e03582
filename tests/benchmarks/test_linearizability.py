"""The linearizability checker beside an exhaustive search as one would write it by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside
from conftest import Vectors
from interleave.histories import MODELS, cases, history
from interleave.models import append_map, register
from lldkit.interleave import History, Model, Operation, check_linearizable

Calls = tuple[Operation, ...]


def by_hand(calls: Calls, model: Model[Any]) -> bool:
    """Try every call that may come first, and then the rest."""

    def search(left: Calls, state: object) -> bool:
        deadline = min((call.returned for call in left if call.returned is not None), default=None)
        return deadline is None or any(
            search(left[:index] + left[index + 1 :], after)
            for index, call in enumerate(left)
            if call.called < deadline
            for after, result in model.outcomes_of(state, call.name, call.args)
            if call.returned is None or result == call.result
        )

    return search(calls, model.initial())


def by_key(calls: Calls) -> list[Calls]:
    keys = dict.fromkeys(call.args[0] for call in calls)
    return [tuple(call for call in calls if call.args[0] == key) for key in keys]


def whole_map(state: frozenset[Any], name: str, args: tuple[Any, ...]) -> tuple[frozenset[Any], object]:
    texts = dict(state)
    ((texts[args[0]], result),) = append_map.outcomes_of(texts.get(args[0], ""), name, args)
    return (state if name == "get" else frozenset(texts.items())), result


def named(vectors: Vectors, file: str, name: str) -> History:
    return next(history(case) for case in cases(vectors, file) if case["name"] == name)


def verdict(history: History, model: Model[Any], **limits: Any) -> Callable[[], object]:
    return partial(check_linearizable, history, model, **limits)


def test_a_map_by_key(benchmark: BenchmarkFixture, vectors: Vectors) -> None:
    calls = named(vectors, "kv", "kv-c10-ok")
    subjects = {
        "lldkit": verdict(calls, append_map),
        "by hand": lambda: all(by_hand(part, append_map) for part in by_key(calls.operations)),
    }
    beside(benchmark, subjects, row="a right history of a map, 337 calls of 10 clients, by key")


def test_a_register_that_is_wrong(benchmark: BenchmarkFixture, vectors: Vectors) -> None:
    calls = named(vectors, "register", "register-21-13")
    subjects = {"lldkit": verdict(calls, register), "by hand": lambda: by_hand(calls.operations, register)}
    beside(benchmark, subjects, row="a wrong history of a register, 25 calls of 5 clients")


# The next two are too much for the search by hand.


def test_a_map_as_a_whole(benchmark: BenchmarkFixture, vectors: Vectors) -> None:
    whole, calls = Model(frozenset, whole_map), named(vectors, "kv", "kv-c10-ok")
    most = 5_000 if benchmark.disabled else None
    subjects = {"lldkit": verdict(calls, whole, max_states=most)}
    beside(benchmark, subjects, row="the same history of a map as a whole", number=1, rounds=1)


def test_a_map_of_many_clients(benchmark: BenchmarkFixture, vectors: Vectors) -> None:
    calls = named(vectors, "kv", "kv-c50-bad")
    row = "a wrong history of a map, 2,024 calls of 50 clients, by key"
    beside(benchmark, {"lldkit": verdict(calls, append_map)}, row=row, target="below 2 s", rounds=5)


def test_the_vector_set(benchmark: BenchmarkFixture, vectors: Vectors) -> None:
    files = ("register", "kv", "small")
    every = [(history(case), MODELS[case["model"]]) for file in files for case in cases(vectors, file)]
    assert len(every) == 164

    def check_all() -> None:
        for calls, model in every:
            check_linearizable(calls, model)

    beside(benchmark, {"lldkit": check_all}, row="all 164 histories of the vector set", target="below 10 s", rounds=5)


def test_the_search_by_hand_gives_the_same_verdicts(vectors: Vectors) -> None:
    small = cases(vectors, "small")
    verdicts = [by_hand(history(case).operations, MODELS[case["model"]]) for case in small]
    assert verdicts == [case["linearizable"] for case in small]
