"""Reference hit counts over published traces: exact where the policy is exact."""

from collections.abc import Mapping
from functools import partial

import pytest

from cache.traces import CELLS, TRACES, Cell, cells, trace
from conftest import Vectors
from lldkit.cache import Cache, Lfu, PolicyFactory, PolicyName, belady, simulate

EXACT: Mapping[str, PolicyName | PolicyFactory] = {
    "FIFO": "fifo",
    "LRU": "lru",
    "LFU": partial(Lfu, halve_every=None),
    "SIEVE": "sieve",
    "S3FIFO": "s3fifo",
}

LONG = {0, 1, 6, 7, 11, 12, *range(14, 21)}  # so named, `make mutants` leaves them out
NUMBERS = [pytest.param(number, id=f"{'long_trace-' * (number in LONG)}{number}") for number in range(CELLS)]


def test_the_set_is_whole(vectors: Vectors) -> None:
    all_cells = cells(vectors)
    assert len(all_cells) == CELLS
    assert len({cell.trace for cell in all_cells}) == TRACES
    assert CELLS * len(EXACT) == 105


def keys_of(vectors: Vectors, cell: Cell) -> list[int]:
    keys = trace(vectors.path("cache-traces"), cell.trace)
    assert len(keys) == cell.requests
    return keys


@pytest.mark.parametrize("number", NUMBERS)
def test_the_counts_are_those_of_the_reference(vectors: Vectors, number: int) -> None:
    cell = cells(vectors)[number]
    keys = keys_of(vectors, cell)
    counts = {name: simulate(keys, policy=policy, maxsize=cell.size).hits for name, policy in EXACT.items()}
    assert counts == {name: cell.hits[name] for name in EXACT}


@pytest.mark.parametrize("number", NUMBERS)
def test_arc_and_the_optimum_are_those_of_the_reference(vectors: Vectors, number: int) -> None:
    cell = cells(vectors)[number]
    keys = keys_of(vectors, cell)
    arc = simulate(keys, policy="arc", maxsize=cell.size).hits
    assert abs(arc - cell.hits["ARC"]) / cell.requests <= 0.0005  # the reference rounds its target
    assert belady(keys, maxsize=cell.size).hits == cell.hits["BELADY"]


def test_over_long_traces_the_adaptive_policy_is_nearer_to_the_optimum_than_its_best_peer(vectors: Vectors) -> None:
    """Over the sixteen cells of the shorter traces; the figures of all cells stand in the document."""
    shares, peers, against_lru = [], [], []
    for cell in cells(vectors):
        if cell.requests > 400_000:
            continue
        hits = simulate(keys_of(vectors, cell), policy="w-tinylfu", maxsize=cell.size).hits
        shares.append(hits / cell.hits["BELADY"])
        peers.append(cell.hits["THEINE"] / cell.hits["BELADY"])
        against_lru.append((hits - cell.hits["LRU"]) / cell.requests)
    assert len(shares) == 16
    assert sum(shares) / 16 > sum(peers) / 16
    assert sum(shares) / 16 > 0.888
    assert min(against_lru) > -0.075


@pytest.mark.parametrize(("name", "size"), [("multi1", 500), ("gli", 500), ("cs", 1000)])
@pytest.mark.parametrize("policy", ["fifo", "lru", "lfu", "sieve", "s3fifo", "arc", "w-tinylfu"])
def test_the_cache_hits_what_the_simulator_says(vectors: Vectors, name: str, size: int, policy: PolicyName) -> None:
    keys = trace(vectors.path("cache-traces"), name)
    cache = Cache[int, bool](maxsize=size, policy=policy, record_stats=True)
    for key in keys:
        if cache.get(key) is None:
            cache.put(key, value=True)
    simulated = simulate(keys, policy=policy, maxsize=size)
    stats = cache.stats
    assert (stats.hits, stats.evictions) == (simulated.hits, simulated.evictions)
    assert stats.hits + stats.misses == simulated.requests
