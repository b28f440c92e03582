"""Quantiles over time: what a real registry says of seeded latencies whose median shifts, beside the exact answer.

Three estimates of one quantile are drawn: over a sliding window with exponential and with explicit buckets, and over
the whole life with exponential ones; below them, how the observations spread over the buckets, each a power of two.
Everything is in simulated seconds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from lldkit.charts import Figure, Line, Panel, Ticks
from lldkit.clock import ManualClock
from lldkit.metrics import LATENCY_SECONDS, Exponential, ExponentialValue, Reader, Registry, Window
from lldkit.playground.scene import Scene

__all__ = ["NEXT", "Distribution", "QuantileTrace", "demo", "picture", "trace"]

NEXT = "lldkit kata start metrics"
SECONDS, SHIFT_AT, EVERY = 180.0, 90.0, 2.0
STROKES = 8  # of the heat strip, where a bucket has all observations of `EVERY` seconds
Distribution = Literal["lognormal", "bimodal", "pareto"]
DISTRIBUTIONS: dict[Distribution, Callable[[Random], float]] = {
    "lognormal": lambda rng: rng.lognormvariate(0.0, 0.5),
    "bimodal": lambda rng: rng.lognormvariate(0.0, 0.2) * (1.0 if rng.random() < 0.9 else 8.0),
    "pareto": lambda rng: rng.paretovariate(2.5),
}
BOUNDS = {
    "rate": (10, 1_000),
    "window": (10, 120),
    "median": (0.001, 5.0),
    "shift": (0.1, 10.0),
    "max_buckets": (8, 160),
    "q": (0, 1),
}
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class QuantileTrace:
    """What quantile `q` was over time, in seconds: exactly, and by each estimate. `error` was promised at the end.

    `shares` has, by the upper bounds of buckets, which share of the observations fell there, every other second.
    """

    name: str
    q: float
    error: float
    exact: Points
    exponential: Points
    explicit: Points
    lifetime: Points
    shares: tuple[tuple[float, Points], ...]


def trace(
    distribution: Distribution = "lognormal",
    *,
    q: float = 0.99,
    rate: float = 50,
    median: float = 0.06,
    shift: float = 2.0,
    window: float = 30.0,
    max_buckets: int = 160,
    seed: int = 7,
) -> QuantileTrace:
    """Three minutes of `rate` latencies a second, about `median` seconds long, and `shift` times that after 90 s.

    ValueError for a parameter out of bounds. Equal arguments give equal traces.
    """
    given = {"q": q, "rate": rate, "window": window, "median": median, "shift": shift, "max_buckets": max_buckets}
    for what, value in given.items():
        least, most = BOUNDS[what]
        if not least <= value <= most:
            raise ValueError(f"{what} must be from {least:g} to {most:g}, got {value!r}")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}")
    clock, rng, ring = ManualClock(), Random(seed), Window(window)
    registry = Registry(clock=clock)
    sketch = registry.histogram("exponential", buckets=Exponential(max_buckets=max_buckets), window=ring)
    fixed = registry.histogram("explicit", buckets=LATENCY_SECONDS, window=ring)
    reader, shares = registry.reader("delta"), dict[float, list[tuple[float, float]]]()
    seen: list[tuple[int, float]] = []
    points: list[list[tuple[float, float]]] = [[], [], [], []]
    for number in range(int(SECONDS * rate)):
        at = (number + 1) / rate
        clock.advance(at - clock.monotonic())
        latency = median * (shift if at >= SHIFT_AT else 1.0) * DISTRIBUTIONS[distribution](rng)
        seen.append((ring.slot_of(at), latency))
        for histogram in (sketch, fixed):
            histogram.observe(latency)
        if (number + 1) % max(1, int(EVERY * rate)) == 0:
            exact = _nearest_rank([value for slot, value in seen if slot > ring.slot_of(at) - ring.slots], q)
            answers = (exact, sketch.window.quantile(q), fixed.window.quantile(q), sketch.quantile(q))
            for line, answer in zip(points, answers, strict=True):
                line.append((at, answer or 0.0))
            for bound, share in _spread(reader):
                shares.setdefault(bound, []).append((at, share))
    error = getattr(sketch.value, "relative_error", 0.0)
    exact_line, exponential, explicit, lifetime = (tuple(line) for line in points)
    name, strip = f"{distribution}, p{q * 100:g}", tuple((bound, tuple(shares[bound])) for bound in sorted(shares))
    return QuantileTrace(name, q, error, exact_line, exponential, explicit, lifetime, strip)


def _spread(reader: Reader) -> list[tuple[float, float]]:
    """What was observed since the last time, by powers of two: the upper bound of each bucket, and its share."""
    value = reader.read().get("exponential")
    if not isinstance(value, ExponentialValue):
        return []
    return [(2.0 ** (index + 1), n / value.count) for index, n in value.downscaled(0).positive]


def _nearest_rank(values: Sequence[float], q: float) -> float:
    return sorted(values)[max(1, math.ceil(q * len(values))) - 1]


def picture(run: QuantileTrace) -> Figure:
    """One run: the estimates over a window beside the exact quantile, and the one over the whole life."""
    promised = [
        Line([(at, exact * factor) for at, exact in run.exact], name, "quiet", dashed=True)
        for factor, name in ((1 + run.error, "promised"), (1 - run.error, ""))
    ]
    window = Panel(
        [
            Line(run.exact, "exact", "quiet"),
            *promised,
            Line(run.exponential, "exponential buckets", "good"),
            Line(run.explicit, "explicit buckets", "bad"),
        ],
        f"{run.name}, of the window",
        140,
    )
    life = Panel(
        [Line(run.exact, "exact, of the window", "quiet"), Line(run.lifetime, "of the whole life", "one")],
        run.name,
        110,
    )
    off = max(abs(estimate / exact - 1) for (_, exact), (_, estimate) in zip(run.exact, run.exponential, strict=True))
    wrong = max(abs(estimate / exact - 1) for (_, exact), (_, estimate) in zip(run.exact, run.explicit, strict=True))
    return Figure(
        f"{run.name} of latencies that double after {SHIFT_AT:g} seconds",
        [window, life, heat_strip(run)],
        x_label="seconds",
        x=(0, SECONDS),
        description=f"Exponential buckets promise {run.error:.1%} and are off by {off:.1%} at most, "
        f"explicit ones by {wrong:.0%}.",
    )


def heat_strip(run: QuantileTrace) -> Panel:
    """A lane for each bucket, hatched the denser the more of the observations it has."""
    lanes = []
    for bound, shares in reversed(run.shares):
        counts = ((at, round(share * STROKES)) for at, share in shares)
        strokes = [at - EVERY * (1 - (stroke + 0.5) / n) for at, n in counts for stroke in range(n)]
        if strokes:
            lanes.append(Ticks(strokes, f"<= {bound:.3g} s", "one"))
    return Panel(lanes, "buckets, the denser the more")


def demo() -> Figure:
    """The picture that `lldkit demo metrics` shows."""
    return picture(trace())


SCENES = {"metrics": Scene(trace, picture, BOUNDS)}
