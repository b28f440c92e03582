"""What a worker holds: leases, of which some run, and outcomes that the store has not heard yet."""

import threading
from collections.abc import Callable

from lldkit.clock import Clock
from lldkit.events import Emitter
from lldkit.scheduler.events import JobEnded, JobLost, JobStarted, SlotLeaked, WorkerEvent
from lldkit.scheduler.outcomes import released
from lldkit.scheduler.running import End, Running, Stop
from lldkit.scheduler.store import Outcome

__all__ = ["Holdings"]


class Holdings:
    """The leases of a worker. Jobs begin and end in the runner's threads, the rest is asked by the worker's own.

    A lease is held, and so renewed, from its claim until the store has accepted the outcome. `wake` is called when the
    worker has something to do: the first outcome is there, or the runner runs dry.
    """

    def __init__(self, clock: Clock, emit: Emitter[WorkerEvent], wake: Callable[[], object]) -> None:
        self._clock = clock
        self._emit = emit
        self._wake = wake
        self._lock = threading.Lock()  # guards all below
        self.held: dict[Running, None] = {}  # not by id: an old run of a job may still be busy
        self.busy: dict[Running, None] = {}
        self.leaked: set[Running] = set()
        self.oldest_at: float | None = None  # when the first of `_done` came
        self._done: list[tuple[Running, Outcome]] = []
        self.interrupt: BaseException | None = None

    def all(self) -> list[Running]:
        """All leases."""
        with self._lock:
            return list(self.held)

    def running(self) -> list[Running]:
        """Those that run."""
        with self._lock:
            return list(self.busy)

    def add(self, jobs: list[Running]) -> None:
        """Leases that were claimed."""
        with self._lock:
            self.held.update(dict.fromkeys(jobs))

    @property
    def has_suspect(self) -> bool:
        """Whether a job must have this worker for itself."""
        with self._lock:
            return len(self.held) == 1 and next(iter(self.held)).lease.suspect

    def begin(self, running: Running) -> None:
        """A job starts."""
        running.started_at = self._clock.monotonic()
        with self._lock:
            self.busy[running] = None
        if self._emit:
            new = running.lease.new
            self._emit(JobStarted(self._clock.now(), new.id, new.task, running.fence))

    def finish(self, running: Running, end: End) -> None:
        """A job has ended; only its first end counts."""
        with self._lock:
            self.busy.pop(running, None)
            self.leaked.discard(running)
            is_news = self._record(running, end.outcome)
            if end.interrupt is not None:
                self.interrupt = end.interrupt
        if is_news and self._emit:
            new, what = running.lease.new, end.outcome.event.value
            self._emit(JobEnded(self._clock.now(), new.id, new.task, what, end.error))
        self._wake()

    def leak(self, running: Running, end: End) -> None:
        """A job has ended as far as the store is concerned, but its thread goes on."""
        with self._lock:
            if not self._record(running, end.outcome):
                return
            self.busy.pop(running, None)
            self.leaked.add(running)
            leaked = len(self.leaked)
        new = running.lease.new
        self._emit(SlotLeaked(self._clock.now(), new.id, new.task, leaked))

    def give_back(self, jobs: list[Running]) -> None:
        """Jobs that were not started."""
        with self._lock:
            for running in jobs:
                self._record(running, released(running.lease))

    def lose(self, running: Running) -> None:
        """The store says that somebody else has the job: its outcome will not be told."""
        with self._lock:
            is_news = not running.ended
            running.ended = True
            self.held.pop(running, None)
        if is_news:
            self._lost(running)

    def overdue_runs(self) -> list[Running]:
        """Jobs whose `timeout_seconds` is over."""
        now = self._clock.monotonic()
        with self._lock:
            return [each for each in self.busy if each.stop is not Stop.TIMEOUT and now >= each.times_out_at]

    def next_timeout(self) -> float | None:
        """When the next one is."""
        with self._lock:
            return min((each.times_out_at for each in self.busy if each.stop is not Stop.TIMEOUT), default=None)

    @property
    def unheard(self) -> int:
        """How many outcomes the store has not heard yet."""
        return len(self._done)

    def outcomes(self) -> list[tuple[Running, Outcome]]:
        """What the store has not heard yet."""
        with self._lock:
            return list(self._done)

    def told(self, jobs: list[Running], answers: list[bool]) -> None:
        """The store has heard how these have ended, and has accepted it or not."""
        heard = set(jobs)
        with self._lock:
            self._done = [each for each in self._done if each[0] not in heard]
            self.oldest_at = self._clock.monotonic() if self._done else None
            for running in jobs:
                self.held.pop(running, None)
        for running, accepted in zip(jobs, answers, strict=True):
            if not accepted:
                self._lost(running)

    def _record(self, running: Running, outcome: Outcome) -> bool:
        if running.ended:
            return False
        running.ended = True
        if not self._done:
            self.oldest_at = self._clock.monotonic()
        self._done.append((running, outcome))
        return True

    def _lost(self, running: Running) -> None:
        self._emit(JobLost(self._clock.now(), running.lease.new.id, running.fence))
