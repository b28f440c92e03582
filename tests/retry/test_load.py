"""Many clients together: load with and without a budget, herds with and without jitter."""

import heapq
from collections import Counter
from collections.abc import Iterator
from random import Random
from statistics import mean

import pytest

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.retry import Backoff, Budget, RatioBudget, Retry, constant, exponential
from retry.helpers import Sleepless


def attempts_of(calls: int, *, failing: float, budget: Budget | None) -> int:
    """How many attempts `calls` calls make of a service that fails at this rate; up to three retries each."""
    rng, made = Random(1), 0

    def ask() -> None:
        nonlocal made
        made += 1
        if rng.random() < failing:
            raise OSError

    policy = Retry(on=OSError, attempts=4, timeout=None, backoff=constant(0.0), budget=budget)
    for _ in range(calls):
        try:
            policy.call(ask)
        except OSError:
            continue
    return made


@pytest.mark.parametrize(
    ("failing", "without", "with_budget"),
    [(1.0, 4.0, 1.1), (0.5, 1.875, 1.1)],  # 1 + 1/2 + 1/4 + 1/8
)
def test_a_budget_bounds_the_load_that_retries_add(failing: float, without: float, with_budget: float) -> None:
    calls = 10_000
    budget = RatioBudget(ratio=0.1, min_per_second=0, clock=ManualClock())
    bounded = attempts_of(calls, failing=failing, budget=budget)
    assert bounded <= calls * 1.1 + 1
    assert bounded / calls == pytest.approx(with_budget, abs=0.001)
    assert attempts_of(calls, failing=failing, budget=None) / calls == pytest.approx(without, abs=0.03)


def crowded_slot(rngs: Iterator[Random | None]) -> float:
    """The largest share of 1 000 first retries that fall into one hundredth of the interval."""
    slots = Counter[int]()
    for rng in rngs:
        policy = Retry(on=OSError, backoff=exponential(base=1.0), rng=rng)
        slots[int(100 * next(policy.schedule()))] += 1
    return max(slots.values()) / 1_000


def test_clients_that_fail_together_do_not_come_back_together() -> None:
    assert crowded_slot(None for _ in range(1_000)) <= 0.03


def test_the_herd_is_seen_where_all_clients_have_one_seed() -> None:
    assert crowded_slot(Random(7) for _ in range(1_000)) == 1.0


# -- the contention of "Exponential Backoff and Jitter": many clients, one row, optimistic writes ----------------------

BASE, CAP = 5.0, 2000.0  # milliseconds
ALGORITHMS: dict[str, Backoff] = {
    "none": constant(0.0),
    "exponential": exponential(base=2 * BASE, cap=CAP, jitter="none"),
    "equal_jitter": exponential(base=2 * BASE, cap=CAP, jitter="equal"),
    "full_jitter": exponential(base=2 * BASE, cap=CAP, jitter="full"),
    "decorrelated": exponential(base=BASE, cap=CAP, jitter="decorrelated"),
}


def contend(backoff: Backoff, clients: int, rng: Random) -> tuple[float, int]:
    """When the last client is done, and how many writes were tried, until each has written once."""
    version, writes, done_at = 0, 0, 0.0
    failures, previous, seen = [0] * clients, [0.0] * clients, [0] * clients

    def message() -> float:
        return abs(rng.gauss(10, 2))

    events = [(message(), client, "read") for client in range(clients)]
    heapq.heapify(events)
    while events:
        now, client, what = heapq.heappop(events)
        if what == "read":
            seen[client] = version
            heapq.heappush(events, (now + message() + message(), client, "write"))
            continue
        writes += 1
        answered = now + message()
        if seen[client] == version:
            version += 1
            done_at = max(done_at, answered)
            continue
        failures[client] += 1
        previous[client] = backoff.delay(failures[client], previous[client], rng)
        heapq.heappush(events, (answered + previous[client] + message(), client, "read"))
    return done_at, writes


def test_contention_is_as_the_published_simulator_has_it(vectors: Vectors) -> None:
    rows = vectors.json("backoff-contention", "results.json")
    assert len(rows) == 10
    found: dict[tuple[int, str], tuple[float, float]] = {}
    for row in rows:
        clients, name = row["clients"], row["algorithm"]
        runs = [contend(ALGORITHMS[name], clients, Random(seed)) for seed in range(40)]
        time, calls = mean(time for time, _ in runs), mean(calls for _, calls in runs)
        assert calls == pytest.approx(row["calls"], rel=0.06 if clients == 10 else 0.04), row
        assert time == pytest.approx(row["time"], rel=0.20 if clients == 10 else 0.10), row
        found[clients, name] = (time, calls)
    times = {name: found[100, name][0] for name in ALGORITHMS}
    writes = {name: found[100, name][1] for name in ALGORITHMS}
    assert max(writes["full_jitter"], writes["equal_jitter"]) < writes["decorrelated"]
    assert writes["decorrelated"] < writes["exponential"] < writes["none"]
    assert writes["full_jitter"] < 0.4 * writes["none"]
    assert max(times["decorrelated"], times["full_jitter"]) < times["equal_jitter"] < times["exponential"]
    assert times["full_jitter"] < times["exponential"] / 5


def test_a_call_under_virtual_time_sleeps_for_no_real_time() -> None:
    clock = Sleepless()
    policy = Retry(on=OSError, attempts=1_000, timeout=None, backoff=constant(3600.0), clock=clock)

    def dead() -> None:
        raise OSError

    with pytest.raises(OSError, match="all attempts were made"):
        policy.call(dead)
    assert clock.monotonic() == 999 * 3600.0
