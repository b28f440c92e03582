"""Workers over one store for two minutes of virtual time: what a heartbeat, a batch and a killed worker do to jobs."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from lldkit.charts import Figure, Line, Mark, Panel, Rule, Ticks
from lldkit.clock import MICRO, ManualClock
from lldkit.playground.scene import Scene
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
    "aging": (0.0, 120.0),
    "urgent": (0.0, 1.0),
    "fail": (0.0, 0.9),
}
URGENT = 5
"""The priority of urgent jobs."""
RETRY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class SchedulerTrace:
    """What happened: when runs of each worker began, which ends were refused or failed, and how many jobs waited.

    `longest_wait` is that of a job of priority 0, from its arrival to its first run or to the end of the picture.
    """

    name: str
    starts: tuple[tuple[float, ...], ...]
    refused: tuple[tuple[float, ...], ...]
    failed: tuple[tuple[float, ...], ...]
    kills: tuple[float, ...]
    pauses: tuple[float, ...]
    waiting: tuple[tuple[float, float], ...]
    jobs: int
    succeeded: int
    longest_wait: float

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
    aging: float | None = 60.0,
    urgent: float = 0.0,
    fail: float = 0.0,
    kill: tuple[int, float] | None = (1, 30.0),
    pause: tuple[int, float, float] | None = None,
    seed: int = 7,
) -> SchedulerTrace:
    """Jobs arrive for 90 seconds, `rate` a second, and take `seconds` on average, exponentially distributed.

    Each worker runs one job at a time, claims `batch` at once and gives back what has waited for `hold` seconds. A
    share `urgent` of the jobs has priority 5, worth 5 x `aging` seconds of waiting (None: it always goes first); a
    share `fail` of the runs fails and is tried again. `kill` is (worker, time): it is gone for good; `pause` is
    (worker, time, seconds): it stands still. Raises `ValueError` naming a parameter that is out of its bounds.
    """
    asked = {"workers": workers, "rate": rate, "seconds": seconds, "lease": lease, "batch": batch, "hold": hold}
    _check({**asked, "aging": 0.0 if aging is None else aging, "urgent": urgent, "fail": fail})
    for what, times in (("kill", kill), ("pause", pause)):
        if times is not None and not (1 <= times[0] <= workers and all(0 <= at <= SECONDS for at in times[1:])):
            raise ValueError(
                f"{what} must name a worker from 1 to {workers} and seconds up to {SECONDS:g}, got {times!r}"
            )
    crew = [_Worker(f"worker {n + 1}") for n in range(workers)]
    world = _World(crew, seed=seed, lease=lease, batch=batch, hold=hold, fail=fail)
    world.arrive(rate, seconds, urgent, 2**47 if aging is None else round(URGENT * aging * MICRO))
    for worker in world.workers:
        world.soon(0.0, worker, world.look)
        if heartbeat:
            world.soon(lease / 3, worker, world.beat)
    if kill is not None:
        world.at(kill[1], world.workers[kill[0] - 1].die)
    if pause is not None:
        world.at(pause[1], world.workers[pause[0] - 1].pause, pause[1] + pause[2])
    world.run()
    name = f"{'a' if heartbeat else 'no'} heartbeat, leases of {lease:g} s, batches of {batch}"
    return SchedulerTrace(
        name,
        tuple(tuple(worker.starts) for worker in world.workers),
        tuple(tuple(worker.refused) for worker in world.workers),
        tuple(tuple(worker.failed) for worker in world.workers),
        () if kill is None else (kill[1],),
        () if pause is None else (pause[1], pause[1] + pause[2]),
        tuple(world.waiting),
        world.jobs,
        world.store.stats("q").get(JobState.SUCCEEDED, 0),
        world.longest_wait(),
    )


def _check(asked: dict[str, float]) -> None:
    for name, value in asked.items():
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")


@dataclass
class _Worker:
    name: str
    alive: bool = True
    paused_until: float = 0.0
    running: Lease | None = None
    held: list[Lease] = field(default_factory=list)  # claimed, and not started
    starts: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)

    def die(self) -> None:
        self.alive = False

    def pause(self, until: float) -> None:
        self.paused_until = until


class _World:
    """A calendar of events over a real store."""

    def __init__(
        self, workers: list[_Worker], *, seed: int, lease: float, batch: int, hold: float, fail: float
    ) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(clock=self.clock)
        self.rng, self.luck = Random(seed), Random(f"{seed} luck")
        self.lease, self.batch, self.hold, self.fail = lease, batch, hold, fail
        self.workers = workers
        self.jobs = 0
        self.lengths: dict[str, float] = {}
        self.waits: dict[str, tuple[float, float]] = {}  # of jobs of priority 0: arrival, first run
        self.waiting: list[tuple[float, float]] = []
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, act: Callable[..., None], *arguments: object) -> None:
        """Do something later."""
        heapq.heappush(self._calendar, (when, next(self._numbers), lambda: act(*arguments)))

    def soon(self, when: float, worker: _Worker, act: Callable[..., None], *arguments: object) -> None:
        """Let a worker do something later: not if it is dead by then, and after its pause if it is paused."""

        def unless_paused() -> None:
            if worker.alive and self.clock.monotonic() < worker.paused_until:
                self.at(worker.paused_until, unless_paused)
            elif worker.alive:
                act(worker, *arguments)

        self.at(when, unless_paused)

    def run(self) -> None:
        """Let it happen."""
        while self._calendar and self._calendar[0][0] <= SECONDS:
            when, _, act = heapq.heappop(self._calendar)
            self.clock.advance(max(0.0, when - self.clock.monotonic()))
            act()
            stats = self.store.stats("q")
            self.waiting.append((when, float(stats.get(JobState.READY, 0) + stats.get(JobState.SCHEDULED, 0))))

    def arrive(self, rate: float, seconds: float, urgent: float, head_start: int) -> None:
        """Put all arrivals into the calendar."""
        when = self.rng.expovariate(rate)
        while when < ARRIVALS_END:
            job = NewJob(f"job-{self.jobs}", "[[],{}]", None, (), "q", "work")
            if self.luck.random() < urgent:
                job = job._replace(priority=URGENT, head_start=head_start)
            else:
                self.waits[job.id] = when, SECONDS
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
        self.work(worker)
        self.soon(self.clock.monotonic() + 1.0, worker, self.look)

    def work(self, worker: _Worker) -> None:
        """Begin the next job, if the worker is free."""
        now = self.clock.monotonic()
        if not worker.alive or now < worker.paused_until or worker.running is not None:
            return
        if not worker.held:
            want = ClaimRequest("q", self.batch, round(self.lease * MICRO), worker.name, True)
            worker.held = self.store.claim(want)
            if len(worker.held) > 1:
                self.soon(now + self.hold, worker, self.give_back, worker.held[-1])
        if worker.held:
            lease = worker.running = worker.held.pop(0)
            worker.starts.append(now)
            if lease.new.id in self.waits:
                arrival, first = self.waits[lease.new.id]
                self.waits[lease.new.id] = arrival, min(first, now)
            self.soon(now + self.lengths[lease.new.id], worker, self.finish, lease)

    def finish(self, worker: _Worker, lease: Lease) -> None:
        """A run has ended, well or not; the store may refuse it."""
        worker.running = None
        outcome = Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True)
        if self.luck.random() < self.fail:
            outcome = outcome._replace(event=JobEvent.RETRY, delay=RETRY_SECONDS * MICRO)
            worker.failed.append(self.clock.monotonic())
        if not self.store.settle([outcome])[0]:
            worker.refused.append(self.clock.monotonic())
        self.work(worker)

    def give_back(self, worker: _Worker, last: Lease) -> None:
        """What could not start is for others."""
        if last in worker.held:
            held, worker.held = worker.held, []
            self.store.settle([Outcome(lease.new.id, lease.fence, JobEvent.RELEASE) for lease in held])
            for other in self.workers:
                self.work(other)

    def beat(self, worker: _Worker) -> None:
        """Renew what is held."""
        leases = [*worker.held, *([worker.running] if worker.running else [])]
        refs = [LeaseRef(lease.new.id, lease.fence) for lease in leases]
        kept = self.store.renew(refs, seconds=self.lease)
        lost = {ref.id for ref, answer in zip(refs, kept, strict=True) if answer is Renewal.LOST}
        worker.held = [lease for lease in worker.held if lease.new.id not in lost]
        self.soon(self.clock.monotonic() + self.lease / 3, worker, self.beat)

    def longest_wait(self) -> float:
        """The longest time from arrival to first run of a job of priority 0."""
        return max((first - arrival for arrival, first in self.waits.values()), default=0.0)


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
    for number, (starts, failed, refused) in enumerate(zip(run.starts, run.failed, run.refused, strict=True), 1):
        lanes.append(Ticks(starts, f"worker {number}", "one"))
        if failed:
            lanes.append(Ticks(failed, f"{number} failed", "two"))
        if refused:
            lanes.append(Ticks(refused, f"{number} refused", "bad"))
    if run.kills:
        lanes.append(Ticks(run.kills, "killed", "bad"))
    if run.pauses:
        lanes.append(Ticks(run.pauses, "paused", "quiet"))
    waiting = Line(run.waiting, "waiting", "two", step=True)
    return [Panel(lanes, run.name, 24 * len(lanes) + 20), Panel([waiting, Rule(0.0, "", "quiet")], "waiting", 70)]


def demo() -> Figure:
    """The picture that `lldkit demo scheduler` shows: with and without a heartbeat."""
    return compare([trace(), trace(heartbeat=False)])


SCENES = {"scheduler": Scene(trace, picture, {**BOUNDS, "kill": (0.0, SECONDS), "pause": (0.0, SECONDS)})}
