"""A scheduler that knows the calendar: cron expressions in the zones of the world."""

import heapq
import math
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from interface import SYSTEM, Clock, DeadLetter, Dice, NeverFires

FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
SIGNS = frozenset("0123456789*,-/")
YEARS = 50  # the rarest day, a 29 February on one weekday, comes at least every 40 years
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


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


class Cron:
    """A cron expression in a zone; all of it is arithmetic with dates."""

    def __init__(self, expression: str, tz: str) -> None:
        words = expression.split()
        if len(words) != len(FIELDS) or not SIGNS.issuperset("".join(words)):
            raise ValueError(f"a cron expression has {len(FIELDS)} fields, of digits and *,-/ - got {expression!r}")
        self._minutes, self._hours, self._days, self._months, weekdays = map(_numbers, words, FIELDS)
        self._weekdays = {weekday % 7 for weekday in weekdays}
        self._by_interval = words[0].startswith("*") or words[1].startswith("*")
        self._either_day = not (words[2].startswith("*") or words[4].startswith("*"))
        self._zone, self._expression = ZoneInfo(tz), expression

    def next(self, after: datetime) -> datetime:
        """The first run later than `after`."""
        after = after.astimezone(self._zone)
        first, found = after.date(), list[datetime]()
        for day in (first + n * DAY for n in range(-1, YEARS * 366)):  # a day may begin before the last one ends
            is_last = bool(found)
            if self._has_runs_on(day):
                runs = [run.astimezone(self._zone) for run in self._runs_on(day)]
                found += [run for run in runs if run > after]
            if is_last:
                return min(found)
        raise NeverFires(f"{self._expression!r} has no run in {YEARS} years")

    def _has_runs_on(self, day: date) -> bool:
        by_date, by_weekday = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        matches = by_date or by_weekday if self._either_day else by_date and by_weekday
        return matches and day.month in self._months

    def _runs_on(self, day: date) -> list[datetime]:
        """The instants of the runs that belong to a day, in UTC."""
        walls = [datetime.combine(day, time(hour, minute)) for hour in self._hours for minute in self._minutes]
        return [run for wall in walls for run in self._instants(wall)]

    def _instants(self, wall: datetime) -> Iterator[datetime]:
        """When the clocks on the wall show a time: once, twice, or not at all."""
        if self._by_interval:
            for fold in (0, 1):
                if self._exists(wall):
                    yield wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
            return
        while not self._exists(wall):  # the first time that exists again is that of the end of the gap
            wall += MINUTE
        yield wall.replace(tzinfo=self._zone).astimezone(UTC)

    def _exists(self, wall: datetime) -> bool:
        back = wall.replace(tzinfo=self._zone).astimezone(UTC).astimezone(self._zone)
        return back.replace(tzinfo=None) == wall


def _numbers(word: str, bounds: tuple[int, int]) -> list[int]:
    """The numbers that a field stands for, in order."""
    low, high = bounds
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        elif slash and not dash:
            raise ValueError(f"a step follows * or a range, got {part!r}")
        else:
            start = int(first)
            end = int(last) if dash else start
        stride = int(step) if slash else 1
        if not low <= start <= end <= high or stride < 1:
            raise ValueError(f"{part!r} is no part of {low}-{high}")
        found.update(range(start, end + 1, stride))
    return sorted(found)


class Scheduler:
    """Jobs in a heap by their time. Any thread may call any method, and so may a task."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        rng: Dice | None = None,
        base: float = 1.0,
        cap: float = 60.0,
        epoch: datetime = datetime(1970, 1, 1, tzinfo=UTC),
    ) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"base must be above 0 and at most cap, got {base} and {cap}")
        if epoch.tzinfo is None:
            raise ValueError(f"epoch must be aware, got {epoch}")
        self._clock, self._rng = clock, random.Random() if rng is None else rng
        self._base, self._cap = base, cap
        self._epoch = epoch.astimezone(UTC)  # within one zone Python counts by what the walls show
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

    def cron(
        self, task: Callable[[], object], expression: str, tz: str, *, priority: int = 0, attempts: int = 1
    ) -> int:
        """Run `task` whenever the expression says so; the number of the job."""
        runs = Cron(expression, tz)

        def following(now: float) -> float:
            run = self._epoch + timedelta(seconds=math.floor(now))  # microseconds would be rounded, up or down
            while (seconds := (run - self._epoch).total_seconds()) <= now:
                run = runs.next(run)
            return seconds

        return self._add(task, following(self._clock.monotonic()), priority, attempts, following)

    def next_run(self, expression: str, tz: str, after: datetime) -> datetime:
        """The first run of a cron expression later than `after`, in the zone."""
        if after.tzinfo is None:
            raise ValueError(f"after must be aware, got {after}")
        return Cron(expression, tz).next(after)

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
                self._wait_for(job)  # as if it had not begun
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
