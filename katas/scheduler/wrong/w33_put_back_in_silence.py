"""A scheduler that several threads work for, that tries again, and that stops without losing what is due."""

import heapq
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from interface import SYSTEM, Clock, DeadLetter, Dice


@dataclass(slots=True)
class Job:
    """One job in memory."""

    number: int
    task: Callable[[], object]
    due: float
    priority: int
    following: Callable[[float], float] | None  # the first run after a time; None: there is one run only
    attempts: int
    failures: int = 0
    running: bool = field(init=False)


class Scheduler:
    """Jobs in a heap by their time. Any thread may call any method, and so may a task."""

    def __init__(self, *, clock: Clock = SYSTEM, rng: Dice | None = None, base: float = 1.0, cap: float = 60.0) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"base must be above 0 and at most cap, got {base} and {cap}")
        self._clock, self._rng = clock, random.Random() if rng is None else rng
        self._base, self._cap = base, cap
        self._last = 0  # number
        self._jobs: dict[int, Job] = {}  # that are not over
        self._waiting: list[tuple[float, int]] = []  # a heap of times and numbers; of numbers without a job, too
        self._ready: list[tuple[int, float, int]] = []  # a heap of what is due, the most important first
        self._dead: list[DeadLetter] = []
        self._stopped = False
        self._draining = False
        self._changed = threading.Condition()  # guards all above; told of what may end a wait

    def schedule(
        self,
        task: Callable[[], object],
        at: float,
        *,
        every: float | None = None,
        priority: int = 0,
        attempts: int = 1,
    ) -> int:
        """Run `task` when the clock reads `at`, and `every` so many seconds; the number of the job."""
        if every is None:
            return self._add(task, at, priority, attempts, None)
        if not every > 0:
            raise ValueError(f"every must be above 0 seconds, got {every}")

        def following(now: float) -> float:
            runs = math.floor((now - at) / every)
            while at + runs * every <= now:  # asked again, for a division of floats is not exact
                runs += 1
            return at + runs * every

        return self._add(task, at, priority, attempts, following)

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

    def stop(self, *, drain: bool = False) -> None:
        """Begin no other task; what is due is run before with `drain`."""
        with self._changed:
            self._draining = True
            self._stopped = self._stopped or not drain
            self._changed.notify_all()

    def dead_letters(self) -> list[DeadLetter]:
        """The jobs that were given up, in the order of their ends."""
        with self._changed:
            return self._dead.copy()

    def __len__(self) -> int:
        with self._changed:
            return len(self._jobs)

    def _add(
        self,
        task: Callable[[], object],
        due: float,
        priority: int,
        attempts: int,
        following: Callable[[float], float] | None,
    ) -> int:
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {attempts}")
        with self._changed:
            self._last += 1
            job = self._jobs[self._last] = Job(self._last, task, due, priority, following, attempts)
            self._wait_for(job)
            return job.number

    def _wait_for(self, job: Job) -> None:
        job.running = False
        heapq.heappush(self._waiting, (job.due, job.number))
        self._changed.notify_all()  # each worker has its own time to wake up, and all may be too late

    def _take(self, *, wait: bool) -> Job | None:
        """The next job that is due, now ours; None if there is none, or after the stop."""
        with self._changed:
            while not self._stopped:
                now = self._clock.monotonic()
                self._promote(now)
                while self._ready:
                    job = self._jobs.get(heapq.heappop(self._ready)[-1])
                    if job is not None:  # it was not cancelled
                        job.running = True
                        return job
                if self._draining or not wait:
                    break
                self._changed.wait(min(self._waiting[0][0] - now, threading.TIMEOUT_MAX) if self._waiting else None)
        return None

    def _promote(self, now: float) -> None:
        """What has become due is ordered by its importance."""
        while self._waiting and self._waiting[0][0] <= now:
            due, number = heapq.heappop(self._waiting)
            if number in self._jobs:
                heapq.heappush(self._ready, (-self._jobs[number].priority, due, number))

    def _work(self, job: Job) -> None:
        """Run a task, without the lock."""
        error = None
        try:
            job.task()
        except Exception as failure:
            error = type(failure).__name__
        except BaseException:
            with self._changed:
                job.running = False  # as if it had not begun
                heapq.heappush(self._waiting, (job.due, job.number))
            raise
        self._settle(job, error)

    def _settle(self, job: Job, error: str | None) -> None:
        """After a run: the job tries again, waits for its next time, or is over."""
        with self._changed:
            if job.number not in self._jobs:  # it was cancelled meanwhile
                return
            now = self._clock.monotonic()
            job.failures += error is not None
            if error is not None and job.failures < job.attempts:
                job.due = now + self._pause(job.failures)
                self._wait_for(job)
                return
            if error is not None:
                self._dead.append(DeadLetter(job.number, job.failures, error))
            if job.following is None:
                del self._jobs[job.number]
                return
            job.failures, job.due = 0, job.following(now)
            self._wait_for(job)

    def _pause(self, failures: int) -> float:
        """How long to wait after so many failures: doubled, bounded, and up to one half less."""
        longest = min(self._cap, self._base * 2.0 ** min(failures - 1, 1023))  # what is more is no float
        return longest * (1 + self._rng.random()) / 2
