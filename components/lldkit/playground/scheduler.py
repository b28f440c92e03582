"""Workers over one store for two minutes of virtual time: what a heartbeat, a batch and a killed worker do to jobs."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from lldkit.charts import Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.clock import MICRO, ManualClock
from lldkit.scheduler import ClaimRequest, JobEvent, JobState, Lease, LeaseRef, MemoryStore, NewJob, Outcome, Renewal

__all__ = ["BOUNDS", "NEXT", "SchedulerTrace", "compare", "demo", "picture", "trace"]

NEXT = "lldkit demo retry"
SECONDS = 120.0
ARRIVALS_END = 90.0
BOUNDS: dict[str, tuple[float, float]] = {
    "workers": (1, 6),
    "rate": (0.1, 10.0),
    "seconds": (0.1, 10.0),
    "lease": (2.0, 30.0),
    "batch": (1, 50),
    "hold": (0.1, 120.0),
}


@dataclass(frozen=True, slots=True)
class SchedulerTrace:
    """What happened: when runs of each worker began, which ends were refused, and how many jobs waited."""

    name: str
    starts: tuple[tuple[float, ...], ...]
    refused: tuple[tuple[float, ...], ...]
    kills: tuple[float, ...]
    waiting: tuple[tuple[float, float], ...]
    jobs: int
    succeeded: int

    @property
    def runs_per_success(self) -> float:
        """1.0 when no job was run twice."""
        return sum(map(len, self.starts)) / max(1, self.succeeded)


def trace(
    *,
    workers: int = 3,
    rate: float = 0.8,
    seconds: float = 3.0,
    lease: float = 4.0,
    heartbeat: bool = True,
    batch: int = 1,
    hold: float = 1.0,
    kill: tuple[int, float] | None = (1, 30.0),
    seed: int = 7,
) -> SchedulerTrace:
    """Jobs arrive for 90 seconds, `rate` a second, and take `seconds` on average, exponentially distributed.

    Each worker runs one job at a time, claims `batch` at once and gives back what has waited for `hold` seconds. `kill`
    is (worker, time): it is gone for good. Raises `ValueError` naming a parameter that is out of its bounds.
    """
    asked = {"workers": workers, "rate": rate, "seconds": seconds, "lease": lease, "batch": batch, "hold": hold}
    for name, value in asked.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
    world = _World(Random(seed), lease, batch, hold, [_Worker(f"worker {n + 1}") for n in range(workers)])
    world.arrive(rate, seconds)
    for worker in world.workers:
        world.at(0.0, world.look, worker)
        if heartbeat:
            world.at(lease / 3, world.beat, worker)
    if kill is not None:
        world.at(kill[1], world.workers[kill[0] - 1].die)
    world.run()
    name = f"{'a' if heartbeat else 'no'} heartbeat, leases of {lease:g} s, batches of {batch}"
    return SchedulerTrace(
        name,
        tuple(tuple(worker.starts) for worker in world.workers),
        tuple(tuple(worker.refused) for worker in world.workers),
        () if kill is None else (kill[1],),
        tuple(world.waiting),
        world.jobs,
        world.store.stats("q").get(JobState.SUCCEEDED, 0),
    )


@dataclass
class _Worker:
    name: str
    alive: bool = True
    running: Lease | None = None
    held: list[Lease] = field(default_factory=list)  # claimed, and not started
    starts: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def die(self) -> None:
        self.alive = False


class _World:
    """A calendar of events over a real store."""

    def __init__(self, rng: Random, lease: float, batch: int, hold: float, workers: list[_Worker]) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(clock=self.clock)
        self.rng = rng
        self.lease, self.batch, self.hold = lease, batch, hold
        self.workers = workers
        self.jobs = 0
        self.lengths: dict[str, float] = {}
        self.waiting: list[tuple[float, float]] = []
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, act: Callable[..., None], *arguments: object) -> None:
        """Do something later."""
        heapq.heappush(self._calendar, (when, next(self._numbers), lambda: act(*arguments)))

    def run(self) -> None:
        """Let it happen."""
        while self._calendar and self._calendar[0][0] <= SECONDS:
            when, _, act = heapq.heappop(self._calendar)
            self.clock.advance(max(0.0, when - self.clock.monotonic()))
            act()
            stats = self.store.stats("q")
            self.waiting.append((when, float(stats.get(JobState.READY, 0) + stats.get(JobState.SCHEDULED, 0))))

    def arrive(self, rate: float, seconds: float) -> None:
        """Put all arrivals into the calendar."""
        when = self.rng.expovariate(rate)
        while when < ARRIVALS_END:
            job = NewJob(f"job-{self.jobs}", "[[],{}]", None, (), "q", "work")
            self.lengths[job.id] = self.rng.expovariate(1 / seconds)
            self.jobs += 1
            self.at(when, self.put, job)
            when += self.rng.expovariate(rate)

    def put(self, job: NewJob) -> None:
        """A job arrives, and idle workers hear of it."""
        self.store.put([job])
        for worker in self.workers:
            self.work(worker)

    def look(self, worker: _Worker) -> None:
        """A worker polls each second, which is how it finds lapsed leases."""
        if worker.alive:
            self.work(worker)
            self.at(self.clock.monotonic() + 1.0, self.look, worker)

    def work(self, worker: _Worker) -> None:
        """Begin the next job, if the worker is free."""
        if not worker.alive or worker.running is not None:
            return
        if not worker.held:
            want = ClaimRequest("q", self.batch, round(self.lease * MICRO), worker.name, True)
            worker.held = self.store.claim(want)
            if len(worker.held) > 1:
                self.at(self.clock.monotonic() + self.hold, self.give_back, worker, worker.held[-1])
        if worker.held:
            lease = worker.running = worker.held.pop(0)
            worker.starts.append(self.clock.monotonic())
            self.at(self.clock.monotonic() + self.lengths[lease.new.id], self.finish, worker, lease)

    def finish(self, worker: _Worker, lease: Lease) -> None:
        """A run has ended; the store may refuse it."""
        if worker.alive:
            worker.running = None
            if not self.store.settle([Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True)])[0]:
                worker.refused.append(self.clock.monotonic())
            self.work(worker)

    def give_back(self, worker: _Worker, last: Lease) -> None:
        """What could not start is for others."""
        if worker.alive and last in worker.held:
            held, worker.held = worker.held, []
            self.store.settle([Outcome(lease.new.id, lease.fence, JobEvent.RELEASE) for lease in held])
            for other in self.workers:
                self.work(other)

    def beat(self, worker: _Worker) -> None:
        """Renew what is held."""
        if worker.alive:
            leases = [*worker.held, *([worker.running] if worker.running else [])]
            refs = [LeaseRef(lease.new.id, lease.fence) for lease in leases]
            kept = self.store.renew(refs, seconds=self.lease)
            lost = {ref.id for ref, answer in zip(refs, kept, strict=True) if answer is Renewal.LOST}
            worker.held = [lease for lease in worker.held if lease.new.id not in lost]
            self.at(self.clock.monotonic() + self.lease / 3, self.beat, worker)


def picture(run: SchedulerTrace) -> Figure:
    """One run: a lane for the starts of each worker, and how many jobs wait."""
    panels = _panels(run)
    says = f"{run.jobs} jobs, {run.succeeded} succeeded, {run.runs_per_success:.2f} runs for each."
    return Figure(f"Workers over one store: {run.name}", panels, "seconds", (0, SECONDS), says)


def compare(runs: Sequence[SchedulerTrace]) -> Figure:
    """Several runs, one below the other."""
    panels = [panel for run in runs for panel in _panels(run)]
    says = "; ".join(f"{run.name}: {run.runs_per_success:.2f} runs for each that succeeded" for run in runs) + "."
    return Figure("Runs begun, ends refused, jobs waiting", panels, "seconds", (0, SECONDS), says)


def _panels(run: SchedulerTrace) -> list[Panel]:
    lanes: list[Mark] = []
    for number, (starts, refused) in enumerate(zip(run.starts, run.refused, strict=True), 1):
        lanes.append(Ticks(starts, f"worker {number}", "one"))
        if refused:
            lanes.append(Ticks(refused, f"{number} refused", "bad"))
    if run.kills:
        lanes.append(Ticks(run.kills, "killed", "bad"))
    waiting = Line(run.waiting, "waiting", "two", step=True)
    return [Panel(lanes, run.name, 24 * len(lanes) + 20), Panel([waiting, Rule(0.0, "", "quiet")], "waiting", 70)]


def demo() -> Figure:
    """The picture that `lldkit demo scheduler` shows: with and without a heartbeat."""
    return compare([trace(), trace(heartbeat=False)])
