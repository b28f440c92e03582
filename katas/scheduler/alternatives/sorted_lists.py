"""Sorted lists instead of heaps; a night's transition found by bisection; parents in the store counted down."""

import threading
from bisect import bisect_right, insort
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from interface import SYSTEM, Claim, DeadLetter, NeverFires, QueueFull

RANGES = {"minute": range(60), "hour": range(24), "day": range(1, 32), "month": range(1, 13), "weekday": range(8)}


def field(word, among):
    """The members of `among` that a field of an expression names."""
    named = set()
    if word.strip("0123456789,-*/"):
        raise ValueError(word)
    for item in word.split(","):
        whole, _, step = item.partition("/")
        if whole == "*":
            chosen = among
        elif "-" in whole:
            first, last = map(int, whole.split("-"))
            chosen = range(first, last + 1)
        elif "/" in item:
            raise ValueError(item)
        else:
            chosen = range(int(whole), int(whole) + 1)
        if "/" in item:
            if int(step) < 1:
                raise ValueError(item)
            chosen = chosen[:: int(step)]
        if not chosen or chosen[0] not in among or chosen[-1] not in among:
            raise ValueError(item)
        named.update(chosen)
    return named


class Calendar:
    def __init__(self, expression, tz):
        words = expression.split()
        if len(words) != 5:
            raise ValueError(expression)
        self.fields = {name: field(word, RANGES[name]) for word, name in zip(words, RANGES, strict=True)}
        self.interval = "*" in {words[0][0], words[1][0]}
        self.both = "*" in {words[2][0], words[4][0]}
        self.zone = ZoneInfo(tz)

    def has(self, day):
        if day.month not in self.fields["month"]:
            return False
        weekdays = {day.isoweekday()} | ({0} if day.isoweekday() == 7 else set())
        found = [day.day in self.fields["day"], bool(weekdays & self.fields["weekday"])]
        return all(found) if self.both else any(found)

    def after(self, instant):
        """A clock that is set back over midnight has part of a day after the beginning of the next one."""
        day = instant.astimezone(self.zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        later, day = [], day - timedelta(days=1)
        for _ in range(41 * 366):
            over = bool(later)
            if self.has(day):
                later += [run for run in self.runs(day) if run > instant]
            if over:
                return min(later).astimezone(self.zone)
            day += timedelta(days=1)
        raise NeverFires

    def runs(self, day):
        for hour in self.fields["hour"]:
            for minute in self.fields["minute"]:
                yield from self.instants(day.replace(hour=hour, minute=minute))

    def instants(self, wall):
        """In a gap the second reading of a wall has the larger offset, in a repeated hour the smaller one."""
        first, second = (wall.replace(tzinfo=self.zone, fold=fold).utcoffset() for fold in (0, 1))
        early = (wall - first).replace(tzinfo=UTC)
        if first < second:
            if not self.interval:
                yield self.transition((wall - second).replace(tzinfo=UTC), early, second)
            return
        yield early
        if first > second and self.interval:
            yield (wall - second).replace(tzinfo=UTC)

    def transition(self, low, high, offset):
        """The first minute with the new offset; before `low` it was the old one, at `high` it is the new one."""
        minutes = range(int((high - low) / timedelta(minutes=1)))
        found = bisect_right(minutes, 0, key=lambda minute: self.offset_at(low, minute) == offset)
        return low + timedelta(minutes=found)

    def offset_at(self, low, minute):
        return (low + timedelta(minutes=minute)).astimezone(self.zone).utcoffset()


class Job:
    def __init__(self, number, task, due, priority, attempts, following):
        self.number, self.task, self.due, self.priority = number, task, due, priority
        self.left = self.attempts = attempts
        self.following, self.state = following, "waits"


class Memory:
    """Jobs in two sorted lists: what waits by its time, what is due by its importance."""

    def __init__(self, clock, pause):
        self.clock, self.pause = clock, pause
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.jobs, self.waiting, self.ready, self.letters = {}, [], [], []
        self.numbers, self.mode = 0, "open"

    def add(self, task, due, priority, attempts, following):
        with self.changed:
            self.numbers += 1
            job = self.jobs[self.numbers] = Job(self.numbers, task, due, priority, attempts, following)
            self.put(job)
        return job.number

    def put(self, job):
        job.state = "waits"
        insort(self.waiting, (job.due, job.number))
        self.changed.notify_all()

    def take(self):
        """A job that is due, or None; the lock is held."""
        if self.mode == "stopped":
            return None
        count = bisect_right(self.waiting, self.clock.monotonic(), key=lambda entry: entry[0])
        for due, number in self.waiting[:count]:
            if number in self.jobs:
                insort(self.ready, (-self.jobs[number].priority, due, number))
        del self.waiting[:count]
        while self.ready:
            job = self.jobs.get(self.ready.pop(0)[-1])
            if job is not None:
                job.state = "runs"
                return job
        return None

    def work(self, patient):
        """Run jobs until there is none, or, if `patient`, until the stop."""
        runs = 0
        while True:
            with self.changed:
                while (job := self.take()) is None:
                    if self.mode != "open" or not patient:
                        return runs
                    seconds = self.waiting[0][0] - self.clock.monotonic() if self.waiting else None
                    self.changed.wait(seconds and min(seconds, threading.TIMEOUT_MAX))
            self.perform(job)
            runs += 1

    def perform(self, job):
        error, over = None, False
        try:
            job.task()
            over = True
        except Exception as failure:
            error, over = type(failure).__name__, True
        finally:
            with self.changed:
                if job.number in self.jobs:
                    self.put(job) if not over else self.settle(job, error, self.clock.monotonic())

    def settle(self, job, error, now):
        if error is not None:
            job.left -= 1
            if job.left:
                job.due = now + self.pause(job.attempts - job.left)
                self.put(job)
                return
            self.letters.append(DeadLetter(job.number, job.attempts, error))
        job.left = job.attempts
        if job.following is None:
            del self.jobs[job.number]
        else:
            job.due = job.following(now)
            self.put(job)

    def cancel(self, number):
        with self.lock:
            job = self.jobs.get(number)
            possible = job is not None and (job.state == "waits" or job.following is not None)
            if possible:
                del self.jobs[number]
            return possible

    def stop(self, drain):
        with self.changed:
            if self.mode != "stopped":
                self.mode = "draining" if drain else "stopped"
            self.changed.notify_all()


class Shared:
    """Jobs in a store. A row knows how many of its parents are open, and what is done counts its children down."""

    def __init__(self, store, tasks, clock, lease, max_crashes, capacity, pause):
        self.store, self.tasks, self.clock, self.lease, self.pause = store, tasks, clock, lease, pause
        self.max_crashes, self.capacity = max_crashes, capacity
        self.here, self.alone = {}, threading.RLock()

    @contextmanager
    def rows(self):
        with self.alone, self.store.transaction() as rows:
            yield rows

    def enqueue(self, task, *, delay=0.0, attempts=1, unique=None, key=None, after=()):
        if task not in self.tasks or delay < 0 or attempts < 1:
            raise ValueError(task)
        with self.rows() as rows:
            alive = {number: row for number, row in rows.items() if row["state"] in "waits runs"}
            for number, row in alive.items():
                if unique is not None and unique == row["unique"]:
                    return number
            if set(after) - set(rows):
                raise ValueError(after)
            if self.capacity is not None and sum(row["state"] == "waits" for row in alive.values()) >= self.capacity:
                raise QueueFull
            parents = [rows[number] for number in set(after)]
            number = len(rows) + 1
            rows[number] = {
                "task": task, "state": "waits", "due": self.clock.monotonic() + delay, "left": attempts, "failed": 0,
                "lost": 0, "fence": 0, "until": 0.0, "error": "", "unique": unique, "key": key,
                "children": (), "open": sum(row["state"] != "done" for row in parents),
            }  # fmt: skip
            for row in parents:
                row["children"] += (number,)
            if any(row["state"] == "dead" for row in parents):
                self.die(rows, number, "parent")
            return number

    def die(self, rows, number, error):
        doomed = [(number, error)]
        while doomed:
            number, error = doomed.pop()
            if rows[number]["state"] in "waits runs":
                rows[number].update(state="dead", error=error)
                doomed += [(child, "parent") for child in rows[number]["children"]]

    def run_due(self):
        accepted = 0
        while True:
            with self.rows() as rows:
                claim = self.claim(rows, self.clock.monotonic())
                task = claim and rows[claim.id]["task"]
            if claim is None:
                return accepted
            self.here[claim] = True
            accepted += self.perform(claim, self.tasks[task])

    def claim(self, rows, now):
        for number, row in rows.items():
            if row["state"] == "runs" and now >= row["until"]:
                row["lost"] += 1
                row["state"] = "waits"
                if row["lost"] == self.max_crashes:
                    self.die(rows, number, "crashed")
        free, keys = [], set()
        for number, row in sorted(rows.items()):
            alive = row["state"] in "waits runs"
            if row["state"] == "waits" and row["due"] <= now and not row["open"] and row["key"] not in keys:
                free.append((row["due"], number))
            if alive and row["key"] is not None:
                keys.add(row["key"])
        if not free:
            return None
        _, number = min(free)
        rows[number]["fence"] += 1
        rows[number].update(state="runs", until=now + self.lease)
        return Claim(number, rows[number]["fence"])

    def perform(self, claim, task):
        outcome = "interrupted"
        try:
            task(claim)
            outcome = None
        except Exception as failure:
            outcome = type(failure).__name__
        finally:
            del self.here[claim]
            with self.rows() as rows:
                accepted = self.valid(claim, rows)
                if accepted:
                    self.settle(rows, claim.id, outcome)
        return accepted

    def valid(self, claim, rows):
        row = rows[claim.id]
        return (row["state"], row["fence"]) == ("runs", claim.fence) and self.clock.monotonic() < row["until"]

    def settle(self, rows, number, outcome):
        row = rows[number]
        if outcome is None:
            row["state"] = "done"
            for child in row["children"]:
                rows[child]["open"] -= 1
            return
        if outcome != "interrupted":
            row["failed"] += 1
            if row["failed"] == row["left"]:
                self.die(rows, number, outcome)
                return
            row["due"] = self.clock.monotonic() + self.pause(row["failed"])
        row["state"] = "waits"

    def beat(self):
        with self.rows() as rows:
            mine = [claim.id for claim in list(self.here) if self.valid(claim, rows)]
            for number in mine:
                rows[number]["until"] = self.clock.monotonic() + self.lease
        return len(mine)

    def dead_letters(self):
        with self.rows() as rows:
            dead = [(number, row) for number, row in sorted(rows.items()) if row["state"] == "dead"]
        return [DeadLetter(number, row["failed"], row["error"]) for number, row in dead]


class Scheduler:
    def __init__(self, *, clock=SYSTEM, rng=None, base=1.0, cap=60.0, epoch=datetime(1970, 1, 1, tzinfo=UTC), store=None,
                 tasks=None, lease=30.0, max_crashes=3, capacity=None):  # fmt: skip
        if base <= 0 or base > cap or epoch.utcoffset() is None or lease <= 0 or max_crashes < 1:
            raise ValueError((base, cap, epoch, lease, max_crashes))
        if capacity is not None and capacity < 1:
            raise ValueError(capacity)
        self.rng, self.base, self.cap, self.clock = rng or Random(), base, cap, clock
        self.epoch = epoch.astimezone(UTC)
        self.memory = Memory(clock, self.pause)
        self.shared = store and Shared(store, tasks, clock, lease, max_crashes, capacity, self.pause)
        self.run_due = self.shared.run_due if store else lambda: self.memory.work(patient=False)
        self.dead_letters = self.shared.dead_letters if store else lambda: list(self.memory.letters)

    def pause(self, failures):
        longest = self.base
        for _ in range(failures - 1):
            longest = min(self.cap, 2 * longest)
        return longest / 2 + longest / 2 * self.rng.random()

    def schedule(self, task, at, *, every=None, priority=0, attempts=1):
        if attempts < 1 or (every is not None and every <= 0):
            raise ValueError((attempts, every))

        def following(now):
            number = (now - at) // every
            while (due := at + number * every) <= now:
                number += 1
            return due

        return self.memory.add(task, at, priority, attempts, following if every else None)

    def cron(self, task, expression, tz, *, priority=0, attempts=1):
        if attempts < 1:
            raise ValueError(attempts)
        calendar = Calendar(expression, tz)

        def following(now):
            run = self.epoch + timedelta(seconds=now // 1)
            while (due := (run - self.epoch) / timedelta(seconds=1)) <= now:
                run = calendar.after(run)
            return due

        return self.memory.add(task, following(self.clock.monotonic()), priority, attempts, following)

    def next_run(self, expression, tz, after):
        if after.utcoffset() is None:
            raise ValueError(after)
        return Calendar(expression, tz).after(after)

    def cancel(self, number):
        return self.memory.cancel(number)

    def run(self):
        self.memory.work(patient=True)

    def stop(self, *, drain=False):
        self.memory.stop(drain)

    def __len__(self):
        return len(self.memory.jobs)

    def enqueue(self, task, **options):
        return self.shared.enqueue(task, **options)

    def beat(self):
        return self.shared.beat()
