"""What policies keep while a workload scans and shifts, and what happens when a hot entry expires."""

import asyncio
import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from lldkit.cache import Cache, LoadPolicy, PolicyName, XFetch, belady
from lldkit.charts import Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.clock import ManualClock
from lldkit.playground.scene import Scene

__all__ = [
    "BOUNDS",
    "NEXT",
    "HitTrace",
    "Protection",
    "StampedeTrace",
    "demo",
    "hit_picture",
    "hit_ratio",
    "stampede",
    "stampede_picture",
]

Protection = Literal["none", "single flight", "XFetch"]
NEXT = "lldkit cache simulate access.log --sizes 100,1000"
REQUESTS = 12_000
WINDOW = 400
STEP = 100
CALLERS = (1, 500)
BOUNDS: dict[str, tuple[float, float]] = {
    "maxsize": (10, 500),
    "keys": (100, 5_000),
    "zipf": (0.6, 1.3),
    "scan_every": (0, 6_000),
}


@dataclass(frozen=True, slots=True)
class HitTrace:
    """Hit ratios over the last 400 requests, every 100 requests, by policy; `ceiling` is Belady's over all."""

    ratios: dict[str, tuple[float, ...]]
    ceiling: float
    scans: tuple[int, ...]
    shift: int | None

    def mean(self, policy: str, start: int = 0, end: int = REQUESTS) -> float:
        """The mean ratio of `policy` between two requests."""
        part = self.ratios[policy][start // STEP : end // STEP]
        return sum(part) / max(1, len(part))


def hit_ratio(
    policies: Sequence[PolicyName] = ("lru", "lfu", "s3fifo"),
    *,
    maxsize: int = 100,
    keys: int = 1_000,
    zipf: float = 0.9,
    scan_every: int = 3_000,
    shift: bool = True,
    seed: int = 7,
) -> HitTrace:
    """12,000 requests by Zipf's law; every `scan_every` (0: never) come 300 keys once, and halfway popularity moves.

    Raises `ValueError` naming a parameter that is out of its bounds.
    """
    asked = {"maxsize": maxsize, "keys": keys, "zipf": zipf, "scan_every": scan_every}
    for name, value in asked.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    trace, scans = _workload(keys, zipf, scan_every, shift, Random(seed))
    ratios: dict[str, tuple[float, ...]] = {policy: _ratios(trace, policy, maxsize) for policy in policies}
    return HitTrace(ratios, belady(trace, maxsize=maxsize).hit_ratio, scans, REQUESTS // 2 if shift else None)


def _workload(keys: int, zipf: float, scan_every: int, shift: bool, rng: Random) -> tuple[list[int], tuple[int, ...]]:
    shares = list(itertools.accumulate(1 / rank**zipf for rank in range(1, keys + 1)))
    trace: list[int] = []
    scans: list[int] = []
    while len(trace) < REQUESTS:
        if scan_every and len(trace) // scan_every > len(scans):
            scans.append(len(trace))
            trace += range(10**6 * len(scans), 10**6 * len(scans) + 300)
        moved = keys if shift and len(trace) >= REQUESTS // 2 else 0
        trace.append(moved + bisect_left(shares, rng.random() * shares[-1]))
    return trace[:REQUESTS], tuple(scans)


def _ratios(trace: Sequence[int], policy: PolicyName, maxsize: int) -> tuple[float, ...]:
    cache = Cache[int, bool](maxsize=maxsize, policy=policy)
    recent: deque[bool] = deque(maxlen=WINDOW)
    ratios = []
    for number, key in enumerate(trace, 1):
        recent.append(cache.get(key) is not None)
        if not recent[-1]:
            cache.put(key, value=True)
        if number % STEP == 0:
            ratios.append(sum(recent) / len(recent))
    return tuple(ratios)


def hit_picture(run: HitTrace) -> Figure:
    """The hit ratio of each policy over time, beside Belady's."""
    panels = []
    for policy, ratios in run.ratios.items():
        points = [((index + 1) * STEP, ratio) for index, ratio in enumerate(ratios)]
        marks: list[Mark] = [Rule(run.ceiling, "Belady, over all", "quiet"), Line(points, policy, "one")]
        panels.append(Panel(marks, f"hit ratio, {policy}", 90, (0.0, 1.0)))
    events: list[Mark] = [Ticks([float(scan) for scan in run.scans], "scan", "bad")]
    if run.shift is not None:
        events.append(Ticks([float(run.shift)], "shift", "two"))
    panels.append(Panel(events, "", 50))
    says = ", ".join(f"{policy} {run.mean(policy):.1%}" for policy in run.ratios)
    return Figure(
        "Hit ratio over the last 400 requests",
        panels,
        x_label="requests",
        x=(0, REQUESTS),
        description=f"Means: {says}; the optimum is {run.ceiling:.1%}.",
    )


@dataclass(frozen=True, slots=True)
class StampedeTrace:
    """When loads of one hot key began, and how long callers waited; the entry expires every ten seconds."""

    protection: Protection
    loads: tuple[float, ...]
    waits: tuple[float, ...]


def stampede(protection: Protection = "none", *, callers: int = 50, seed: int = 7) -> StampedeTrace:
    """Half a minute in which `callers` ask for one key every quarter second; a load takes one second.

    Raises `ValueError` for a protection that is none, or callers out of bounds.
    """
    if not 1 <= callers <= CALLERS[1]:
        raise ValueError(f"callers must be from 1 to {CALLERS[1]}, got {callers!r}")
    if protection not in get_args(Protection):
        raise ValueError(f"protection must be one of {', '.join(get_args(Protection))}, got {protection!r}")
    return asyncio.run(_Stampede(protection, Random(seed)).run(callers))


class _Stampede:
    """Fifty tasks and one key, under a clock that is advanced by hand."""

    def __init__(self, protection: Protection, rng: Random) -> None:
        self._protection: Protection = protection
        self._clock = ManualClock()
        ahead = XFetch() if protection == "XFetch" else None
        loading = LoadPolicy(refresh_ahead=ahead)
        self._cache = Cache[str, int](maxsize=10, ttl=10, clock=self._clock, rng=rng, loading=loading)
        self._loads: list[float] = []
        self._waits: list[float] = []

    async def run(self, callers: int) -> StampedeTrace:
        tasks = []
        for _ in range(120):
            tasks += [asyncio.create_task(self._call()) for _ in range(callers)]
            for _ in range(8):
                await self._clock.asleep(0)  # only yields
            self._clock.advance(0.25)
        for _ in range(8):
            self._clock.advance(0.25)
            await self._clock.asleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return StampedeTrace(self._protection, tuple(self._loads), tuple(self._waits))

    async def _call(self) -> None:
        began = self._clock.monotonic()
        if self._protection == "none":
            if self._cache.get("hot") is None:
                self._cache.put("hot", await self._load("hot"))
        else:
            await self._cache.aget_or_load("hot", self._load)
        self._waits.append(self._clock.monotonic() - began)

    async def _load(self, _: str) -> int:
        self._loads.append(self._clock.monotonic())
        await self._clock.asleep(1.0)
        return len(self._loads)


def stampede_picture(runs: Sequence[StampedeTrace]) -> Figure:
    """The loads of each protection, one tick each, and the longest wait after the first load."""
    panels = []
    for run in runs:
        counts: dict[float, int] = {}
        for at in run.loads:
            counts[at] = counts.get(at, 0) + 1
        points = [(index / 4, float(counts.get(index / 4, 0))) for index in range(120)]
        panels.append(Panel([Line(points, "loads per quarter second", step=True)], run.protection, 90))
    says = "; ".join(f"{run.protection}: {len(run.loads)} loads" for run in runs)
    return Figure(
        "50 callers and one hot key that expires every 10 seconds",
        panels,
        x_label="seconds",
        x=(0, 30),
        description=f"{says}.",
    )


def demo() -> Figure:
    """The picture that `lldkit demo cache` shows: what a scan and a shift do to LRU, LFU and S3-FIFO."""
    return hit_picture(hit_ratio())


def _one(run: StampedeTrace) -> Figure:
    return stampede_picture([run])


SCENES = {"cache": Scene(hit_ratio, hit_picture, BOUNDS), "cache/stampede": Scene(stampede, _one, {"callers": CALLERS})}
