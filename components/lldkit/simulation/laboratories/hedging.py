"""Hedged calls: send a second copy when the first is late, and take whichever answers first.

Source: J. Dean, L. A. Barroso, The Tail at Scale (2013).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lldkit.simulation.laboratories.report import Report

__all__ = ["Hedging", "hedging"]

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Hedging(Report):
    """The same calls without and with a second copy.

    A call is slow that takes longer than `threshold`, the `quantile` of single calls; a request is slow when one of its
    calls is. `slow_share` is the share of slow requests without hedging, `extra_calls` that of calls that needed a
    second copy, `p999_ratio` how many times shorter hedging makes the 99.9th percentile of requests. `plain` and
    `hedged` are the times of requests at `quantiles`.
    """

    slow_share: float
    extra_calls: float
    p999_ratio: float
    threshold: float
    quantiles: tuple[float, ...]
    plain: tuple[float, ...]
    hedged: tuple[float, ...]


def hedging(
    latency: Callable[[Random], float],
    *,
    quantile: float,
    fan_out: int = 1,
    requests: int,
    seed: int = 0,
) -> Hedging:
    """Make `requests` of `fan_out` parallel calls each, and hedge every call that is later than the `quantile`.

    `latency` draws the seconds of one call. The threshold is measured on calls made before.

    >>> pareto = hedging(lambda rng: rng.paretovariate(1.5), quantile=0.95, requests=20_000, seed=1)
    >>> pareto.extra_calls < 0.055, pareto.p999_ratio > 5
    (True, True)
    """
    if not 0 < quantile < 1 or fan_out < 1 or requests < 1:
        raise ValueError(
            "quantile lies between 0 and 1, fan_out and requests are at least 1, got "
            f"{quantile!r}, {fan_out!r}, {requests!r}"
        )
    rng = Random(seed)
    threshold = _at(sorted(latency(rng) for _ in range(max(10_000, requests))), quantile)
    plain, hedged, copies = [], [], 0
    for _ in range(requests):
        first = [latency(rng) for _ in range(fan_out)]
        late = [seconds for seconds in first if seconds > threshold]
        copies += len(late)
        slowest = max(first)
        plain.append(slowest)
        if late:
            in_time = max((seconds for seconds in first if seconds <= threshold), default=0.0)
            slowest = max(in_time, *(min(seconds, threshold + latency(rng)) for seconds in late))
        hedged.append(slowest)
    slow = sum(seconds > threshold for seconds in plain)
    plain.sort()
    hedged.sort()
    return Hedging(
        slow_share=slow / requests,
        extra_calls=copies / (requests * fan_out),
        p999_ratio=_at(plain, 0.999) / _at(hedged, 0.999),
        threshold=threshold,
        quantiles=QUANTILES,
        plain=tuple(_at(plain, each) for each in QUANTILES),
        hedged=tuple(_at(hedged, each) for each in QUANTILES),
    )


def _at(ordered: Sequence[float], quantile: float) -> float:
    return ordered[min(int(len(ordered) * quantile), len(ordered) - 1)]
