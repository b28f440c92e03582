"""The 164 histories of the vector set `linearizability`, each with the verdict that its makers gave it."""

import pytest

from conftest import Vectors
from interleave.histories import MODELS, cases, history
from interleave.models import append_map
from lldkit.interleave import History, check_linearizable


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
