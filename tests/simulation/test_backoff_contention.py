"""backoff_contention against the vector set `backoff-contention` and the published ratios."""

from collections.abc import Callable
from random import Random
from statistics import mean

import pytest

from conftest import Vectors
from lldkit.simulation.laboratories import backoff_contention

BASE, CAP = 0.005, 2.0  # seconds
SEEDS = range(40)
Delay = Callable[[int, float, Random], float]


def whole(failures: int) -> float:
    return min(CAP, BASE * 2.0 ** min(failures, 64))


ALGORITHMS: dict[str, Delay] = {
    "none": lambda failures, previous, rng: 0.0,
    "exponential": lambda failures, previous, rng: whole(failures),
    "equal_jitter": lambda failures, previous, rng: whole(failures) / 2 + rng.uniform(0, whole(failures) / 2),
    "full_jitter": lambda failures, previous, rng: rng.uniform(0, whole(failures)),
    "decorrelated": lambda failures, previous, rng: min(CAP, rng.uniform(BASE, 3 * (previous or BASE))),
}


def measured(algorithm: str, clients: int) -> tuple[float, float]:
    """Mean calls and milliseconds of 40 seeds."""
    runs = [backoff_contention(ALGORITHMS[algorithm], clients=clients, seed=seed) for seed in SEEDS]
    return mean(run.calls for run in runs), 1_000 * mean(run.seconds for run in runs)


def test_ten_rows_of_the_published_simulator_are_met(vectors: Vectors) -> None:
    rows = vectors.json("backoff-contention", "results.json")
    assert len(rows) == 10
    for row in rows:
        calls, milliseconds = measured(row["algorithm"], row["clients"])
        small = row["clients"] == 10
        assert calls == pytest.approx(row["calls"], rel=0.06 if small else 0.04), row
        assert milliseconds == pytest.approx(row["time"], rel=0.20 if small else 0.10), row


def test_with_a_hundred_clients_jitter_saves_work_and_time() -> None:
    calls, times = zip(*(measured(name, 100) for name in ALGORITHMS), strict=True)
    call_of, time_of = (dict(zip(ALGORITHMS, values, strict=True)) for values in (calls, times))
    assert call_of["full_jitter"] == pytest.approx(call_of["equal_jitter"], rel=0.04)
    assert sorted(call_of, key=call_of.__getitem__)[2:] == ["decorrelated", "exponential", "none"]
    assert time_of["decorrelated"] == pytest.approx(time_of["full_jitter"], rel=0.10)
    by_time = sorted(time_of, key=time_of.__getitem__)
    assert (by_time[0], by_time[3:]) == ("none", ["equal_jitter", "exponential"])
    # Brooker, Exponential backoff and jitter, 2015.
    assert call_of["exponential"] / call_of["full_jitter"] == pytest.approx(2.34, rel=0.05)
    assert time_of["exponential"] / time_of["full_jitter"] == pytest.approx(12.9, rel=0.12)


def test_one_client_never_fails_and_takes_four_messages() -> None:
    report = backoff_contention(ALGORITHMS["none"], clients=1)
    assert report.calls == 1
    assert report.seconds == pytest.approx(0.040, abs=0.012)
    assert report.waiting.values == (0.0,)


def test_the_delay_is_told_how_often_and_how_long_before() -> None:
    heard = list[tuple[int, float]]()

    def delay(failures: int, previous: float, rng: Random) -> float:
        heard.append((failures, previous))
        return 0.001 * failures

    report = backoff_contention(delay, clients=2, seed=1)
    assert heard[0] == (1, 0.0)
    assert all(previous == pytest.approx(0.001 * (failures - 1)) for failures, previous in heard)
    assert len(heard) == report.calls - 2
