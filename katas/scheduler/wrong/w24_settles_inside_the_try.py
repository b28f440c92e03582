"""A scheduler in memory, and a queue in a store that many processes fill and empty at once."""

import heapq
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from interface import SYSTEM, Claim, Clock, DeadLetter, Dice, NeverFires, QueueFull, Store

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
        first, found = after.astimezone(self._zone).date(), list[datetime]()
        for day in (first + n * DAY for n in range(-1, YEARS * 366)):  # a day may begin before the last one ends
            is_last = bool(found)
            if self._has_runs_on(day):
                found += [run for run in self._runs_on(day) if run > after]
            if is_last:
                return min(found).astimezone(self._zone)
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


class Queue:
    """The jobs of a store, as one process works on them. All that counts is in the rows."""

    def __init__(
        self,
        store: Store,
        tasks: Mapping[str, Callable[[Claim], object]],
        clock: Clock,
        lease: float,
        max_crashes: int,
        capacity: int | None,
        pause: Callable[[int], float],
    ) -> None:
        self._store, self._tasks, self._clock, self._lease = store, tasks, clock, lease
        self._max_crashes, self._capacity, self._pause = max_crashes, capacity, pause
        self._mine: set[Claim] = set()  # of what runs here
        self._connected = threading.RLock()  # the store serves one thread at a time

    def enqueue(
        self,
        task: str,
        *,
        delay: float = 0.0,
        attempts: int = 1,
        unique: str | None = None,
        key: str | None = None,
        after: Sequence[int] = (),
    ) -> int:
        """Add a row unless a living one is its equal; the number of the job."""
        if task not in self._tasks or attempts < 1 or not delay >= 0:
            raise ValueError(f"a known task, 1 attempt or more, and no negative delay; got {task!r}")
        with self._transaction() as rows:
            living = [number for number in rows if rows[number]["state"] in LIVING]
            for number in living:
                if unique is not None and rows[number]["unique"] == unique:
                    return number
            if not rows.keys() >= set(after):
                raise ValueError(f"no such jobs: {sorted(set(after) - rows.keys())}")
            waiting = [number for number in living if rows[number]["state"] == "waiting"]
            if self._capacity is not None and len(waiting) >= self._capacity:
                raise QueueFull
            number = max(rows, default=0) + 1
            rows[number] = {
                "task": task,
                "due": self._clock.monotonic() + delay,
                "attempts": attempts,
                "failures": 0,
                "crashes": 0,
                "state": "waiting",
                "fence": 0,
                "until": None,
                "error": None,
                "unique": unique,
                "key": key,
                "after": tuple(after),
            }
            _give_up_orphans(rows)
        return number

    def run_due(self) -> int:
        """Claim and run until nothing is due; how many outcomes were accepted."""
        accepted = 0
        while (claimed := self._claim()) is not None:
            accepted += self._work(*claimed)
        return accepted

    def beat(self) -> int:
        """Renew all leases in one transaction."""
        with self._transaction() as rows:
            now = self._clock.monotonic()
            held = [claim for claim in list(self._mine) if _holds(claim, rows, now)]
            for claim in held:
                rows[claim.id]["until"] = now + self._lease
        return len(held)

    def dead_letters(self) -> list[DeadLetter]:
        """The dead, by their numbers."""
        with self._transaction() as rows:
            dead = sorted(number for number in rows if rows[number]["state"] == "dead")
            return [DeadLetter(number, rows[number]["failures"], rows[number]["error"]) for number in dead]

    @contextmanager
    def _transaction(self) -> Iterator[dict[int, dict[str, Any]]]:
        with self._connected, self._store.transaction() as rows:
            yield rows

    def _claim(self) -> tuple[str, Claim] | None:
        """Make the next job ours."""
        with self._transaction() as rows:
            now = self._clock.monotonic()
            self._take_back(rows, now)
            waiting = [number for number, row in rows.items() if row["state"] == "waiting" and row["due"] <= now]
            due = [number for number in waiting if not _is_blocked(number, rows)]
            if not due:
                return None
            number = min(due, key=lambda number: (rows[number]["due"], number))
            row = rows[number]
            row.update(state="running", fence=row["fence"] + 1, until=now + self._lease)
            return row["task"], Claim(number, row["fence"])

    def _take_back(self, rows: dict[int, dict[str, Any]], now: float) -> None:
        """A job whose lease is over has lost its process; it waits again, or has crashed once too often."""
        for row in rows.values():
            if row["state"] == "running" and row["until"] <= now:
                row["crashes"] += 1
                row["state"] = "waiting"
                if row["crashes"] >= self._max_crashes:
                    row.update(state="dead", error="crashed")
        _give_up_orphans(rows)

    def _work(self, task: str, claim: Claim) -> bool:
        """Run a task outside of any transaction; whether its outcome is accepted."""
        self._mine.add(claim)
        try:
            self._tasks[task](claim)
            return self._settle(claim, None)
        except Exception as failure:
            return self._settle(claim, type(failure).__name__)
        except BaseException:
            self._settle(claim, None, state="waiting")
            raise

    def _settle(self, claim: Claim, error: str | None, state: str = "done") -> bool:
        """Write down what became of a claim, unless it is over; whether that was done."""
        self._mine.discard(claim)
        with self._transaction() as rows:
            row, now = rows[claim.id], self._clock.monotonic()
            if not _holds(claim, rows, now):
                return False
            if error is not None:
                row["failures"] += 1
                row["error"], state = error, "dead"
                if row["failures"] < row["attempts"]:
                    state, row["due"] = "waiting", now + self._pause(row["failures"])
            row["state"] = state
            _give_up_orphans(rows)
        return True


LIVING = ("waiting", "running")


def _holds(claim: Claim, rows: dict[int, dict[str, Any]], now: float) -> bool:
    """Whether a claim is the latest one of its job, and not over."""
    row = rows[claim.id]
    return row["state"] == "running" and row["fence"] == claim.fence and now < row["until"]


def _is_blocked(number: int, rows: dict[int, dict[str, Any]]) -> bool:
    """Whether a job waits for its parents, or for an earlier one of its key."""
    key, parents = rows[number]["key"], rows[number]["after"]
    before = [row for other, row in rows.items() if other < number and key is not None and row["key"] == key]
    return any(row["state"] in LIVING for row in before) or any(rows[parent]["state"] != "done" for parent in parents)


def _give_up_orphans(rows: dict[int, dict[str, Any]]) -> None:
    """Children of the dead are dead. Parents have lower numbers, so that one pass finds grandchildren, too."""
    for _, row in sorted(rows.items()):
        if row["state"] == "waiting" and any(rows[parent]["state"] == "dead" for parent in row["after"]):
            row.update(state="dead", error="parent")


class Scheduler:
    """Jobs in memory, in a heap by their time; or, with a store, those of a queue. Any thread may call any method."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        rng: Dice | None = None,
        base: float = 1.0,
        cap: float = 60.0,
        epoch: datetime = datetime(1970, 1, 1, tzinfo=UTC),
        store: Store | None = None,
        tasks: Mapping[str, Callable[[Claim], object]] | None = None,
        lease: float = 30.0,
        max_crashes: int = 3,
        capacity: int | None = None,
    ) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"base must be above 0 and at most cap, got {base} and {cap}")
        if epoch.tzinfo is None:
            raise ValueError(f"epoch must be aware, got {epoch}")
        if not lease > 0 or max_crashes < 1 or (capacity is not None and capacity < 1):
            raise ValueError("lease must be above 0, max_crashes and capacity at least 1")
        self._clock, self._rng = clock, random.Random() if rng is None else rng
        self._base, self._cap = base, cap
        self._epoch = epoch.astimezone(UTC)  # within one zone Python counts by what the walls show
        self._queue = (
            None if store is None else Queue(store, tasks or {}, clock, lease, max_crashes, capacity, self._pause)
        )
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
        if self._queue is not None:
            return self._queue.run_due()
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
        """The jobs that were given up: in memory in the order of their ends, in a store by their numbers."""
        if self._queue is not None:
            return self._queue.dead_letters()
        with self._changed:
            return self._dead.copy()

    def enqueue(self, task: str, **options: Any) -> int:
        """Put a job into the store; see `Queue.enqueue`."""
        return self._queue.enqueue(task, **options)

    def beat(self) -> int:
        """Renew the leases of what this process runs; how many it still has."""
        return self._queue.beat()

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
