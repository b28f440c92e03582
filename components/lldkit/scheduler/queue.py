"""`Queue`: the shell over a store. Jobs are enqueued, looked at and controlled through it; a `Worker` runs them."""

import asyncio
import functools
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal, ParamSpec, TypeVar

from lldkit.arguments import check_count, check_number
from lldkit.callables import kind_of
from lldkit.clock import SYSTEM, Clock, ManualClock
from lldkit.events import Emitter
from lldkit.retry import Backoff, exponential
from lldkit.scheduler.events import CancelRequested, EnqueueRefused, JobEnqueued, JobReplayed, QueueEvent
from lldkit.scheduler.inline import run_inline
from lldkit.scheduler.interface import ENDED, WAITING, JobFailed, JobState, Keep, Limit, QueueFull, Unique
from lldkit.scheduler.job import Job, Page, instant
from lldkit.scheduler.memory import MemoryStore
from lldkit.scheduler.schedules import Diff, Schedule
from lldkit.scheduler.store import NewJob, Record, Store
from lldkit.scheduler.tasks import Call, Graph, Options, Settings, Task
from lldkit.scheduler.ticker import Ticker
from lldkit.steps import Await, Do, Steps, arun, run
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["Queue", "QueueStats"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Ask = Callable[[], Any]  # a question to the store

LONGEST_PAGE = 1_000
LOOK_SECONDS = 1.0  # between two looks of who waits, in case that word of a change got lost


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How many jobs of a queue are in each state."""

    blocked: int = 0
    scheduled: int = 0
    ready: int = 0
    running: int = 0
    succeeded: int = 0
    dead: int = 0
    cancelled: int = 0

    @property
    def waiting(self) -> int:
        """Those before a run: what `capacity` bounds."""
        return self.blocked + self.scheduled + self.ready


class Queue:
    """Jobs of some tasks, in a store. Safe for threads and tasks.

    At most `capacity` jobs wait (None: any number); beyond that enqueueing raises `QueueFull`, or waits with
    `when_full="block"`. A job of priority p is ahead of what became due up to `aging_seconds` x p before it; with None
    the higher priority always goes first. `limits` bounds groups by name, `group_limit` every other group, over all
    workers. `keep` says which ended jobs are kept. `on_event` hears what is asked of this object; `Worker` has another.

    >>> queue = Queue()
    >>> @queue.task()
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> job = double.enqueue(21)
    >>> queue.run_inline()
    1
    >>> queue.result(job.id, timeout_seconds=0)
    42
    """

    def __init__(
        self,
        *,
        store: Store | None = None,
        name: str = "default",
        capacity: int | None = 100_000,
        when_full: Literal["raise", "block"] = "raise",
        aging_seconds: float | None = 60.0,
        limits: Mapping[str, Limit] | None = None,
        group_limit: Limit | None = None,
        keep: Keep = Keep(),  # noqa: B008 - it is immutable
        max_payload_bytes: int = 65_536,
        max_result_bytes: int = 65_536,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[QueueEvent], object] | None = None,
    ) -> None:
        if capacity is not None:
            check_count("capacity", capacity, least=1)
        if when_full not in {"raise", "block"}:
            raise ValueError(f"when_full must be 'raise' or 'block', got {when_full!r}")
        if aging_seconds is not None:
            check_number("aging_seconds", aging_seconds, most=86_400 * 365)
        self.store: Store = MemoryStore(clock=clock) if store is None else store
        self.name = name
        self.capacity = capacity
        self.when_full: Literal["raise", "block"] = when_full
        self.aging_seconds = aging_seconds
        self.limits = dict(limits or {})
        self.group_limit = group_limit
        self.keep = keep
        self.max_payload_bytes = check_count("max_payload_bytes", max_payload_bytes, least=1)
        self.max_result_bytes = check_count("max_result_bytes", max_result_bytes, least=1)
        self.clock = clock
        self.rng = rng or Random()
        self.new_id: Callable[[], str] = functools.partial(secrets.token_hex, 12)
        self._tasks: dict[str, Task[..., Any]] = {}
        self._emit: Emitter[QueueEvent] = Emitter(on_event)
        self.ticker = Ticker(self, self._emit)
        self._drain = _Drain(clock)
        self._line: deque[Turn] = deque()  # who waits for room, first come, first served

    def task(
        self,
        *,
        name: str | None = None,
        max_attempts: int = 5,
        max_crashes: int = 3,
        backoff: Backoff | None = None,
        retry_on: tuple[type[Exception], ...] = (Exception,),
        timeout_seconds: float | None = None,
        expires_seconds: float | None = None,
        priority: int = 0,
        unique: Unique | None = None,
        group: str | None = None,
    ) -> Callable[[Callable[P, R]], Task[P, R]]:
        """Make a task of a `def` or `async def`; the name, by default the function's, must be new to this queue.

        A run that raises one of `retry_on` is tried again after `backoff` (exponential by default), up to
        `max_attempts` in all. A job that kills its worker `max_crashes` times is dead. `timeout_seconds` bounds a run.
        """

        def decorate(function: Callable[P, R]) -> Task[P, R]:
            if kind_of(function) not in {"function", "coroutine"}:
                raise TypeError(f"a task is a function or a coroutine function, got the generator {function!r}")
            settings = Settings(
                name=name or str(getattr(function, "__name__", "")),
                max_attempts=max_attempts,
                max_crashes=max_crashes,
                backoff=exponential() if backoff is None else backoff,
                retry_on=retry_on,
                timeout_seconds=timeout_seconds,
            )
            if settings.name in self._tasks:
                raise ValueError(f"queue {self.name!r} has a task {settings.name!r} already; give another name=")
            chosen = Options(priority=priority, unique=unique, group=group, expires_seconds=expires_seconds)
            task = Task(self, function, settings, chosen)
            self._tasks[settings.name] = task
            return task

        return decorate

    def find(self, task: str) -> Task[..., Any] | None:
        """The task of that name, None if this process has none."""
        return self._tasks.get(task)

    def submit(self, calls: Iterable[Call] | Graph, *, connection: Any = None) -> list[Job]:
        """Enqueue many jobs at once, all or none; the answer is in their order. Errors as `Task.enqueue`."""
        ask = self._asking(calls, connection)
        if not self._line:  # the short way: `run` costs a third of a put into memory
            try:
                return ask()
            except QueueFull as full:
                self._refuse(full)
        return run(self._in_line(ask, ThreadTurn()), lambda ask: ask(), self.clock)

    async def asubmit(self, calls: Iterable[Call] | Graph, *, connection: Any = None) -> list[Job]:
        """`submit` for tasks of an event loop; the store is asked in a thread."""
        ask = self._asking(calls, connection)
        if not self._line:
            try:
                return await asyncio.to_thread(ask)
            except QueueFull as full:
                self._refuse(full)
        return await arun(self._in_line(ask, TaskTurn()), asyncio.to_thread, self.clock)

    def get(self, job_id: str) -> Job:
        """The job as it stands; `UnknownJob`."""
        return Job(self.store.get(job_id))

    def jobs(
        self,
        *,
        state: JobState | None = None,
        task: str | None = None,
        limit: int = 100,
        cursor: int | None = None,
    ) -> Page[Job]:
        """Jobs, the newest first; `cursor` is the `next` of the page before. At most 1,000 at once."""
        limit = min(check_count("limit", limit, least=1), LONGEST_PAGE)
        records = self.store.jobs(self.name, state=state, task=task, limit=limit + 1, before=cursor)
        more = len(records) > limit
        return Page([Job(record) for record in records[:limit]], records[limit - 1].seq if more else None)

    def dead_letters(self, *, task: str | None = None, limit: int = 100, cursor: int | None = None) -> Page[Job]:
        """Dead jobs; `Job.reason` and `Job.error` say why, `retry` replays one."""
        return self.jobs(state=JobState.DEAD, task=task, limit=limit, cursor=cursor)

    def stats(self) -> QueueStats:
        """Count the jobs of each state."""
        return QueueStats(**{state.value: count for state, count in self.store.stats(self.name).items()})

    def prune(self) -> int:
        """Forget ended jobs as `keep` says; how many. Workers do it too."""
        return self.store.prune(self.name, self.keep)

    def cancel(self, job_id: str) -> bool:
        """Cancel a waiting job, ask a running one to stop; False when it has ended already. `UnknownJob`.

        A running job is CANCELLED when its run ends, however it ends.
        """
        is_heard = self.store.cancel(job_id)
        if is_heard and self._emit:
            self._emit(CancelRequested(self.clock.now(), job_id))
        return is_heard

    def retry(self, job_id: str) -> Job:
        """Replay a dead or cancelled job with all its attempts, and what was cancelled because of it.

        `UnknownJob`; `lldkit.machine.InvalidTransition` for a job in another state.
        """
        job = Job(self.store.retry(job_id))
        if self._emit:
            self._emit(JobReplayed(self.clock.now(), job.id, job.task))
        return job

    def schedule(self, schedule: Schedule) -> None:
        """Let workers of this process enqueue the schedule's call whenever it is due, from now on."""
        self.ticker.add(schedule)

    def sync_schedules(self, schedules: Iterable[Schedule]) -> Diff:
        """Have these schedules and no others; what has changed goes on from its last due time."""
        return self.ticker.sync(schedules)

    def pause(self, name: str) -> None:
        """Let a schedule emit nothing, in all processes; ValueError for an unknown name."""
        self.ticker.pause(name, paused=True)

    def resume(self, name: str) -> None:
        """Let it go on from now."""
        self.ticker.pause(name, paused=False)

    def backfill(self, name: str, start: datetime, end: datetime) -> int:
        """Enqueue what a schedule would have emitted in [start, end), one after the other; how many due times."""
        return self.ticker.backfill(name, start, end)

    def tick(self) -> int:
        """Emit what is due; workers do it. Any number of processes may call it."""
        return self.ticker.tick()

    async def atick(self) -> int:
        """`tick` for tasks of an event loop."""
        return await asyncio.to_thread(self.tick)

    def result(self, job_id: str, *, timeout_seconds: float) -> Any:
        """Wait for the job's end and return its result; `JobFailed` if it has none, `TimeoutError`, `UnknownJob`."""
        return run(self._waiting(job_id, timeout_seconds, ThreadTurn()), lambda ask: ask(), self.clock)

    async def aresult(self, job_id: str, *, timeout_seconds: float) -> Any:
        """`result` for tasks of an event loop."""
        return await arun(self._waiting(job_id, timeout_seconds, TaskTurn()), asyncio.to_thread, self.clock)

    @property
    def listener_failures(self) -> int:
        """How often `on_event` has raised."""
        return self._emit.failures

    def run_inline(self) -> int:
        """Run in this thread whatever is ready, and what that makes ready; how many runs. For tests and scripts."""
        return run_inline(self)

    def advance(self, seconds: float) -> int:
        """Move a `ManualClock` from due time to due time, tick, and run what is due; how many runs. For tests."""
        if not isinstance(self.clock, ManualClock):
            raise TypeError(f"advance() moves a ManualClock; this queue runs by {self.clock!r}")
        until = self.clock.now() + timedelta(seconds=check_number("seconds", seconds))
        runs = self.run_inline()
        while (due := self._next_moment()) is not None and due <= until:
            self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
            self.tick()
            runs += self.run_inline()
        self.clock.advance(max(0.0, (until - self.clock.now()).total_seconds()))
        return runs

    def _next_moment(self) -> datetime | None:
        """When time alone will change something."""
        due = self.store.next_due(self.name)
        moments = [None if due is None else instant(due), self.ticker.next_run(self.clock.now())]
        return min((moment for moment in moments if moment is not None), default=None)

    def assert_enqueued(self, task: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> Job:
        """The first waiting job of `task` with just these arguments; `AssertionError` lists those there are."""
        wanted = task.call(*args, **kwargs).payload
        records = self.store.jobs(self.name, state=None, task=task.name, limit=LONGEST_PAGE, before=None)
        waiting = [record for record in reversed(records) if record.state in WAITING]
        for record in waiting:
            if record.new.payload == wanted:
                return Job(record)
        raise AssertionError(f"no job {task.name} {wanted} waits; there are {[each.new.payload for each in waiting]}")

    def _asking(self, calls: Iterable[Call] | Graph, connection: Any) -> Callable[[], list[Job]]:
        """Putting these jobs, as a question that may be asked again."""
        if isinstance(calls, Graph):
            ids = {id(node): self.new_id() for node in calls.nodes}
            jobs = [
                node.call.new_job(ids[id(node)], tuple(ids[id(parent)] for parent in node.parents))
                for node in calls.nodes
            ]
        else:
            jobs = [call.new_job(self.new_id()) for call in calls]
        for job in jobs:
            if job.queue != self.name:
                raise ValueError(f"task {job.task!r} belongs to queue {job.queue!r}, not to {self.name!r}")
        return functools.partial(self._put, jobs, connection)

    def _put(self, jobs: list[NewJob], connection: Any) -> list[Job]:
        puts = self.store.put(jobs, capacity=self.capacity, connection=connection)
        if self._emit and connection is None:
            for record, is_new in puts:
                self._emit(JobEnqueued(self.clock.now(), record.new.id, record.new.task, is_new))
        return [Job(put.record) for put in puts]

    def _refuse(self, full: QueueFull) -> None:
        """Raise, unless callers are to wait for room; the message gets a hint when there may be room."""
        if self.when_full == "raise":
            full = QueueFull(full.capacity, full.size, self._drain.seconds(self.store.claims(self.name)))
            if self._emit:
                self._emit(EnqueueRefused(self.clock.now(), full.capacity, full.size, full.retry_after))
            raise full from None

    def _in_line(self, ask: Ask, turn: Turn) -> Steps[Ask, list[Job]]:
        """Wait for room: who came first asks first, whenever something has changed."""
        self._line.append(turn)
        unsubscribe = self.store.subscribe(turn.give)
        try:
            while True:
                turn.take()
                if self._line[0] is turn:
                    try:
                        jobs: list[Job] = yield Do(ask)
                    except QueueFull:
                        pass
                    else:
                        return jobs
                yield Await(turn, self.clock.monotonic() + LOOK_SECONDS)
        finally:
            unsubscribe()
            self._line.remove(turn)
            if self._line:
                self._line[0].give()

    def _waiting(self, job_id: str, timeout_seconds: float, turn: Turn) -> Steps[Ask, Any]:
        """Look at the job whenever something has changed."""
        deadline = self.clock.monotonic() + check_number("timeout_seconds", timeout_seconds)
        unsubscribe = self.store.subscribe(turn.give)
        try:
            while True:
                turn.take()
                record: Record = yield Do(functools.partial(self.store.get, job_id))
                if record.state is JobState.SUCCEEDED:
                    return Job(record).result
                if record.state in ENDED:
                    raise JobFailed(Job(record))
                if self.clock.monotonic() >= deadline:
                    raise TimeoutError(f"job {job_id} is {record.state.value} after {timeout_seconds:g} s")
                yield Await(turn, min(deadline, self.clock.monotonic() + LOOK_SECONDS))
        finally:
            unsubscribe()

    def __repr__(self) -> str:
        return f"<Queue {self.name!r} over {self.store!r}>"


class _Drain:
    """How fast jobs leave the queue, from the number of claims between two refusals."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[float, int] | None = None

    def seconds(self, claims: int) -> float | None:
        """How long one claim takes, None while nothing is known."""
        now = self._clock.monotonic()
        at, before = self._seen or (now, claims)
        if self._seen is None or now - at > 10 * LOOK_SECONDS:
            self._seen = now, claims
        return (now - at) / (claims - before) if claims > before else None
