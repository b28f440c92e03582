"""One worker leads and waits for the time, the others wait for him; a heap per priority; a key is a chain of jobs."""

import heapq
import itertools
import math
import random
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from interface import SYSTEM, Claim, DeadLetter, NeverFires, QueueFull


class Grid:
    """Times of an interval."""

    def __init__(self, start, step):
        self.start, self.step = start, step

    def after(self, now):
        number = int((now - self.start) // self.step)
        while self.start + number * self.step <= now:
            number += 1
        return self.start + number * self.step


class Expression:
    """Times of a cron expression: the days first, then their walls, then the instants at which these are seen."""

    def __init__(self, text, tz):
        try:
            minute, hour, day, month, weekday = text.split()
        except ValueError:
            raise ValueError(f"five fields, got {text!r}") from None
        self.walls = sorted(itertools.product(self.read(hour, 0, 23), self.read(minute, 0, 59)))
        self.days, self.months = set(self.read(day, 1, 31)), set(self.read(month, 1, 12))
        self.weekdays = {number or 7 for number in self.read(weekday, 0, 7)}
        self.join = all if day.startswith("*") or weekday.startswith("*") else any
        self.instants = self.each if minute.startswith("*") or hour.startswith("*") else self.once
        self.zone = ZoneInfo(tz)

    @staticmethod
    def read(text, low, high):
        if not set(text) <= set("0123456789,-*/"):
            raise ValueError(text)
        for part in text.split(","):
            span, *stride = part.split("/")
            if span == "*":
                first, last = low, high
            else:
                first, *rest = map(int, span.split("-"))
                last = rest[0] if rest else first
                if len(rest) > 1 or (stride and not rest):
                    raise ValueError(part)
            step = int(stride[0]) if stride else 1
            if len(stride) > 1 or step < 1 or first < low or last > high or first > last:
                raise ValueError(part)
            yield from range(first, last + 1, step)

    def after(self, instant):
        start = instant.astimezone(self.zone).date().toordinal()
        for number in range(start, start + 15_000):
            runs = [found for found in self.near(number) if found > instant]
            if runs:
                return min(runs).astimezone(self.zone)
        raise NeverFires

    def near(self, number):
        """The instants of a day and of its neighbours, which a clock that is set back over midnight may mix."""
        for day in map(date.fromordinal, (number - 1, number, number + 1)):
            wanted = self.join((day.day in self.days, day.isoweekday() in self.weekdays))
            if wanted and day.month in self.months:
                yield from self.instants(day)

    def seen(self, wall):
        """The instants at which a wall is seen: none, one or two."""
        for fold in (0, 1):
            instant = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if instant.astimezone(self.zone).replace(tzinfo=None) == wall:
                yield instant

    def each(self, day):
        for hour, minute in self.walls:
            yield from self.seen(datetime(day.year, day.month, day.day, hour, minute))

    def once(self, day):
        for hour, minute in self.walls:
            wall = datetime(day.year, day.month, day.day, hour, minute)
            seen = next(self.seen(wall), None)
            while seen is None:
                wall += timedelta(minutes=1)
                seen = next(self.seen(wall), None)
            yield seen


class Job:
    def __init__(self, number, task, due, priority, attempts, times):
        self.number, self.task, self.due, self.priority = number, task, due, priority
        self.attempts, self.times, self.failed, self.gone, self.busy = attempts, times, 0, False, False

    def __lt__(self, other):
        return (self.due, self.number) < (other.due, other.number)


class Scheduler:
    def __init__(self, *, clock=SYSTEM, rng=random, base=1.0, cap=60.0, epoch=datetime.fromtimestamp(0, UTC), store=None,
                 tasks=None, lease=30.0, max_crashes=3, capacity=None):  # fmt: skip
        if (
            not cap >= base > 0
            or not epoch.tzinfo
            or not lease > 0
            or max_crashes < 1
            or (capacity is not None and capacity < 1)
        ):
            raise ValueError("not a rule")
        self.clock, self.epoch = clock, epoch.astimezone(UTC)
        self.pause = lambda failed: min(cap, base * 2.0 ** min(failed - 1, 1023)) * (1 + rng.random()) / 2
        self.rows = store and Rows(store, tasks, clock, lease, max_crashes, capacity, self.pause)
        self.numbers = itertools.count(1)
        self.later, self.now, self.known, self.letters = [], {}, {}, []
        self.lock = threading.RLock()
        self.follows, self.leads = threading.Condition(self.lock), threading.Condition(self.lock)
        self.leader, self.open, self.begins = None, True, True

    # -- who is asked

    def schedule(self, task, at, *, every=None, priority=0, attempts=1):
        if every is not None and every <= 0:
            raise ValueError("every is above 0")
        return self.add(task, at, priority, attempts, None if every is None else Grid(at, every).after)

    def cron(self, task, expression, tz, *, priority=0, attempts=1):
        found = Expression(expression, tz)

        def after(now):
            run = found.after(self.epoch + timedelta(seconds=int(now) - 60))
            while (run - self.epoch).total_seconds() <= now:
                run = found.after(run)
            return (run - self.epoch).total_seconds()

        return self.add(task, after(self.clock.monotonic()), priority, attempts, after)

    def next_run(self, expression, tz, after):
        if not after.tzinfo:
            raise ValueError("after has a zone")
        return Expression(expression, tz).after(after)

    def add(self, task, due, priority, attempts, times):
        if attempts < 1:
            raise ValueError("attempts is 1 or more")
        with self.lock:
            job = Job(next(self.numbers), task, due, priority, attempts, times)
            self.known[job.number] = job
            self.put(job)
            return job.number

    def cancel(self, number):
        with self.lock:
            job = self.known.get(number)
            if job is None or (job.busy and job.times is None):
                return False
            job.gone = True
            del self.known[number]
            return True

    def stop(self, *, drain=False):
        with self.lock:
            self.open, self.begins = False, self.begins and drain
            self.follows.notify_all()
            self.leads.notify_all()

    def __len__(self):
        with self.lock:
            return len(self.known)

    def dead_letters(self):
        if self.rows:
            return self.rows.dead_letters()
        with self.lock:
            return [*self.letters]

    # -- who works

    def run_due(self):
        if self.rows:
            return self.rows.run_due()
        runs = 0
        while job := self.due():
            self.perform(job)
            runs += 1
        return runs

    def run(self):
        while job := self.next_job():
            self.perform(job)

    def next_job(self):
        with self.lock:
            while not (job := self.due()) and self.open:
                if self.leader is None:
                    self.lead()
                else:
                    self.follows.wait()
            self.follows.notify()  # somebody else may lead now
            return job

    def lead(self):
        self.leader = threading.current_thread()
        try:
            seconds = self.later[0].due - self.clock.monotonic() if self.later else math.inf
            self.leads.wait(None if seconds == math.inf else min(seconds, threading.TIMEOUT_MAX))
        finally:
            self.leader = None

    def put(self, job):
        job.busy = False
        heapq.heappush(self.later, job)
        self.leads.notify()

    def due(self):
        """A job that is due, and is now ours."""
        with self.lock:
            now = self.clock.monotonic()
            while self.later and self.later[0].due <= now:
                job = heapq.heappop(self.later)
                if not job.gone:
                    heapq.heappush(self.now.setdefault(job.priority, []), job)
            while self.now and self.begins:
                heap = self.now[top := max(self.now)]
                job = heapq.heappop(heap)
                if not heap:
                    del self.now[top]
                if not job.gone:
                    job.busy = True
                    return job
            return None

    def perform(self, job):
        error = None
        try:
            job.task()
        except Exception as failure:
            error = type(failure).__name__
        except BaseException:
            with self.lock:
                self.put(job)
            raise
        with self.lock:
            if not job.gone:
                self.settle(job, error, self.clock.monotonic())

    def settle(self, job, error, now):
        if error:
            job.failed += 1
            if job.failed < job.attempts:
                job.due = now + self.pause(job.failed)
                return self.put(job)
            self.letters.append(DeadLetter(job.number, job.failed, error))
        if job.times is None:
            return self.known.pop(job.number)
        job.failed, job.due = 0, job.times(now)
        return self.put(job)

    def enqueue(self, task, **options):
        return self.rows.enqueue(task, **options)

    def beat(self):
        return self.rows.beat()


class Rows:
    """The jobs of the store. `chain` is the job of the same key before this one."""

    def __init__(self, store, tasks, clock, lease, max_crashes, capacity, pause):
        self.store, self.tasks, self.clock, self.lease, self.pause = store, tasks, clock, lease, pause
        self.max_crashes, self.capacity, self.mine = max_crashes, capacity, []
        self.turn = threading.RLock()

    @contextmanager
    def changes(self):
        """A transaction of one thread, and whatever follows from it."""
        with self.turn, self.store.transaction() as rows:
            yield rows
            for number in sorted(rows):
                row = rows[number]
                if row["state"] == "waits" and any(rows[each]["state"] == "dead" for each in row["after"]):
                    row["state"], row["error"] = "dead", "parent"

    def enqueue(self, task, *, delay=0.0, attempts=1, unique=None, key=None, after=()):
        if task not in self.tasks or min(delay, attempts - 1) < 0:
            raise ValueError("not a job")
        with self.changes() as rows:
            living = {number: row for number, row in rows.items() if row["state"] in ("waits", "runs")}
            words = {row["unique"]: number for number, row in living.items()}
            if unique is not None and unique in words:
                return words[unique]
            if any(number not in rows for number in after):
                raise ValueError("no such parent")
            if self.capacity and sum(row["state"] == "waits" for row in living.values()) >= self.capacity:
                raise QueueFull
            chain = max((number for number, row in rows.items() if row["key"] == key is not None), default=0)
            rows[number := len(rows) + 1] = {
                "task": task, "state": "waits", "due": self.clock.monotonic() + delay, "attempts": attempts,
                "unique": unique, "key": key, "chain": chain, "after": tuple(after),
                "failed": 0, "crashed": 0, "fence": 0, "until": 0, "error": "",
            }  # fmt: skip
        return number

    def free(self, row, rows):
        """A chain is followed to its beginning, for a link in the middle may have died young."""
        link = row["chain"]
        while link:
            if rows[link]["state"] in ("waits", "runs"):
                return False
            link = rows[link]["chain"]
        return row["state"] == "waits" and all(rows[parent]["state"] == "done" for parent in row["after"])

    def claim(self):
        with self.changes() as rows:
            now = self.clock.monotonic()
            for row in rows.values():
                if row["state"] == "runs" and row["until"] <= now:
                    row["crashed"] += 1
                    row["state"] = "dead" if row["crashed"] >= self.max_crashes else "waits"
                    row["error"] = "crashed"
            due = [(row["due"], number) for number, row in rows.items() if row["due"] <= now and self.free(row, rows)]
            if not due:
                return None, None
            _, number = min(due)
            row = rows[number]
            row["fence"] += 1
            row["state"], row["until"] = "runs", now + self.lease
            return row["task"], Claim(number, row["fence"])

    def run_due(self):
        accepted = 0
        while True:
            task, claim = self.claim()
            if claim is None:
                return accepted
            self.mine.append(claim)
            try:
                self.tasks[task](claim)
                ended = "done", ""
            except Exception as failure:
                ended = "failed", type(failure).__name__
            except BaseException:
                self.settle(claim, "waits", "")
                raise
            accepted += self.settle(claim, *ended)

    def holds(self, claim, rows, now):
        row = rows[claim.id]
        return row["state"] == "runs" and row["fence"] == claim.fence and now < row["until"]

    def settle(self, claim, state, error):
        self.mine.remove(claim)
        with self.changes() as rows:
            row, now = rows[claim.id], self.clock.monotonic()
            if not self.holds(claim, rows, now):
                return 0
            if state == "failed":
                row["failed"] += 1
                again = row["failed"] < row["attempts"]
                state = "waits" if again else "dead"
                row["due"] = now + self.pause(row["failed"]) if again else now
            row["state"], row["error"] = state, error
        return 1

    def beat(self):
        with self.changes() as rows:
            now = self.clock.monotonic()
            held = [claim for claim in self.mine[:] if self.holds(claim, rows, now)]
            for claim in held:
                rows[claim.id]["until"] = now + self.lease
        return len(held)

    def dead_letters(self):
        with self.changes() as rows:
            return [
                DeadLetter(number, row["failed"], row["error"])
                for number, row in sorted(rows.items())
                if row["state"] == "dead"
            ]
