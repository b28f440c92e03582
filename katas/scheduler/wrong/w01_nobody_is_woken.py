"""A scheduler: what is not to be done now is done when it is due."""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass

from interface import SYSTEM, Clock


@dataclass(slots=True)
class Job:
    """One job in memory."""

    number: int
    task: Callable[[], object]
    due: float


class Scheduler:
    """Jobs in a heap by their time. Any thread may call any method, and so may a task."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._last = 0  # number
        self._jobs: dict[int, Job] = {}  # that are not over
        self._waiting: list[tuple[float, int]] = []  # a heap of times and numbers; of numbers without a job, too
        self._stopped = False
        self._changed = threading.Condition()  # guards all above; told of what may end a wait

    def schedule(self, task: Callable[[], object], at: float) -> int:
        """Run `task` when the clock reads `at`; the number of the job."""
        with self._changed:
            self._last += 1
            job = self._jobs[self._last] = Job(self._last, task, at)
            self._wait_for(job)
            return job.number

    def run_due(self) -> int:
        """Run what is due, here and now; how many runs that were."""
        runs = 0
        while (job := self._take(wait=False)) is not None:
            self._work(job)
            runs += 1
        return runs

    def run(self) -> None:
        """Run each job when it is due, until `stop` is called."""
        while (job := self._take(wait=True)) is not None:
            self._work(job)

    def stop(self) -> None:
        """Begin no other task."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._jobs)

    def _wait_for(self, job: Job) -> None:
        heapq.heappush(self._waiting, (job.due, job.number))
        if len(self._waiting) == 1:
            self._changed.notify()

    def _take(self, *, wait: bool) -> Job | None:
        """The next job that is due, now ours; None if there is none, or after the stop."""
        with self._changed:
            while not self._stopped:
                now = self._clock.monotonic()
                if self._waiting and self._waiting[0][0] <= now:
                    _, number = heapq.heappop(self._waiting)
                    return self._jobs[number]
                if not wait:
                    break
                self._changed.wait(min(self._waiting[0][0] - now, threading.TIMEOUT_MAX) if self._waiting else None)
        return None

    def _work(self, job: Job) -> None:
        """Run a task, without the lock; then its job is over."""
        job.task()
        with self._changed:
            del self._jobs[job.number]
