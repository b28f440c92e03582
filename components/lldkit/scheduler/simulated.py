"""A worker of the simulation, and its line to the store: what `Worker` does with threads, done with tasks."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from random import Random
from typing import Any

from lldkit.clock import MICRO, Clock
from lldkit.scheduler.interface import StoreUnavailable
from lldkit.scheduler.job import instant
from lldkit.scheduler.queue import Queue
from lldkit.scheduler.running import End, Running, Stop, arun_job
from lldkit.scheduler.store import ClaimRequest, Lease, LeaseRef, Outcome, Renewal, Store
from lldkit.scheduler.witness import Witness
from lldkit.simulation import Crash, Process, Trace
from lldkit.turns import TaskTurn

__all__ = ["CLOCK", "VERBS", "Line", "SimulatedWorker", "Watched"]

CONCURRENCY = 2
POLL_SECONDS = 30.0
REFUSED_SECONDS = 1.0  # something is due, but not for this worker now
LATENCY = 0.001, 0.02  # seconds each way
VERBS = frozenset({"put", "claim", "renew", "settle", "fire", "cancel", "retry"})
"""What changes a store; faults strike these."""
CLOCK: ContextVar[Clock] = ContextVar("lldkit.scheduler.simulated.clock")
"""The clock of the worker whose code runs."""
_THREADS = ThreadPoolExecutor(1)  # stands for any: on a virtual loop its jobs take turns in threads of that loop


class Watched:
    """A store whose every change is shown to the witness, and whose answers get lost when `lose` says so."""

    def __init__(self, store: Store, witness: Witness, lose: Callable[[], bool]) -> None:
        self._store = store
        self._witness = witness
        self._lose = lose

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        return functools.partial(self._ask, name, attribute) if name in VERBS else attribute

    def _ask(self, name: str, verb: Callable[..., Any], asked: Any, **options: Any) -> Any:
        answer = verb(asked, **options)
        if inspect.isawaitable(answer):  # a verb may be `async def`, so that others get in between its statements
            return self._later(name, asked, answer, options)
        return self._seen(name, asked, answer, options)

    async def _later(self, name: str, asked: Any, answer: Any, options: dict[str, Any]) -> Any:
        return self._seen(name, asked, await answer, options)

    def _seen(self, name: str, asked: Any, answer: Any, options: dict[str, Any]) -> Any:
        self._witness.see(name, asked, answer, options.get("seconds", 0.0))
        if self._lose():
            raise StoreUnavailable("the store")
        return answer


class Line:
    """A worker's way to the store, which takes time in both directions."""

    def __init__(self, store: Any, clock: Clock, rng: Random) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng

    async def claim(self, want: ClaimRequest) -> list[Lease]:
        """Lease jobs."""
        leases: list[Lease] = await self._ask("claim", want)
        return leases

    async def renew(self, refs: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        """Move deadlines."""
        renewals: list[Renewal] = await self._ask("renew", refs, seconds=seconds)
        return renewals

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """End runs."""
        answers: list[bool] = await self._ask("settle", outcomes)
        return answers

    async def _ask(self, verb: str, asked: Any, **options: Any) -> Any:
        await self._clock.asleep(self._rng.uniform(*LATENCY))
        answer = getattr(self._store, verb)(asked, **options)
        if inspect.isawaitable(answer):
            answer = await answer
        await self._clock.asleep(self._rng.uniform(*LATENCY))
        return answer


class SimulatedWorker:
    """One incarnation of a worker: claims, runs, renews and settles, two jobs at once, until nothing is left to do.

    `is_over` says whether schedules emit nothing more.
    """

    def __init__(
        self,
        process: Process,
        queue: Queue,
        line: Line,
        *,
        witness: Witness,
        trace: Trace,
        lease_seconds: float,
        is_over: Callable[[], bool],
    ) -> None:
        self._process = process
        self._clock = process.clock
        self._name = f"{process.name}, {process.incarnation}"
        self._queue = queue
        self._line = line
        self._witness = witness
        self._trace = trace
        self._lease_seconds = lease_seconds
        self._is_over = is_over
        self._held: dict[Running, asyncio.Task[None]] = {}
        self._runs: dict[Running, asyncio.Task[End]] = {}
        self._group = asyncio.TaskGroup()
        self._turn = TaskTurn()

    async def run(self) -> None:
        """Work until nothing is SCHEDULED, READY or RUNNING."""
        CLOCK.set(self._clock)
        self._queue.store.subscribe(self._turn.give)
        async with self._group as group:  # so that whatever fails ends the worker
            beating = group.create_task(self._beat())
            while self._held or not self._is_idle():
                self._turn.take()
                wait = await self._look()
                await self._turn.wait(self._clock, wait)
            beating.cancel()

    def _is_idle(self) -> bool:
        stats = self._queue.stats()
        is_empty = not (stats.scheduled or stats.ready or stats.running)
        return is_empty and (self._is_over() or not self._queue.ticker)

    async def _look(self) -> float:
        """Emit what is due and claim what there is room for; for how long there is nothing to do."""
        try:
            if not self._is_over():
                self._queue.tick()
            if (room := CONCURRENCY - len(self._held)) <= 0 or any(each.lease.suspect for each in self._held):
                return POLL_SECONDS
            await self._claim(room)
        except StoreUnavailable as error:
            return error.retry_after
        now = self._queue.store.now()
        due, tick = self._queue.store.next_due(self._queue.name), self._queue.ticker.next_run(instant(now))
        waits = [POLL_SECONDS]
        if due is not None:
            waits.append((due - now) / MICRO if due > now else REFUSED_SECONDS)
        if tick is not None:
            waits.append((tick - instant(now)).total_seconds())
        return max(0.0, min(waits))

    async def _claim(self, room: int) -> None:
        asked_at, queue = self._clock.monotonic(), self._queue
        lease = round(self._lease_seconds * MICRO)
        want = ClaimRequest(queue.name, room, lease, self._name, not self._held, queue.limits, queue.group_limit)
        for each in await self._line.claim(want):
            running = Running(queue, each, asked_at + self._lease_seconds)
            self._held[running] = self._group.create_task(self._work(running))

    async def _work(self, running: Running) -> None:
        """Run a job, and tell the store how it ended until it has heard it."""
        job = self._witness.name(running.lease.new.id)
        self._trace.record(self._process.name, f"begins {job}, {running.lease.new.task}, fence {running.fence}")
        run = self._runs[running] = asyncio.create_task(self._run(running))
        end = await run
        del self._runs[running]
        if isinstance(end.interrupt, Crash):
            self._process.crash()
            return
        if isinstance(end.interrupt, asyncio.CancelledError):  # the simulation is over
            raise end.interrupt
        self._trace.record(self._process.name, f"ends {job}: {end.outcome.event.value} {end.error or ''}".rstrip())
        if not await self._settle(end.outcome):
            self._trace.record(self._process.name, f"is refused its end of {job}, fence {running.fence}")
        del self._held[running]
        self._turn.give()

    async def _run(self, running: Running) -> End:
        running.started_at = self._clock.monotonic()
        loop = asyncio.get_running_loop()
        if running.task is not None and (seconds := running.task.settings.timeout_seconds) is not None:
            loop.call_later(seconds, self._stop, running, Stop.TIMEOUT)
        return await arun_job(running, _THREADS)

    async def _settle(self, outcome: Outcome) -> bool:
        while True:
            try:
                return (await self._line.settle([outcome]))[0]
            except StoreUnavailable as error:
                await self._clock.asleep(error.retry_after)

    async def _beat(self) -> None:
        """Renew what is held each third of a lease; stop what could not be renewed in time."""
        while True:
            await self._clock.asleep(self._lease_seconds / 3)
            held, asked_at = list(self._held), self._clock.monotonic()
            try:
                refs = [LeaseRef(each.lease.new.id, each.fence, each.reported) for each in held]
                answers = await self._line.renew(refs, seconds=self._lease_seconds) if refs else []
            except StoreUnavailable:
                answers = []
            for running, answer in zip(held, answers, strict=False):
                if answer is Renewal.LOST:
                    self._stop(running, Stop.LOST)
                    continue
                running.deadline = asked_at + self._lease_seconds
                if answer is Renewal.CANCEL:
                    self._stop(running, Stop.CANCELLED)
            for running in held:
                if self._clock.monotonic() >= running.deadline:
                    self._stop(running, Stop.LOST)

    def _stop(self, running: Running, why: Stop) -> None:
        """Ask a job to stop; one that has not begun sees it when it does."""
        if (run := self._runs.get(running)) is not None:
            running.stop = running.stop or why
            if running.started_at is not None:
                run.cancel()
