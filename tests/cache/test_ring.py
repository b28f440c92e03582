"""The ring: few keys move, the load is even, and the answer is the same everywhere."""

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from lldkit.cache import RendezvousRing

NAMES = [f"node-{number}" for number in range(10)]
KEYS = [f"key:{number}" for number in range(20_000)]


def test_a_node_that_goes_moves_only_its_own_keys() -> None:
    ring = RendezvousRing(NAMES)
    before = {key: ring.node_for(key) for key in KEYS}
    ring.remove("node-3")
    assert all((ring.node_for(key) == node) is (node != "node-3") for key, node in before.items())


def test_a_node_that_comes_takes_its_share_and_nothing_else_moves() -> None:
    ring = RendezvousRing(NAMES)
    before = {key: ring.node_for(key) for key in KEYS}
    ring.add("new")
    moved = [key for key, node in before.items() if ring.node_for(key) != node]
    assert {ring.node_for(key) for key in moved} == {"new"}
    assert len(moved) <= 1.25 / 11 * len(KEYS)


def test_the_load_is_even_and_follows_the_weights() -> None:
    counts = Counter(map(RendezvousRing(NAMES).node_for, KEYS))
    assert max(counts.values()) <= 1.25 * len(KEYS) / 10
    weighted = Counter(map(RendezvousRing({"one": 1.0, "two": 2.0, "five": 5.0}).node_for, KEYS))
    assert [round(weighted[name] / len(KEYS) * 8) for name in ("one", "two", "five")] == [1, 2, 5]


def test_the_answer_depends_on_neither_order_nor_process() -> None:
    shuffled = random.Random(3).sample(NAMES, 10)
    expected = [RendezvousRing(NAMES).node_for(key) for key in KEYS[:50]]
    assert [RendezvousRing(shuffled).node_for(key.encode()) for key in KEYS[:50]] == expected
    code = "from lldkit.cache import RendezvousRing as R\n"
    code += f"print([R({shuffled!r}).node_for(f'key:{{n}}') for n in range(50)] == {expected!r})"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout == "True\n"


def test_copies_go_to_different_nodes_and_the_first_stays_the_first() -> None:
    ring = RendezvousRing(NAMES)
    for key in KEYS[:100]:
        three = ring.nodes_for(key, 3)
        assert len(set(three)) == 3
        assert three[0] == ring.node_for(key)
        ring.remove(three[0])
        assert ring.nodes_for(key, 2) == three[1:]
        ring.add(three[0])
    assert len(ring.nodes_for("k", 99)) == 10
    assert ring.nodes == dict.fromkeys(NAMES, 1.0)


def test_wrong_rings_are_refused() -> None:
    with pytest.raises(ValueError, match="the weight of 'a' must be a finite number > 0, got 0"):
        RendezvousRing({"a": 0})
    with pytest.raises(LookupError, match="the ring has no nodes"):
        RendezvousRing([]).node_for("k")
    with pytest.raises(KeyError):
        RendezvousRing(["a"]).remove("b")
