"""A core of plain dicts that knows neither clock nor lock nor store, and shells around it; every sleeper has a bell of its own."""

import math
import random
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from interface import SYSTEM, Claim, DeadLetter, NeverFires, QueueFull

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Job:
    """What is known of a job; each change makes a new one."""

    id: int
    task: Any
    due: float
    priority: int = 0
    attempts: int = 1
    following: Any = None
    failures: int = 0
    running: bool = False


@dataclass
class Core:
    """All jobs in memory, at times that are given."""

    jobs: dict = field(default_factory=dict)
    letters: list = field(default_factory=list)
    made: int = 0
    closing: bool = False
    closed: bool = False
    order: list = field(default_factory=list)  # ids by time, found again after each change
    stale: bool = False

    def add(self, task, due, priority, attempts, following):
        if attempts < 1:
            raise ValueError("attempts must be at least 1")
        self.made += 1
        self.jobs[self.made] = Job(self.made, task, due, priority, attempts, following)
        self.stale = True
        return self.made

    def begin(self, now):
        """The next job that is due, which runs from now on."""
        self.sort()
        while self.order and self.order[0] not in self.jobs:
            self.order.pop(0)
        best = None
        for id in self.order:
            job = self.jobs.get(id)
            if job is None or job.running:
                continue
            if job.due > now:
                break
            if best is None or job.priority > best.priority:
                best = job
            if not self.ranked:
                break
        if best is None or self.closed:
            return None
        self.jobs[best.id] = replace(best, running=True)
        if self.order[0] == best.id:
            self.order.pop(0)
        return self.jobs[best.id]

    def sort(self):
        if self.stale:
            self.order = sorted(self.jobs, key=lambda id: (self.jobs[id].due, id))
            self.ranked = any(job.priority for job in self.jobs.values())
            self.stale = False

    ranked = False  # whether there are priorities at all

    def end(self, job, error, now, draw):
        """A run is over; `draw` is the pause after so many failures."""
        if job.id not in self.jobs:
            return
        failures = job.failures + (error is not None)
        if error is not None and failures < job.attempts:
            self.jobs[job.id] = replace(job, running=False, failures=failures, due=now + draw(failures))
            self.stale = True
            return
        if error is not None:
            self.letters.append(DeadLetter(job.id, failures, error))
        if job.following is None:
            self.jobs.pop(job.id)
        else:
            self.jobs[job.id] = replace(job, running=False, failures=0, due=job.following(now))
            self.stale = True

    def give_back(self, job):
        if job.id in self.jobs:
            self.jobs[job.id] = replace(job, running=False)
            self.stale = True

    def cancel(self, id):
        job = self.jobs.get(id)
        if job is None or (job.running and not job.following):
            return False
        del self.jobs[id]
        return True

    def soonest(self):
        return min((job.due for job in self.jobs.values() if not job.running), default=math.inf)


def grid(start, step, now):
    """The first time of an interval after `now`; the quotient of two floats may be one too small."""
    count = (now - start) // step
    while start + count * step <= now:
        count += 1
    return start + count * step


# -- the calendar: hour by hour along UTC, the local minutes of each ---------------------------------------------------


def members(text, low, high):
    result = []
    for part in text.split(","):
        head, *steps = part.split("/")
        ends = [low, high] if head == "*" else [int(end) for end in head.split("-")]
        if len(steps) > 1 or len(ends) > 2 or (steps and len(ends) < 2):
            raise ValueError(part)
        step = int(steps[0]) if steps else 1
        if step < 1 or not low <= ends[0] <= ends[-1] <= high:
            raise ValueError(part)
        result += range(ends[0], ends[-1] + 1, step)
    return result


def parsed(expression):
    texts = expression.split()
    if len(texts) != 5 or re.search(r"[^0-9,*/-]", "".join(texts)):
        raise ValueError(expression)
    minutes, hours, days, months, weekdays = map(members, texts, (0, 0, 1, 1, 0), (59, 23, 31, 12, 7))
    starred = [text[0] == "*" for text in texts]

    def on(wall):
        day, week = wall.day in days, wall.isoweekday() in weekdays or (wall.isoweekday() == 7 and 0 in weekdays)
        return wall.month in months and ((day and week) if starred[2] or starred[4] else (day or week))

    def matches(wall):
        return wall.minute in minutes and wall.hour in hours and on(wall)

    return on, matches, starred[0] or starred[1]


def quiet(on, wall):
    """Whether neither this day, nor those beside it, are of interest."""
    return not any(on(wall + timedelta(days=days)) for days in (-1, 0, 1, 2))


def next_run(expression, tz, after):
    if after.tzinfo is None:
        raise ValueError("after must be aware")
    on, matches, interval = parsed(expression)
    zone, now = ZoneInfo(tz), after.astimezone(UTC).replace(second=0, microsecond=0)
    end, wall = now + timedelta(days=366 * 41), now.astimezone(zone)
    while now < end:
        if now.minute == 0 and quiet(on, wall):
            now += 24 * HOUR
            wall = now.astimezone(zone)
            continue
        now += timedelta(minutes=1)
        previous, wall = wall, now.astimezone(zone)
        jump = wall.replace(tzinfo=None) - previous.replace(tzinfo=None) - timedelta(minutes=1)
        skipped = [previous + timedelta(minutes=1 + n) for n in range(jump // timedelta(minutes=1))]
        if interval:
            if matches(wall):
                return wall
        elif any(map(matches, skipped)) or (matches(wall) and not wall.fold):
            return wall
    raise NeverFires(expression)


# -- the store: decisions on rows, each in one transaction -------------------------------------------------------------


def alive(row):
    return row["state"] in {"free", "taken"}


def blocked(number, rows):
    row = rows[number]
    if not all(rows[parent]["state"] == "done" for parent in row["after"]):
        return True
    return row["key"] is not None and any(
        alive(rows[other]) and rows[other]["key"] == row["key"] for other in rows if other < number
    )


def bury(rows):
    """Bury children until nothing changes."""
    found = True
    while found:
        found = [
            row for row in rows.values() if alive(row) and any(rows[each]["state"] == "dead" for each in row["after"])
        ]
        for row in found:
            row["state"], row["error"] = "dead", "parent"


def take(rows, now, lease, patience):
    for row in rows.values():
        if row["state"] == "taken" and row["until"] <= now:
            row["crashes"] += 1
            row["state"] = "free" if row["crashes"] < patience else "dead"
            row["error"] = "crashed"
    bury(rows)
    free = [number for number, row in rows.items() if row["state"] == "free" and row["due"] <= now]
    free = sorted((rows[number]["due"], number) for number in free if not blocked(number, rows))
    if not free:
        return None
    row = rows[free[0][1]]
    row["state"], row["fence"], row["until"] = "taken", row["fence"] + 1, now + lease
    return row["task"], Claim(free[0][1], row["fence"])


def held(claim, rows, now):
    row = rows[claim.id]
    return row["state"] == "taken" and row["fence"] == claim.fence and row["until"] > now


class Scheduler:
    """The shell: a lock around the core, and a transaction around each decision on rows."""

    def __init__(self, *, clock=SYSTEM, rng=None, base=1.0, cap=60.0, epoch=datetime(1970, 1, 1, tzinfo=UTC), store=None,
                 tasks=(), lease=30.0, max_crashes=3, capacity=None):  # fmt: skip
        for wrong in (not 0 < base <= cap, epoch.tzinfo is None, lease <= 0, max_crashes < 1, (capacity or 1) < 1):
            if wrong:
                raise ValueError("a number is too small, or an epoch has no zone")
        if capacity == 0:
            raise ValueError("capacity must be at least 1")
        self._clock, self._rng, self._base, self._cap = clock, rng or random.Random(), base, cap
        self._epoch = epoch.astimezone(UTC)
        self._store, self._tasks, self._lease, self._patience = store, tasks, lease, max_crashes
        self._capacity, self._claims, self._line = capacity, [], threading.RLock()
        self._core, self._lock, self._bells = Core(), threading.Lock(), []

    def _draw(self, failures):
        return min(self._cap, self._base * 2.0 ** min(failures - 1, 1023)) * (0.5 + self._rng.random() / 2)

    def _changed(self, decide):
        """Decide under the lock, and ring all bells."""
        with self._lock:
            answer = decide()
            bells, self._bells = self._bells, []
        for bell in bells:
            bell.set()
        return answer

    def schedule(self, task, at, *, every=None, priority=0, attempts=1):
        if every is not None and every <= 0:
            raise ValueError("every must be above 0")
        later = None if every is None else lambda now: grid(at, every, now)
        return self._changed(lambda: self._core.add(task, at, priority, attempts, later))

    def cron(self, task, expression, tz, *, priority=0, attempts=1):
        def later(now):
            whole = math.floor(now)
            while whole <= now:
                run = next_run(expression, tz, self._epoch + timedelta(seconds=whole))
                whole = (run - self._epoch).total_seconds()
            return whole

        first = later(self._clock.monotonic())
        return self._changed(lambda: self._core.add(task, first, priority, attempts, later))

    def next_run(self, expression, tz, after):
        return next_run(expression, tz, after)

    def cancel(self, number):
        with self._lock:
            return self._core.cancel(number)

    def __len__(self):
        with self._lock:
            return len(self._core.jobs)

    def stop(self, *, drain=False):
        def close():
            self._core.closing, self._core.closed = True, self._core.closed or not drain

        self._changed(close)

    def run(self):
        while True:
            with self._lock:
                now = self._clock.monotonic()
                job = self._core.begin(now)
                if job is None:
                    if self._core.closing:
                        return
                    seconds = self._core.soonest() - now
                    self._bells.append(bell := threading.Event())
            if job is None:
                bell.wait(None if seconds == math.inf else min(seconds, threading.TIMEOUT_MAX))
            else:
                self._perform(job)

    def run_due(self):
        if self._store is not None:
            return sum(iter(self._one_of_store, None))
        runs = 0
        while True:
            with self._lock:
                job = self._core.begin(self._clock.monotonic())
            if job is None:
                return runs
            self._perform(job)
            runs += 1

    def _perform(self, job):
        error = None
        try:
            job.task()
        except Exception as failure:
            error = type(failure).__name__
        except BaseException:
            self._changed(lambda: self._core.give_back(job))
            raise
        self._changed(lambda: self._core.end(job, error, self._clock.monotonic(), self._draw))

    def dead_letters(self):
        if self._store is None:
            return self._core.letters[:]
        with self._rows() as rows:
            return [
                DeadLetter(n, rows[n]["failures"], rows[n]["error"]) for n in sorted(rows) if rows[n]["state"] == "dead"
            ]

    def enqueue(self, task, *, delay=0.0, attempts=1, unique=None, key=None, after=()):
        if task not in self._tasks or delay < 0 or attempts < 1:
            raise ValueError("an unknown task, a negative delay, or no attempt")
        with self._rows() as rows:
            twins = [n for n, row in rows.items() if alive(row) and unique is not None and row["unique"] == unique]
            if twins:
                return twins[0]
            if any(parent not in rows for parent in after):
                raise ValueError("an unknown parent")
            if self._capacity is not None and [row["state"] for row in rows.values()].count("free") >= self._capacity:
                raise QueueFull
            number = 1 + len(rows)
            rows[number] = dict(task=task, due=self._clock.monotonic() + delay, attempts=attempts, unique=unique, key=key,
                                after=tuple(after), state="free", failures=0, crashes=0, fence=0, until=0, error=None)  # fmt: skip
            bury(rows)
        return number

    def beat(self):
        with self._rows() as rows:
            now = self._clock.monotonic()
            mine = [rows[claim.id] for claim in self._claims[:] if held(claim, rows, now)]
            for row in mine:
                row["until"] = now + self._lease
        return len(mine)

    @contextmanager
    def _rows(self):
        """A transaction, while no other thread of this process has one."""
        with self._line, self._store.transaction() as rows:
            yield rows

    def _one_of_store(self):
        """Run one job of the store: 1 if its outcome was accepted, 0 if not; None if none is due."""
        with self._rows() as rows:
            taken = take(rows, self._clock.monotonic(), self._lease, self._patience)
        if taken is None:
            return None
        task, claim = taken
        self._claims.append(claim)
        try:
            self._tasks[task](claim)
        except Exception as failure:
            return self._write(claim, "failed", type(failure).__name__)
        except BaseException:
            self._write(claim, "free", None)
            raise
        return self._write(claim, "done", None)

    def _write(self, claim, state, error):
        self._claims.remove(claim)
        with self._rows() as rows:
            row, now = rows[claim.id], self._clock.monotonic()
            if not held(claim, rows, now):
                return 0
            if state == "failed":
                row["failures"] += 1
                row["error"], state = error, "dead"
                if row["failures"] < row["attempts"]:
                    state, row["due"] = "free", now + self._draw(row["failures"])
            row["state"] = state
            bury(rows)
        return 1
