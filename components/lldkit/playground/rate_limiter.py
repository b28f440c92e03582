"""A rate limiter under a burst: ten simulated seconds of arrivals, what was granted, and how the bucket stood."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lldkit.charts import Figure, Line, Panel, Rule, Ticks
from lldkit.playground.scene import Scene
from lldkit.rate_limiter import (
    Algorithm,
    Quota,
    fixed_window,
    gcra,
    sliding_counter,
    sliding_log,
    token_bucket,
)

__all__ = ["ALGORITHMS", "NEXT", "RateLimiterTrace", "compare", "demo", "picture", "trace"]

ALGORITHMS: dict[str, Algorithm[Any]] = {
    each.name: each for each in (gcra, token_bucket, sliding_log, sliding_counter, fixed_window)
}
NEXT = "lldkit kata start rate_limiter"
SECOND = 1_000_000
SECONDS = 10
GRID = SECOND // 20
BOUNDS = {"rate": (0, 50), "flood": (0, 100), "limit": (1, 50), "burst": (1, 100)}


@dataclass(frozen=True, slots=True)
class RateLimiterTrace:
    """What happened: times in seconds, `remaining` and `trailing` (units granted in the last second) over time."""

    algorithm: str
    quota: Quota
    admitted: tuple[float, ...]
    denied: tuple[float, ...]
    remaining: tuple[tuple[float, int], ...]
    trailing: tuple[tuple[float, int], ...]


def trace(
    algorithm: str = "gcra", *, rate: int = 6, flood: int = 25, limit: int = 10, burst: int = 5, seed: int = 7
) -> RateLimiterTrace:
    """Ten seconds of Poisson arrivals (`rate` a second) and two floods of `flood` calls, against `limit` a second.

    Windows and logs have no burst of their own. Raises `ValueError` naming a parameter that is out of its bounds.
    """
    for name, value in {"rate": rate, "flood": flood, "limit": limit, "burst": burst}.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {value!r}")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    rule = ALGORITHMS[algorithm]
    quota = Quota(limit, 1.0, burst if rule.bursts else limit)
    return _run(rule, quota, _arrivals(rate, flood, Random(seed)))


def _arrivals(rate: int, flood: int, rng: Random) -> list[int]:
    """Microseconds of the calls: a steady stream, a flood across the edge of a second, and one within a second."""
    times, at = [], 0.0
    while rate and (at := at + rng.expovariate(rate)) < SECONDS:
        times.append(round(at * SECOND))
    for middle in (3.0, 7.5):
        times += [round((middle + rng.uniform(-0.12, 0.12)) * SECOND) for _ in range(flood)]
    return sorted(times)


def _run(rule: Algorithm[Any], quota: Quota, arrivals: Sequence[int]) -> RateLimiterTrace:
    state: Any = None
    admitted: list[int] = []
    denied: list[int] = []
    remaining, trailing = [], []
    events = sorted([(at, 1) for at in arrivals] + [(at, 0) for at in range(0, SECONDS * SECOND + 1, GRID)])
    for at, cost in events:
        state, verdict = rule.decide(quota, state, at, cost)
        if cost:
            (admitted if verdict else denied).append(at)
        remaining.append((at / SECOND, verdict.remaining))
        trailing.append((at / SECOND, sum(at - SECOND < then for then in admitted)))
    return RateLimiterTrace(
        rule.name,
        quota,
        tuple(at / SECOND for at in admitted),
        tuple(at / SECOND for at in denied),
        tuple(remaining),
        tuple(trailing),
    )


def picture(run: RateLimiterTrace) -> Figure:
    """One run: the calls, what is left for the next one, and what passed in the last second."""
    calls = Panel([Ticks(run.admitted, "admitted", "good"), Ticks(run.denied, "denied", "bad")], "calls")
    left = Panel([Line(run.remaining, "units left", step=True)], "left")
    passed = Panel(
        [Line(run.trailing, "in the last second", "two", step=True), Rule(run.quota.limit, "limit")], "passed"
    )
    calls_in_all = len(run.admitted) + len(run.denied)
    return Figure(
        f"{run.algorithm}: {run.quota.limit} per second, burst {run.quota.burst}",
        [calls, left, passed],
        x_label="seconds",
        x=(0, SECONDS),
        description=f"{len(run.admitted)} of {calls_in_all} calls are admitted by {run.algorithm}.",
    )


def compare(runs: Sequence[RateLimiterTrace]) -> Figure:
    """The same calls under several algorithms: what passed in the last second, against the limit."""
    panels = [
        Panel([Line(run.trailing, run.algorithm, step=True), Rule(run.quota.limit, "limit")], run.algorithm, height=90)
        for run in runs
    ]
    highest = max((height for run in runs for _, height in run.trailing), default=1)
    top = math.ceil(highest / 5) * 5
    panels = [Panel(panel.marks, panel.label, panel.height, (0, top)) for panel in panels]
    return Figure("Units that passed in the last second", panels, x_label="seconds", x=(0, SECONDS))


def demo() -> Figure:
    """The picture that `lldkit demo rate_limiter` shows."""
    return picture(trace())


SCENES = {"rate_limiter": Scene(trace, picture, BOUNDS, {"algorithm": list(ALGORITHMS)})}
