"""`Simulation`: a queue's own tasks in virtual time, while workers are killed and paused and the store fails them.

    def make(seed: int) -> Simulation:
        shop = Shop()                                        # fresh for each seed, with `shop.jobs`, its queue
        shop.charge.enqueue("order-7")                       # what waits there is what the simulation begins with
        return Simulation(shop.jobs, seed=seed, check=lambda: shop.charges == ["order-7"])

    seed = explore(make, seeds=range(1_000))                 # None, or the first that breaks a promise
    print(seed, seed.trace.faults, seed.trace.lines())       # with the fewest faults that still do
    make(seed).run()                                         # replays it with all of them

The workers are not `Worker` with its threads, but small ones of tasks that keep the same rules (`simulated`), over a
`MemoryStore` or one of yours. An `async def` task is killed where it stands, without `finally`; a `def` task has a
thread, and dies where it next sleeps on the queue's clock. A task that raises `lldkit.simulation.Crash` takes its
worker with it.
"""

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, Self, cast

from lldkit import simulation
from lldkit.arguments import check_count, check_number
from lldkit.clock import Clock
from lldkit.scheduler.interface import WAITING, StoreUnavailable
from lldkit.scheduler.memory import MemoryStore
from lldkit.scheduler.queue import Queue
from lldkit.scheduler.simulated import CLOCK, VERBS, Line, SimulatedWorker, Watched
from lldkit.scheduler.store import NewJob, Store
from lldkit.scheduler.witness import ALL, Witness
from lldkit.simulation import FaultFired, Process, Trace, simulate
from lldkit.simulation.faults import stream
from lldkit.simulation.search import smallest

__all__ = ["ClockSkew", "FailingSeed", "Fault", "Kill", "LostReply", "Pause", "Simulation", "StoreDown", "explore"]

RESTART_SECONDS = 2.0  # from the death of a worker to its next incarnation
STORE = "store"


class Fault(Protocol):
    """Something that goes wrong at a certain time. Workers are numbered from 1."""

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """One of this kind, drawn from the seed."""
        ...

    @abstractmethod
    def of_simulation(self) -> simulation.Fault | None:
        """The same as `lldkit.simulation` says it; None for what it has no word for."""


def _worker(number: int) -> str:
    return f"worker {number}"


def _soon(rng: Random) -> float:
    """A time of the first minute; early ones are more frequent, since most queues are empty soon."""
    return round(60 * rng.random() ** 3, 3)


@dataclass(frozen=True, slots=True)
class Kill(Fault):
    """`worker` dies at `at` and begins anew two seconds later."""

    worker: int
    at: float

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """Some worker at some time."""
        return cls(rng.randint(1, workers), _soon(rng))

    def of_simulation(self) -> simulation.Fault:
        """`lldkit.simulation.Kill`."""
        return simulation.Kill(_worker(self.worker), self.at)


@dataclass(frozen=True, slots=True)
class Pause(Fault):
    """`worker` stands still from `at` for `seconds`, and goes on as if nothing had been."""

    worker: int
    at: float
    seconds: float

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """Some worker for up to forty seconds."""
        return cls(rng.randint(1, workers), _soon(rng), round(rng.uniform(1, 40), 3))

    def of_simulation(self) -> simulation.Fault:
        """`lldkit.simulation.Pause`."""
        return simulation.Pause(_worker(self.worker), self.at, self.seconds)


@dataclass(frozen=True, slots=True)
class StoreDown(Fault):
    """The store refuses every call from `at` for `seconds`."""

    at: float
    seconds: float

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """For up to twenty seconds."""
        del workers
        return cls(_soon(rng), round(rng.uniform(0.5, 20), 3))

    def of_simulation(self) -> simulation.Fault:
        """`lldkit.simulation.Down`."""
        return simulation.Down(STORE, self.at, self.seconds, error=_unavailable)


@dataclass(frozen=True, slots=True)
class LostReply(Fault):
    """The first call of the store from `at` on takes effect, and its caller sees an error."""

    at: float

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """At some time."""
        del workers
        return cls(_soon(rng))

    def of_simulation(self) -> None:
        """There, replies are lost by a share of calls, not by time."""


@dataclass(frozen=True, slots=True)
class ClockSkew(Fault):
    """The calendar of `worker` is `seconds` ahead, or behind."""

    worker: int
    seconds: float

    @classmethod
    def drawn(cls, rng: Random, workers: int) -> Self:
        """Up to two hours either way."""
        return cls(rng.randint(1, workers), round(rng.uniform(-7_200, 7_200), 3))

    def of_simulation(self) -> simulation.Fault:
        """`lldkit.simulation.Skew`."""
        return simulation.Skew(_worker(self.worker), offset=self.seconds)


def _unavailable(message: str) -> StoreUnavailable:
    del message
    return StoreUnavailable("the store")


def _memory(clock: Clock) -> Store:
    return MemoryStore(clock=clock)


class Simulation:
    """The tasks, settings and waiting jobs of `queue` over a virtual clock and store, while things go wrong.

    `faults` has faults, or kinds of them, of which the seed then draws one to three. `store` makes the store of a run;
    its verbs may be `async def`. `check`, if given, must hold once all jobs have ended: anything false, or an error, is
    a violation. While `run` lasts the queue is under the virtual store, so enqueueing in a task is simulated too; do
    not use it elsewhere meanwhile. Time begins at what the queue's clock says: with a `ManualClock` the same seed gives
    the same bytes. A task takes its time from `asyncio` or from the queue's `clock`.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        seed: int,
        workers: int = 3,
        faults: Sequence[Fault | type[Fault]] = (Kill, Pause, StoreDown, LostReply, ClockSkew),
        lease_seconds: float = 10.0,
        store: Callable[[Clock], Store] = _memory,
        check: Callable[[], object] | None = None,
    ) -> None:
        self._queue = queue
        self._seed = seed
        self._workers = check_count("workers", workers, least=1)
        self._faults = list(_drawn(faults, stream(seed, "scheduler faults"), workers))
        for fault in self._faults:
            if not 1 <= getattr(fault, "worker", 1) <= workers:
                raise ValueError(f"workers are numbered from 1 to {workers}, got {fault}")
        self._lease_seconds = check_number("lease_seconds", lease_seconds, above=0.0)
        self._store = store
        self._check = check

    def run(self, *, limit_seconds: float = 3_600.0) -> Trace:
        """What happened, with `violations` of what every queue promises.

        Faults strike and schedules emit in the first half of `limit_seconds`; in the second half every job must end, be
        it dead or cancelled, or it is a violation.

        Other violations: a lease that runs is given away, a fence is used twice, an end with an old one is accepted,
        jobs of a key run at once, a job is gone, a worker fails.
        """
        return self.replay(limit_seconds, None)

    def replay(self, limit_seconds: float, keep: Iterable[FaultFired] | None) -> Trace:
        """`run` with only those of the faults that are in `keep`; None: with all."""
        half = check_number("limit_seconds", limit_seconds, above=0.0) / 2
        jobs = _waiting(self._queue)
        faults = [inside for fault in self._faults if (inside := fault.of_simulation()) is not None]
        with _lent(self._queue):
            world = functools.partial(self._world, jobs=jobs, within=half)
            return simulate(world, seed=self._seed, until=half, faults=faults, keep=keep)

    async def _world(self, sim: simulation.Simulation, *, jobs: list[NewJob], within: float) -> None:
        queue = self._queue
        sim.clock.step_wall((queue.clock.now() - sim.clock.now()).total_seconds())
        store = self._store(sim.clock)
        witness = Witness(store, queue.name, sim.trace)
        store.set_schedules(queue.name, queue.store.schedules(queue.name))
        watched = Watched(store, witness, self._losing(sim))
        queue.store = sim.faults.wrap(cast("Store", watched), name=STORE, only=VERBS)
        queue.clock = cast("Clock", _LocalClock(sim.clock))
        queue.rng = sim.rng("queue")
        queue.new_id = map("simulated-{}".format, range(ALL)).__next__
        witness.see("put", jobs, store.put(jobs))

        async def main(process: Process) -> None:
            line = Line(watched, sim.clock, sim.rng(f"{process.name} line"))
            worker = SimulatedWorker(
                process,
                queue,
                sim.faults.wrap(line, name=STORE),
                witness=witness,
                trace=sim.trace,
                lease_seconds=self._lease_seconds,
                is_over=lambda: sim.faults.healed,
            )
            try:
                await worker.run()
            except* Exception as group:
                error = group.exceptions[0]
                witness.violate("no worker fails", f"{process.name} died of {type(error).__name__}: {error}")
                raise

        for number in range(1, self._workers + 1):
            sim.process(_worker(number), main, restart_after=RESTART_SECONDS)
        sim.eventually("every job ends", witness.check_ended, within=within)
        if self._check is not None:
            sim.eventually("check", functools.partial(_checked, witness, self._check), within=within)

    def _losing(self, sim: simulation.Simulation) -> Callable[[], bool]:
        """Whether the answer to this call is lost."""
        left = sorted(fault.at for fault in self._faults if isinstance(fault, LostReply))

        def lose() -> bool:
            if not left or sim.clock.monotonic() < left[0]:
                return False
            return sim.faults.strike(f"LostReply(at={left.pop(0)!r})", STORE)

        return lose


def _checked(witness: Witness, check: Callable[[], object]) -> object:
    witness.check_ended()
    return check()


def _drawn(faults: Sequence[Fault | type[Fault]], rng: Random, workers: int) -> Iterator[Fault]:
    for fault in faults:
        if isinstance(fault, type):
            yield from (fault.drawn(rng, workers) for _ in range(rng.randint(1, 3)))
        else:
            yield fault


def _waiting(queue: Queue) -> list[NewJob]:
    """The jobs that have not begun, in the order of arrival."""
    records = queue.store.jobs(queue.name, state=None, task=None, limit=ALL, before=None)
    waiting = [record for record in reversed(records) if record.state in WAITING]
    ids = {record.new.id for record in waiting}
    return [
        record.new._replace(
            at=record.due,
            conflict=None,  # they are beside each other already
            parents=tuple(parent for parent in record.new.parents if parent in ids),
        )
        for record in waiting
    ]


@contextmanager
def _lent(queue: Queue) -> Iterator[None]:
    """Give the queue back as it was."""
    before = queue.store, queue.clock, queue.rng, queue.new_id
    try:
        yield
    finally:
        queue.store, queue.clock, queue.rng, queue.new_id = before


class _LocalClock:
    """The clock of the worker that asks, which may be wrong."""

    def __init__(self, base: Clock) -> None:
        self._base = base

    def __getattr__(self, name: str) -> Any:
        return getattr(CLOCK.get(self._base), name)


class FailingSeed(int):
    """A seed: `make(seed).run()` breaks a promise. `trace` is its life with the fewest faults that still break it."""

    trace: Trace

    def __new__(cls, seed: int, trace: Trace) -> Self:
        """The number, with what it does."""
        self = super().__new__(cls, seed)
        self.trace = trace
        return self


def explore(
    make: Callable[[int], Simulation], *, seeds: Iterable[int] = range(1_000), limit_seconds: float = 3_600.0
) -> FailingSeed | None:
    """The first seed that breaks a promise, with its faults shrunk in `trace.faults`; None if none does.

    `make(seed)` makes the simulation afresh, with its queue and whatever its tasks remember.
    """
    for seed in seeds:
        trace = make(seed).replay(limit_seconds, None)
        if trace.violations:
            broken = trace.violations[0].name

            def still_fails(kept: Sequence[FaultFired], seed: int = seed, broken: str = broken) -> bool:
                found = make(seed).replay(limit_seconds, kept).violations
                return any(violation.name == broken for violation in found)

            return FailingSeed(seed, make(seed).replay(limit_seconds, smallest(trace.faults, still_fails)))
    return None
