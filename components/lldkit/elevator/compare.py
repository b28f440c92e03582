"""Several dispatchers on the same people: a table, a chart, and which differences are more than noise."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import combinations
from multiprocessing import get_context
from statistics import fmean, stdev
from typing import TypeAlias

from lldkit.arguments import check_count
from lldkit.charts import Bar, Bars, Figure
from lldkit.elevator.building import Building
from lldkit.elevator.interface import Dispatcher, ElevatorError
from lldkit.elevator.simulate import simulate
from lldkit.elevator.statistics import Difference, paired, t_quantile, unpaired
from lldkit.elevator.traffic import Traffic

__all__ = ["Comparison", "Progress", "compare"]

COLUMNS = {
    "wait s": "wait.mean",
    "wait² s²": "wait.mean_square",
    "p95 s": "wait.p95",
    "journey s": "journey.mean",
    "over 60 s %": "percent_wait_over_60",
    "stops": "stops",
    "floors": "floors_travelled",
    "parked": "parked",
}
MOST_BREAKS = 3  # of a pool of processes; then it is not bad luck

Figures: TypeAlias = dict[str, float] | None
"""The metrics of one run by name; None of a saturated run."""
Progress: TypeAlias = Callable[[int, int, "Comparison"], object]
Task: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of each dispatcher by seed. `partial` when not all runs are finished."""

    seeds: tuple[int, ...]
    hours: float
    figures: Mapping[str, Mapping[int, Figures]] = field(repr=False)
    partial: bool = False

    def values(self, name: str, metric: str) -> list[float]:
        """One metric of one dispatcher, seed by seed; of seeds that are finished and not saturated."""
        return [figures[metric] for figures in self._runs(name).values() if figures is not None]

    def saturated(self, name: str) -> bool:
        """Whether a run of this dispatcher was saturated."""
        return any(figures is None for figures in self._runs(name).values())

    def paired(self, a: str, b: str, *, metric: str = "wait.mean", level: float = 0.95) -> Difference:
        """The difference a - b over the seeds that both have finished, with its interval.

        Of a saturated dispatcher no mean is known: `ValueError`.
        """
        xs, ys = self._pairs(a, b, metric)
        return paired(xs, ys, level=level)

    def unpaired(self, a: str, b: str, *, metric: str = "wait.mean", level: float = 0.95) -> Difference:
        """The same as if each had seen other people: what is gained by showing both the same."""
        return unpaired(*self._pairs(a, b, metric), level=level)

    def verdict(self, a: str, b: str, *, metric: str = "wait.mean") -> str:
        """The comparison in a sentence."""
        if self.saturated(a) or self.saturated(b):
            return f"{a} and {b}: saturated"
        if len(self._pairs(a, b, metric)[0]) < 2:
            return f"{a} and {b}: too few seeds to tell"
        d = self.paired(a, b, metric=metric)
        if not d.significant:
            return f"{a} and {b}: indistinguishable ({d.mean:+.2f}, {d.low:+.2f} to {d.high:+.2f})"
        better, worse = (a, b) if d.mean < 0 else (b, a)
        low, high = sorted((abs(d.low), abs(d.high)))
        return f"{better} beats {worse} by {abs(d.mean):.2f} ({low:.2f} to {high:.2f})"

    def table(self) -> str:
        """One line for each dispatcher, then one for each pair."""
        head = f"{'':<14}" + "".join(f"{title:>13}" for title in COLUMNS)
        names = [name for name in self.figures if self._runs(name)]
        lines = [head, *(self._line(name) for name in names)]
        lines += ["", "wait.mean, 95 % intervals over the same people:"]
        lines += [f"  {self.verdict(a, b)}{self._if_unpaired(a, b)}" for a, b in combinations(names, 2)]
        if self.partial:
            lines.append("partial: not all runs were finished")
        return "\n".join(lines)

    def _if_unpaired(self, a: str, b: str) -> str:
        """The interval that other people for each would give: what the pairs are worth."""
        if self.saturated(a) or self.saturated(b) or len(self._pairs(a, b, "wait.mean")[0]) < 2:
            return ""
        other = self.unpaired(a, b)
        return f"; over other people {other.low:+.2f} to {other.high:+.2f}"

    def svg(self) -> str:
        """A chart of the mean waits."""
        bars = [
            Bar(name, fmean(values), f"{fmean(values):.1f} s{_half(values)}")
            for name in self.figures
            if (values := self.values(name, "wait.mean")) and not self.saturated(name)
        ]
        title = f"Mean wait over {len(self.seeds)} x {self.hours:g} hours"
        return Figure(title, [Bars(bars)] if bars else [Bars([Bar("saturated", 0.0)])]).to_svg()

    def to_json(self) -> str:
        """All figures; null for a saturated run."""
        return json.dumps({"seeds": self.seeds, "hours": self.hours, "partial": self.partial, "figures": self.figures})

    def _runs(self, name: str) -> Mapping[int, Figures]:
        if name not in self.figures:
            raise ValueError(f"there is no dispatcher {name!r} here; there are {', '.join(self.figures)}")
        return self.figures[name]

    def _pairs(self, a: str, b: str, metric: str) -> tuple[list[float], list[float]]:
        if self.saturated(a) or self.saturated(b):
            raise ValueError(f"{a if self.saturated(a) else b} is saturated; it has no mean to compare")
        both = [seed for seed in self.seeds if seed in self._runs(a) and seed in self._runs(b)]
        runs = [(self.figures[a][seed] or {}, self.figures[b][seed] or {}) for seed in both]
        return [x[metric] for x, _ in runs], [y[metric] for _, y in runs]

    def _line(self, name: str) -> str:
        if self.saturated(name):
            return f"{name:<14}    saturated"
        return f"{name:<14}" + "".join(f"{fmean(self.values(name, metric)):>13.2f}" for metric in COLUMNS.values())


def _half(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    return f" ± {t_quantile(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5:.1f}"


def compare(
    building: Building,
    traffic: Traffic,
    dispatchers: Mapping[str, Dispatcher],
    *,
    seeds: Iterable[int],
    hours: float,
    workers: int = 1,
    on_progress: Progress | None = None,
) -> Comparison:
    """Run every dispatcher on the same people for each seed, and put the figures side by side.

    With `workers` above 1 the runs are shared by processes, which then need dispatchers that can be pickled, and
    traffic of the class methods; the result is the same for any number. When a process dies, its runs are done again.
    `on_progress` is told how many of how many runs are finished, and the comparison so far.
    """
    check_count("workers", workers, least=1)
    seeds = tuple(dict.fromkeys(seeds))
    if not seeds or not dispatchers:
        raise ValueError("compare needs at least one dispatcher and one seed")
    tasks: list[Task] = [(name, seed) for seed in seeds for name in dispatchers]

    def play(task: Task) -> tuple[Building, Traffic, Dispatcher, float, int]:
        return building, traffic, dispatchers[task[0]], hours, task[1]

    done: dict[Task, Figures] = {}
    finished = ((task, _figures(*play(task))) for task in tasks) if workers == 1 else _shared(tasks, play, workers)
    for task, figures in finished:
        done[task] = figures
        if on_progress is not None:
            on_progress(len(done), len(tasks), _so_far(dispatchers, seeds, hours, done, len(tasks)))
    return _so_far(dispatchers, seeds, hours, done, len(tasks))


def _so_far(
    names: Iterable[str], seeds: tuple[int, ...], hours: float, done: Mapping[Task, Figures], total: int
) -> Comparison:
    figures = {name: {seed: done[name, seed] for seed in seeds if (name, seed) in done} for name in names}
    return Comparison(seeds, hours, figures, partial=len(done) < total)


def _figures(building: Building, traffic: Traffic, dispatcher: Dispatcher, hours: float, seed: int) -> Figures:
    run = simulate(building, traffic, dispatcher, hours=hours, seed=seed)
    return None if run.saturated else run.metrics()


def _shared(
    tasks: Sequence[Task], play: Callable[[Task], tuple[Building, Traffic, Dispatcher, float, int]], workers: int
) -> Iterator[tuple[Task, Figures]]:
    left = dict.fromkeys(tasks)
    for _ in range(MOST_BREAKS):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures: dict[Future[Figures], Task] = {pool.submit(_figures, *play(task)): task for task in left}
            try:
                for future in as_completed(futures):
                    result = future.result()
                    del left[futures[future]]
                    yield futures[future], result
            except BrokenProcessPool:
                continue
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return
    raise ElevatorError(f"processes died {MOST_BREAKS} times; {len(left)} runs are not finished")
