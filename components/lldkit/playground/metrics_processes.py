"""Processes over time: what a scrape says that they have counted together, while some of them die and start again.

Each worker is a real registry that writes its snapshot every few seconds; a scrape merges what was written. A new
process gets the pid of the one that died. Whoever names files by pid loses what the dead have counted; whoever adds
when the process began keeps it. Everything is in simulated seconds.
"""

from dataclasses import dataclass
from functools import reduce
from random import Random

from lldkit.charts import Figure, Line, Panel, Ticks
from lldkit.clock import ManualClock
from lldkit.metrics import CounterValue, Registry, Snapshot
from lldkit.playground.scene import Scene

__all__ = ["ProcessesTrace", "picture", "trace"]

SECONDS = 180
BOUNDS = {"workers": (1, 16), "rate": (1, 1_000), "restarts_per_minute": (0, 30), "flush_seconds": (1, 30)}
Points = tuple[tuple[float, float], ...]
Files = dict[tuple[int, ...], Snapshot]


@dataclass(frozen=True, slots=True)
class ProcessesTrace:
    """The total over time: what happened, and what a scrape says with and without start ids. `deaths` of each pid.

    `unflushed` is what the dead had not written yet: nobody can know it.
    """

    happened: Points
    with_start_ids: Points
    without: Points
    deaths: tuple[tuple[float, ...], ...]
    unflushed: int


class Worker:
    """A process: its pid, when it began, and what it has counted and written since."""

    def __init__(self, pid: int, clock: ManualClock) -> None:
        self.pid = pid
        self.registry = Registry(clock=clock)
        self.start = int(clock.monotonic())
        self.requests = self.registry.counter("requests")
        self.written = 0

    def flush(self, with_start_ids: Files, without: Files) -> None:
        """Write a snapshot under both names."""
        snapshot = self.registry.snapshot()
        with_start_ids[self.pid, self.start] = without[(self.pid,)] = snapshot
        self.written = int(self.requests.value)


def trace(
    *, workers: int = 4, rate: float = 20, restarts_per_minute: float = 3, flush_seconds: int = 2, seed: int = 7
) -> ProcessesTrace:
    """Three minutes of `workers` that handle `rate` requests a second each and are killed now and then.

    ValueError for a parameter out of bounds. Equal arguments give equal traces.
    """
    given = {"workers": workers, "rate": rate, "restarts_per_minute": restarts_per_minute}
    for what, value in {**given, "flush_seconds": flush_seconds}.items():
        least, most = BOUNDS[what]
        if not least <= value <= most:
            raise ValueError(f"{what} must be from {least:g} to {most:g}, got {value!r}")
    clock, rng = ManualClock(), Random(seed)
    living = [Worker(pid, clock) for pid in range(workers)]
    with_start_ids: Files = {}
    without: Files = {}
    happened = unflushed = 0
    lines: list[list[tuple[float, float]]] = [[], [], []]
    deaths: list[list[float]] = [[] for _ in living]
    for second in range(1, SECONDS + 1):
        clock.advance(1)
        for worker in list(living):
            handled = rng.randint(0, round(2 * rate))
            worker.requests.inc(handled)
            happened += handled
            if rng.random() < restarts_per_minute / 60 / workers:
                unflushed += int(worker.requests.value) - worker.written
                deaths[worker.pid].append(float(second))
                living[worker.pid] = Worker(worker.pid, clock)
            elif (second + worker.pid) % flush_seconds == 0:
                worker.flush(with_start_ids, without)
        for line, total in zip(lines, (happened, _total(with_start_ids), _total(without)), strict=True):
            line.append((float(second), float(total)))
    true, kept, lost = (tuple(line) for line in lines)
    return ProcessesTrace(true, kept, lost, tuple(map(tuple, deaths)), unflushed)


def _total(files: Files) -> float:
    """What a scrape says: all files as one."""
    value = reduce(Snapshot.merge, files.values(), Snapshot(0.0)).get("requests")
    return value.value if isinstance(value, CounterValue) else 0.0


def picture(run: ProcessesTrace) -> Figure:
    """The three totals over the deaths of each process."""
    lanes = [Ticks(died, f"pid {pid} dies", "bad") for pid, died in enumerate(run.deaths)]
    totals = [
        Line(run.happened, "happened", "quiet"),
        Line(run.with_start_ids, "files by pid and start", "good"),
        Line(run.without, "files by pid", "bad"),
    ]
    missing, lost = (run.happened[-1][1] - line[-1][1] for line in (run.with_start_ids, run.without))
    return Figure(
        f"{len(run.deaths)} processes that are killed and start again",
        [Panel([*lanes, *totals], "requests counted", 160)],
        x_label="seconds",
        x=(0, SECONDS),
        description=f"Of {run.happened[-1][1]:,.0f} requests a scrape misses {missing:,.0f} where a start id names the "
        f"file, which is what was not written in time, and {lost:,.0f} where the pid alone does.",
    )


SCENES = {"metrics/processes": Scene(trace, picture, BOUNDS)}
