"""A scheduler: what is due, the most important first, once or again and again."""

import heapq
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from interface import SYSTEM, Clock


@dataclass(slots=True)
class Job:
    """One job in memory."""

    number: int
    task: Callable[[], object]
    due: float
    priority: int
    following: Callable[[float], float] | None  # the first run after a time; None: there is one run only
    running: bool = field(init=False)


class Scheduler:
    """Jobs in a heap by their time. Any thread may call any method, and so may a task."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._last = 0  # number
        self._jobs: dict[int, Job] = {}  # that are not over
        self._waiting: list[tuple[float, int]] = []  # a heap of times and numbers; of numbers without a job, too
        self._ready: list[tuple[int, float, int]] = []  # a heap of what is due, the most important first
        self._stopped = False
        self._changed = threading.Condition()  # guards all above; told of what may end a wait

    def schedule(self, task: Callable[[], object], at: float, *, every: float | None = None, priority: int = 0) -> int:
        """Run `task` when the clock reads `at`, and `every` so many seconds; the number of the job."""
        if every is None:
            return self._add(task, at, priority, None)
        if not every > 0:
            raise ValueError(f"every must be above 0 seconds, got {every}")

        def following(now: float) -> float:
            runs = math.floor((now - at) / every)
            while at + runs * every <= now:  # asked again, for a division of floats is not exact
                runs += 1
            return at + runs * every

        return self._add(task, at, priority, following)

    def cancel(self, number: int) -> bool:
        """Take back the runs that have not begun; whether there are any."""
        with self._changed:
            job = self._jobs.get(number)
            if job is None or (job.running and job.following is None):
                return False
            del self._jobs[number]
            return True

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

    def _add(
        self, task: Callable[[], object], due: float, priority: int, following: Callable[[float], float] | None
    ) -> int:
        with self._changed:
            self._last += 1
            job = self._jobs[self._last] = Job(self._last, task, due, priority, following)
            self._wait_for(job)
            return job.number

    def _wait_for(self, job: Job) -> None:
        job.running = False
        heapq.heappush(self._waiting, (job.due, job.number))
        self._changed.notify()

    def _take(self, *, wait: bool) -> Job | None:
        """The next job that is due, now ours; None if there is none, or after the stop."""
        with self._changed:
            while not self._stopped:
                now = self._clock.monotonic()
                self._promote(now)
                while self._ready:
                    job = self._jobs.get(abs(heapq.heappop(self._ready)[-1]))
                    if job is not None:  # it was not cancelled
                        job.running = True
                        return job
                if not wait:
                    break
                self._changed.wait(min(self._waiting[0][0] - now, threading.TIMEOUT_MAX) if self._waiting else None)
        return None

    def _promote(self, now: float) -> None:
        """What has become due is ordered by its importance."""
        while self._waiting and self._waiting[0][0] <= now:
            due, number = heapq.heappop(self._waiting)
            if number in self._jobs:
                priority = self._jobs[number].priority
                line = -1 if priority else 1  # the urgent go to the front
                heapq.heappush(self._ready, (-priority, line * due, line * number))

    def _work(self, job: Job) -> None:
        """Run a task, without the lock; then its job is over, or waits for its next run."""
        job.task()
        with self._changed:
            if job.following is None:
                del self._jobs[job.number]
            elif job.number in self._jobs:
                job.due = job.following(self._clock.monotonic())
                self._wait_for(job)
