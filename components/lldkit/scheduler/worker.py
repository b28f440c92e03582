"""`Worker`: takes leases on jobs, runs them, and tells the store how they ended.

Three kinds of threads share the work, and meet in `Holdings`: the one that calls `run` keeps the time, the runner's run
the jobs, the heartbeat renews the leases. Claiming and settling is one `_step`, which one thread at a time does: one of
the runner that has ended a job and finds few left, so that a batch costs no change of threads; else the first.
"""

import asyncio
import functools
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Literal

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO
from lldkit.events import Emitter
from lldkit.scheduler.events import StoreFailed, WorkerEvent
from lldkit.scheduler.heartbeat import Heartbeat, by_store
from lldkit.scheduler.holdings import Holdings
from lldkit.scheduler.interface import StoreUnavailable
from lldkit.scheduler.outcomes import released
from lldkit.scheduler.prefetch import Prefetch
from lldkit.scheduler.processes import ProcessRunner
from lldkit.scheduler.queue import Queue
from lldkit.scheduler.runners import Runner, TaskRunner, ThreadRunner
from lldkit.scheduler.running import End, Running, Stop, timed_out
from lldkit.scheduler.store import ClaimRequest
from lldkit.turns import ThreadTurn

__all__ = ["Worker"]

TEND_SECONDS = 1.0  # between two looks at what can be forgotten, and at what schedules have due
GRACE_SECONDS = 0.5  # for jobs that were asked to stop


class Worker:
    """Runs the jobs of one or several queues until it is stopped. One `run` per worker.

    `concurrency` jobs run at once, in a `runner` of threads, on an event loop, or in processes, where a job that hangs
    can be stopped and one that crashes takes nobody with it. `batch` bounds what one call to the store claims; what
    cannot start within `hold_seconds` is given back for others. Outcomes are told to the store together, within
    `ack_within_seconds`. A lease lasts `lease_seconds` and is renewed each third of it; a worker that was killed is
    noticed when its leases end. `poll_seconds` bounds how long a lost word of a new job goes unnoticed.
    With `ticks` it looks each second what the schedules of its queues have due.

    `stop()` lets running jobs go on for `stop_seconds`, then asks them to stop and gives them back, uncounted. In the
    main thread `run` answers SIGTERM and SIGINT so; the second signal ends the wait.
    """

    def __init__(
        self,
        queue: Queue | Sequence[Queue],
        *,
        concurrency: int = 8,
        runner: Literal["threads", "asyncio", "processes"] = "threads",
        lease_seconds: float = 30.0,
        batch: int = 50,
        poll_seconds: float = 1.0,
        hold_seconds: float = 1.0,
        ack_within_seconds: float = 0.05,
        stop_seconds: float = 20.0,
        ticks: bool = True,
        max_jobs: int | None = None,
        signals: bool = True,
        on_event: Callable[[WorkerEvent], object] | None = None,
    ) -> None:
        self._queues = [queue] if isinstance(queue, Queue) else list(queue)
        if not self._queues:
            raise ValueError("a worker needs at least one queue, got none")
        if runner not in {"threads", "asyncio", "processes"}:
            raise ValueError(f"runner must be 'threads', 'asyncio' or 'processes', got {runner!r}")
        self._concurrency = check_count("concurrency", concurrency, least=1)
        self._kind = runner
        self._lease_seconds = check_number("lease_seconds", lease_seconds, above=0.0)
        self._batch = check_count("batch", batch, least=1)
        self._poll_seconds = check_number("poll_seconds", poll_seconds, above=0.0)
        check_number("hold_seconds", hold_seconds, above=0.0)
        self._ack_seconds = check_number("ack_within_seconds", ack_within_seconds)
        self._stop_seconds = check_number("stop_seconds", stop_seconds)
        self._jobs_left = None if max_jobs is None else check_count("max_jobs", max_jobs, least=1)
        self._signals = signals
        self._clock = self._queues[0].clock
        self._emit: Emitter[WorkerEvent] = Emitter(on_event)
        self._name = secrets.token_hex(8)
        self._turn = ThreadTurn()
        self._holdings = Holdings(self._clock, self._emit, self._ended)
        self._prefetch = Prefetch(batch - 1, hold_seconds=hold_seconds)
        self._stepping = threading.Lock()  # held by the thread that asks the store
        self._stop_at: float | None = None  # when what still runs is given back
        self._ask_at = 0.0  # the store did not answer, and is asked again then
        self._claim_at = 0.0  # nothing is expected before, unless there is word of a change
        self._ticks = ticks
        self._tend_at = 0.0

    def run(self, *, until_idle: bool = False) -> int:
        """Work until `stop`, until `max_jobs` have run, or `until_idle`: nothing is SCHEDULED, READY or RUNNING.

        The answer is an exit status: 0, 1 when running jobs had to be given back, 2 when every slot is leaked.
        """
        return self._run(until_idle=until_idle, loop=None)

    async def arun(self, *, until_idle: bool = False) -> int:
        """`run` with the jobs on the running event loop; to cancel it is to `stop` it, without a wait for its jobs."""
        if self._kind != "asyncio":
            raise ValueError(f"arun() runs jobs on this loop and needs runner='asyncio', got {self._kind!r}")
        loop = asyncio.get_running_loop()
        run = functools.partial(self._run, until_idle=until_idle, loop=loop)
        working = asyncio.ensure_future(asyncio.to_thread(run))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self.stop(0.0)
            await working
            raise

    def stop(self, deadline_seconds: float | None = None) -> None:
        """Claim no more, and let `run` end when its jobs have, at the latest after `deadline_seconds`. Any thread."""
        seconds = self._stop_seconds if deadline_seconds is None else check_number("deadline_seconds", deadline_seconds)
        self._stop_at = self._clock.monotonic() + seconds
        self._turn.give()

    @property
    def listener_failures(self) -> int:
        """How often `on_event` has raised."""
        return self._emit.failures

    def _run(self, *, until_idle: bool, loop: asyncio.AbstractEventLoop | None) -> int:
        begin, finish = self._holdings.begin, self._holdings.finish
        if self._kind == "threads":
            self._runner: Runner = ThreadRunner(self._concurrency, begin, finish)
        elif self._kind == "processes":
            self._runner = ProcessRunner(self._concurrency, begin, finish, self._clock)
        else:
            self._runner = TaskRunner(self._concurrency, begin, finish, loop)
        heartbeat = Heartbeat(
            self._holdings,
            self._stop_job,
            self._store_failed,
            self._fail,
            lease_seconds=self._lease_seconds,
            clock=self._clock,
        )
        with ExitStack() as stack:
            stack.enter_context(self._answering_signals())
            for queue in self._queues:
                stack.callback(queue.store.subscribe(self._hear))
            self._runner.start()
            stack.callback(self._runner.close)
            heartbeat.start()
            stack.callback(heartbeat.close)
            while True:
                self._turn.take()
                for running in self._holdings.overdue_runs():
                    self._stop_job(running, Stop.TIMEOUT)
                self._step()
                if self._is_over(until_idle=until_idle):
                    break
                self._turn.wait(self._clock, self._seconds_to_wait())
            status = self._wind_down()
        if self._holdings.interrupt is not None:
            raise self._holdings.interrupt
        return 2 if len(self._holdings.leaked) >= self._concurrency else status

    def _is_over(self, *, until_idle: bool) -> bool:
        holdings = self._holdings
        if self._stop_at is not None or holdings.interrupt is not None:
            return True
        if len(holdings.leaked) >= self._concurrency:
            return True
        if holdings.held:
            return False
        return self._jobs_left == 0 or (until_idle and all(map(_is_idle, self._queues)))

    def _step(self) -> None:
        """Do whatever is due now, unless another thread is at it."""
        if not self._stepping.acquire(blocking=False):
            return
        now = self._clock.monotonic()
        try:
            if self._runner.waiting and now >= self._prefetch.holds_until:
                self._holdings.give_back(self._runner.take_back())
                self._prefetch.gave_back()
            if now >= self._ask_at:
                self._ask_stores(now)
        except StoreUnavailable as error:
            self._store_failed(error)
        except Exception as error:  # noqa: BLE001 - a fault of the store; it is raised by `run`, whose thread this may not be
            self._fail(error)
        finally:
            self._stepping.release()
        if self._claim_at <= now and self._room() > 0:  # word of a change came meanwhile
            self._turn.give()

    def _ask_stores(self, now: float) -> None:
        if self._is_ack_due(now):
            self._settle()
        if self._stop_at is None and self._holdings.interrupt is None and now >= self._claim_at:
            self._claim(now)
        if now >= self._tend_at:
            self._tend_at = now + TEND_SECONDS
            for queue in self._queues:
                queue.prune()
                if self._ticks and queue.ticker:
                    queue.tick()

    def _is_ack_due(self, now: float) -> bool:
        holdings = self._holdings
        if holdings.oldest_at is None:
            return False
        is_full = holdings.unheard >= self._batch
        return is_full or not self._runner.waiting or now >= holdings.oldest_at + self._ack_seconds

    def _settle(self) -> None:
        """Tell the stores what has ended."""
        outcomes = dict(self._holdings.outcomes())
        for jobs in by_store(outcomes):
            answers = jobs[0].queue.store.settle([outcomes[running] for running in jobs])
            self._holdings.told(jobs, answers)

    def _claim(self, now: float) -> None:
        """Take what there is room for, from the first queue first."""
        room = self._room()
        if room <= 0:
            return
        self._claim_at = now + self._poll_seconds
        for queue in self._queues:
            limit = min(room, self._batch)
            leases = queue.store.claim(
                ClaimRequest(
                    queue.name,
                    limit,
                    round(self._lease_seconds * MICRO),
                    self._name,
                    not self._holdings.held,
                    queue.limits,
                    queue.group_limit,
                )
            )
            jobs = [Running(queue, lease, now + self._lease_seconds) for lease in leases]
            self._holdings.add(jobs)
            self._runner.give(jobs)
            room -= len(jobs)
            if self._jobs_left is not None:
                self._jobs_left -= len(jobs)
            if jobs:
                self._prefetch.claimed(now)
            if len(jobs) == limit:
                self._claim_at = now  # there may be more
            elif (due := queue.store.next_due(queue.name)) is not None:
                self._claim_at = min(self._claim_at, now + max(0.0, (due - queue.store.now()) / MICRO))
            if room <= 0 or self._holdings.has_suspect:
                return

    def _room(self) -> int:
        """How many jobs to take now: for the free places, and a few more when the last ones are nearly used up."""
        waiting, holdings = self._runner.waiting, self._holdings
        if waiting > self._prefetch.size // 2 or holdings.has_suspect:
            return 0
        free = self._concurrency - len(holdings.busy) - len(holdings.leaked)
        room = free + self._prefetch.size - waiting
        return room if self._jobs_left is None else min(room, self._jobs_left)

    def _seconds_to_wait(self) -> float:
        """Until the next thing is due; word of a change ends the wait."""
        now, holdings = self._clock.monotonic(), self._holdings
        times = [now + self._poll_seconds, max(self._ask_at, self._tend_at), holdings.next_timeout()]
        if self._runner.waiting:
            times.append(self._prefetch.holds_until)
        if holdings.held:
            times.append(max(self._ask_at, now + self._ack_seconds))
        if self._room() > 0:
            times.append(max(self._ask_at, self._claim_at))
        return max(0.0, min(at for at in times if at is not None) - now)

    def _wind_down(self) -> int:
        """Give back what has not begun, wait for what runs, and in the end give that back too."""
        holdings = self._holdings
        if self._stop_at is None:
            self.stop()
        with self._stepping:  # nobody claims from here on
            holdings.give_back(self._runner.take_back())
        self._wait_for_jobs(lambda: self._stop_at)
        running = holdings.running()
        for each in running:
            self._stop_job(each, Stop.SHUTDOWN)
        grace_ends = self._clock.monotonic() + GRACE_SECONDS
        self._wait_for_jobs(lambda: grace_ends)
        for each in holdings.running():
            holdings.leak(each, End(released(each.lease)))
        self._wait_for_jobs(lambda: grace_ends + GRACE_SECONDS)
        return 1 if running else 0

    def _wait_for_jobs(self, deadline: Callable[[], float | None]) -> None:
        """Settle what ends, until all has ended or the deadline has come; it may be moved meanwhile."""
        holdings = self._holdings
        while True:
            self._turn.take()
            if holdings.oldest_at is not None:
                with self._stepping:
                    self._settle_if_possible()
            until, now = deadline(), self._clock.monotonic()
            if not holdings.busy and holdings.oldest_at is None:
                return
            if until is not None and now >= until:
                return
            self._turn.wait(self._clock, self._poll_seconds if until is None else min(self._poll_seconds, until - now))

    def _settle_if_possible(self) -> None:
        try:
            self._settle()
        except StoreUnavailable as error:
            self._store_failed(error)

    def _stop_job(self, running: Running, why: Stop) -> None:
        """Ask a job to stop. One that is out of time and cannot be stopped keeps its thread and loses its job."""
        if running.stop is None or why is Stop.TIMEOUT:
            running.stop = why
        if not self._runner.interrupt(running) and why is Stop.TIMEOUT:
            self._holdings.leak(running, timed_out(running))

    def _store_failed(self, error: StoreUnavailable) -> None:
        self._ask_at = self._clock.monotonic() + error.retry_after
        self._emit(StoreFailed(self._clock.now(), str(error.__cause__ or error), error.retry_after))

    def _fail(self, error: Exception) -> None:
        """Let `run` end, and raise."""
        self._holdings.interrupt = error
        self._turn.give()

    def _hear(self) -> None:
        """There is word of a change in a store."""
        self._claim_at = 0.0
        if not self._stepping.locked() and self._room() > 0:  # else whoever is at it looks again
            self._turn.give()

    def _ended(self) -> None:
        """A job has ended, in a thread of the runner or on its loop, which must not wait for a store."""
        room = self._room() > 0
        if room and self._kind == "threads" and self._stop_at is None and not self._stepping.locked():
            self._step()
            room = False
        if room or self._stop_at is not None or not self._holdings.held:
            self._turn.give()

    @contextmanager
    def _answering_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the worker, the second one at once; after that they do what they did before."""
        if not self._signals or threading.current_thread() is not threading.main_thread():
            yield
            return

        def answer(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.stop(None if self._stop_at is None else 0.0)

        before = {number: signal.signal(number, answer) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _is_idle(queue: Queue) -> bool:
    stats = queue.stats()
    return not (stats.scheduled or stats.ready or stats.running)
