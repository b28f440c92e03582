"""A breaker through an outage: two simulated minutes of calls, what became of each, and how the window stood."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from lldkit.charts import Band, Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.circuit_breaker import (
    AdaptiveThrottle,
    CircuitBreaker,
    CircuitOpen,
    OpenFor,
    State,
    consecutive,
    rate,
    within,
)
from lldkit.clock import ManualClock
from lldkit.playground.scene import Scene

__all__ = ["NEXT", "BreakerTrace", "demo", "fleet", "outage", "partial", "picture", "reopenings"]

NEXT = "lldkit kata start circuit_breaker"
SECONDS = 120.0
BOUNDS = {
    "calls": (1, 500),
    "start": (0, 120),
    "length": (0, 120),
    "depth": (0.0, 1.0),
    "window": (1.0, 60.0),
    "threshold": (0.05, 1.0),
    "open_for": (1.0, 60.0),
    "growth": (1.0, 4.0),
    "probes": (1, 20),
    "ramp_up": (0.0, 60.0),
}


@dataclass(frozen=True, slots=True)
class BreakerTrace:
    """What happened: times in seconds of each kind of call, (time, state), and (time, failure rate of the window)."""

    title: str
    served: tuple[float, ...]
    failed: tuple[float, ...]
    refused: tuple[float, ...]
    states: tuple[tuple[float, State], ...]
    failure_rate: tuple[tuple[float, float], ...]
    threshold: float | None


def outage(
    *,
    calls: int = 10,
    start: float = 20,
    length: float = 50,
    depth: float = 1.0,
    window: float = 10.0,
    threshold: float = 0.5,
    open_for: float = 5.0,
    growth: float = 2.0,
    probes: int = 3,
    ramp_up: float = 10.0,
    throttle: bool = False,
    seed: int = 7,
) -> BreakerTrace:
    """Two minutes of Poisson calls to a dependency that fails a share of `depth` from `start` on for `length` seconds.

    `throttle=True` puts an `AdaptiveThrottle` in the place of the breaker. `ValueError` names a value out of bounds.
    """
    given = dict(locals())
    for name, (low, high) in BOUNDS.items():
        if not low <= given[name] <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {given[name]!r}")
    clock, rng = ManualClock(), Random(seed)
    guard: CircuitBreaker | AdaptiveThrottle
    if throttle:
        guard = AdaptiveThrottle("shop", window=within(window), clock=clock, rng=Random(seed))
    else:
        guard = CircuitBreaker(
            "shop",
            window=within(window),
            trip=rate(failures=threshold, min_calls=10),
            open_for=OpenFor(open_for, factor=growth, cap=60.0),
            probes=probes,
            ramp_up=ramp_up,
            clock=clock,
            rng=Random(seed),
        )
    title = "adaptive throttle" if throttle else "circuit breaker"
    run = _run(f"{title}, {depth:.0%} outage", guard, clock, rng, (calls, start, start + length, depth))
    return run if throttle else replace(run, threshold=threshold)


def _run(
    title: str,
    guard: CircuitBreaker | AdaptiveThrottle,
    clock: ManualClock,
    rng: Random,
    trouble: tuple[float, float, float, float],
) -> BreakerTrace:
    calls, begins, ends, depth = trouble
    ended: dict[str, list[float]] = {"served": [], "failed": [], "refused": []}
    states, rates = [(0.0, State.CLOSED)], [(0.0, 0.0)]
    while (wait := rng.expovariate(calls)) + clock.monotonic() < SECONDS:
        clock.advance(wait)
        now = clock.monotonic()
        fails = begins <= now < ends and rng.random() < depth
        try:
            permit = guard.admit()
        except CircuitOpen:
            ended["refused"].append(now)
        else:
            (permit.failure if fails else permit.success)()
            ended["failed" if fails else "served"].append(now)
        state = guard.state if isinstance(guard, CircuitBreaker) else State.CLOSED
        if state is not states[-1][1]:
            states.append((now, state))
        rates.append((now, guard.stats.failure_rate))
    kinds = {kind: tuple(times) for kind, times in ended.items()}
    return BreakerTrace(title, **kinds, states=tuple(states), failure_rate=tuple(rates), threshold=None)


def picture(run: BreakerTrace) -> Sequence[Panel]:
    """One run: the calls over the state, and the failure rate of the window against the threshold."""
    ends = [*(at for at, _ in run.states[1:]), SECONDS]
    tones = {State.OPEN: "bad", State.HALF_OPEN: "two", State.RAMPING: "one"}
    bands = [
        Band(at, end, state.value.replace("_", " "), tones[state])  # type: ignore[arg-type]
        for (at, state), end in zip(run.states, ends, strict=True)
        if state in tones and end > at
    ]
    lanes = [Ticks(run.served, "served"), Ticks(run.failed, "failed", "bad"), Ticks(run.refused, "refused", "quiet")]
    rule = [] if run.threshold is None else [Rule(run.threshold, "threshold")]
    window: list[Mark] = [*bands, Line(_thinned(run.failure_rate), "failure rate", step=True), *rule]
    return [Panel(lanes, run.title), Panel(window, "window", 90, (0.0, 1.0))]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points where the height changes by something that can be seen, so that a drawing stays small."""
    kept = [points[0]]
    kept += [point for point in points[1:] if abs(point[1] - kept[-1][1]) >= 0.02 or point[0] - kept[-1][0] >= 1.0]
    return kept


def reopenings(*, nodes: int = 20, jitter: float = 0.1, seed: int = 7) -> list[float]:
    """When each of `nodes` breakers that opened together lets its first probe through, in seconds, over four rounds."""
    clock, times = ManualClock(), list[float]()
    fleet_of = [
        CircuitBreaker(
            f"node {number}",
            trip=consecutive(1),
            open_for=5.0,
            jitter=jitter,
            probes=1,
            clock=clock,
            rng=Random(seed * 1_000 + number),
        )
        for number in range(nodes)
    ]
    for breaker in fleet_of:
        breaker.trip()
    while clock.monotonic() < 22:
        waits = [wait for breaker in fleet_of if (wait := breaker.stats.retry_after) is not None]
        clock.advance(max(1e-6, min(waits)))
        for breaker in fleet_of:
            if breaker.state is State.HALF_OPEN:
                times.append(clock.monotonic())
                breaker.admit().failure()
    return times


def fleet() -> Figure:
    """Probes of 20 nodes that opened together, without and with jitter."""
    panels = [
        Panel([Ticks(reopenings(jitter=jitter), f"jitter {jitter}", "two")], f"jitter {jitter}")
        for jitter in (0.0, 0.1)
    ]
    most = {jitter: _most_at_once(reopenings(jitter=jitter)) for jitter in (0.0, 0.1)}
    return Figure(
        "When the probes of 20 nodes arrive",
        panels,
        x_label="seconds",
        x=(0, 22),
        description=f"Within 50 ms arrive up to {most[0.0]} probes without jitter, up to {most[0.1]} with it.",
    )


def _most_at_once(times: Sequence[float], span: float = 0.05) -> int:
    return max(sum(at <= other < at + span for other in times) for at in times)


def demo() -> Figure:
    """A whole outage, as `lldkit demo circuit_breaker` shows it."""
    run = outage()
    sent = [at for at in run.failed if at >= 20]
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    return Figure(
        "A circuit breaker through an outage",
        picture(run),
        x_label="seconds",
        x=(0, SECONDS),
        description=(
            f"In 50 seconds of outage {len(sent)} calls reach the dependency and {len(run.refused)} are refused; "
            f"the longest rest is {math.floor(max(gaps))} s."
        ),
    )


def partial() -> Figure:
    """A partial outage, under a breaker that flaps and a throttle that settles."""
    runs = [outage(depth=0.6, length=90, growth=1.0, ramp_up=0.0, throttle=throttle) for throttle in (False, True)]
    panels = [panel for run in runs for panel in picture(run)]
    openings = sum(state is State.OPEN for _, state in runs[0].states)
    return Figure(
        "A partial outage",
        panels,
        x_label="seconds",
        x=(0, SECONDS),
        description=f"The breaker opens {openings} times and serves {len(runs[0].served)} calls, "
        f"the throttle serves {len(runs[1].served)}.",
    )


def figure(run: BreakerTrace) -> Figure:
    """Two minutes, whatever went wrong in them."""
    says = f"{len(run.served)} calls are served, {len(run.failed)} fail and {len(run.refused)} are refused."
    return Figure(f"Two minutes: {run.title}", picture(run), x_label="seconds", x=(0, SECONDS), description=says)


SCENES = {"circuit_breaker": Scene(outage, figure, BOUNDS)}
