"""The sequential model: all jobs in one list, looked through at every step; the calendar minute by minute."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interface import Claim, DeadLetter, Down, Killed, NeverFires, Numbers, QueueFull, Store
from lldkit.dojo.author import Advance, KataClock, Op, Program, call_line


class Model:
    """The scheduler as the statement describes it, without a thought for speed or threads."""

    def __init__(self, *, clock, rng=None, base=1.0, cap=60.0, epoch=datetime(1970, 1, 1, tzinfo=UTC), store=None,
                 tasks=None, lease=30.0, max_crashes=3, capacity=None):  # fmt: skip
        if not 0 < base <= cap or not lease > 0 or max_crashes < 1 or (capacity is not None and capacity < 1):
            raise ValueError
        self.clock, self.rng, self.base, self.cap, self.epoch = clock, rng, base, cap, epoch.astimezone(UTC)
        self.jobs, self.dead, self.last, self.stopped = [], [], 0, False
        self.store, self.tasks, self.lease, self.max_crashes, self.capacity = store, tasks, lease, max_crashes, capacity
        self.mine = []

    # -- in memory ---------------------------------------------------------------------------------------------------

    def schedule(self, task, at, *, every=None, priority=0, attempts=1):
        if every is not None and not every > 0:
            raise ValueError

        def following(now):
            runs = math.floor((now - at) / every)
            while at + runs * every <= now:
                runs += 1
            return at + runs * every

        return self.add(task, at, priority, attempts, None if every is None else following)

    def add(self, task, due, priority, attempts, following):
        if attempts < 1:
            raise ValueError
        self.last += 1
        job = {"id": self.last, "task": task, "due": due, "priority": priority, "attempts": attempts}
        self.jobs.append(job | {"following": following, "failures": 0, "runs": False})
        return self.last

    def cancel(self, number):
        job = next((job for job in self.jobs if job["id"] == number), None)
        if job is None or (job["runs"] and job["following"] is None):
            return False
        self.jobs.remove(job)
        return True

    def run_due(self):
        if self.store is not None:
            return self.work()
        runs = 0
        while (job := self.next_job()) is not None:
            runs += 1
            job["runs"] = True
            try:
                job["task"]()
                failed = None
            except Exception as error:
                failed = type(error).__name__
            finally:
                job["runs"] = False
            if job in self.jobs:
                self.after_run(job, failed)
        return runs

    def next_job(self):
        due = [job for job in self.jobs if job["due"] <= self.clock.monotonic() and not job["runs"]]
        if self.stopped or not due:
            return None
        return min(due, key=lambda job: (-job["priority"], job["due"], job["id"]))

    def after_run(self, job, failed):
        now = self.clock.monotonic()
        job["failures"] += failed is not None
        if failed and job["failures"] < job["attempts"]:
            job["due"] = now + self.pause(job["failures"])
            return
        if failed:
            self.dead.append(DeadLetter(job["id"], job["failures"], failed))
        job["failures"] = 0
        if job["following"] is None:
            self.jobs.remove(job)
        else:
            job["due"] = job["following"](now)

    def pause(self, failures):
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 1023)) * (1 + self.rng.random()) / 2

    def stop(self, *, drain=False):
        self.stopped = self.stopped or not drain

    def __len__(self):
        return len(self.jobs)

    def dead_letters(self):
        if self.store is None:
            return list(self.dead)
        dead = [row for row in self.rows() if row["state"] == "dead"]
        return [DeadLetter(row["id"], row["failures"], row["error"]) for row in dead]

    # -- the calendar ------------------------------------------------------------------------------------------------

    def next_run(self, expression, tz, after):
        if after.tzinfo is None:
            raise ValueError
        return scan(expression, ZoneInfo(tz), after)

    def cron(self, task, expression, tz, *, priority=0, attempts=1):
        def following(now):
            run = self.epoch + timedelta(seconds=math.floor(now))
            while (seconds := (run - self.epoch).total_seconds()) <= now:
                run = scan(expression, ZoneInfo(tz), run)
            return seconds

        return self.add(task, following(self.clock.monotonic()), priority, attempts, following)

    # -- in a store: of a fake one the model takes the list, and is its own database ----------------------------------

    def rows(self):
        return self.store._table[0].setdefault("rows", [])

    def enqueue(self, task, *, delay=0.0, attempts=1, unique=None, key=None, after=()):
        rows = self.rows()
        if task not in self.tasks or not delay >= 0 or attempts < 1:
            raise ValueError
        living = [row for row in rows if row["state"] in {"waits", "runs"}]
        same = [row["id"] for row in living if unique is not None and row["unique"] == unique]
        if same:
            return same[0]
        if not {row["id"] for row in rows} >= set(after):
            raise ValueError
        if self.capacity is not None and sum(row["state"] == "waits" for row in living) >= self.capacity:
            raise QueueFull
        row = {"id": len(rows) + 1, "task": task, "due": self.clock.monotonic() + delay, "attempts": attempts}
        rows.append(row | {"failures": 0, "crashes": 0, "state": "waits", "error": None, "fence": 0, "until": 0.0,
                           "unique": unique, "key": key, "after": tuple(after)})  # fmt: skip
        self.orphans()
        return row["id"]

    def work(self):
        accepted = 0
        while (row := self.next_row()) is not None:
            fence = row["fence"] = row["fence"] + 1
            row["state"], row["until"] = "runs", self.clock.monotonic() + self.lease
            self.mine.append((row, fence))
            try:
                self.tasks[row["task"]](Claim(row["id"], fence))
                failed = None
            except Exception as error:
                failed = type(error).__name__
            except KeyboardInterrupt:
                if self.holds(row, fence):
                    row["state"] = "waits"
                self.mine.remove((row, fence))
                raise
            self.mine.remove((row, fence))
            if self.holds(row, fence):
                accepted += 1
                self.end(row, failed)
        return accepted

    def next_row(self):
        now = self.clock.monotonic()
        for row in self.rows():
            if row["state"] == "runs" and row["until"] <= now:
                row["crashes"] += 1
                crashed = row["crashes"] >= self.max_crashes
                row["state"], row["error"] = ("dead", "crashed") if crashed else ("waits", None)
        self.orphans()
        due = [row for row in self.rows() if row["state"] == "waits" and row["due"] <= now and not self.blocked(row)]
        return min(due, key=lambda row: (row["due"], row["id"]), default=None)

    def holds(self, row, fence):
        return row["state"] == "runs" and row["fence"] == fence and self.clock.monotonic() < row["until"]

    def blocked(self, row):
        earlier = [other for other in self.rows()[: row["id"] - 1] if other["key"] == row["key"] is not None]
        over = all(other["state"] in {"done", "dead"} for other in earlier)
        return not over or any(self.rows()[number - 1]["state"] != "done" for number in row["after"])

    def end(self, row, failed):
        row["failures"] += failed is not None
        if failed is None:
            row["state"] = "done"
        elif row["failures"] < row["attempts"]:
            row["state"], row["due"] = "waits", self.clock.monotonic() + self.pause(row["failures"])
        else:
            row["state"], row["error"] = "dead", failed
        self.orphans()

    def orphans(self):
        for row in self.rows():
            dead = any(self.rows()[number - 1]["state"] == "dead" for number in row["after"])
            if row["state"] == "waits" and dead:
                row["state"], row["error"] = "dead", "parent"

    def beat(self):
        kept = [row for row, fence in self.mine if self.holds(row, fence)]
        for row in kept:
            row["until"] = self.clock.monotonic() + self.lease
        return len(kept)


# -- the calendar, minute by minute ------------------------------------------------------------------------------------

FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MINUTE = timedelta(minutes=1)
HORIZON = 8 * 366 * 24 * 60  # minutes; the programs ask for nothing rarer


def field(word, low, high):
    found = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not dash and span != "*":
            raise ValueError
        start, end = (low, high) if span == "*" else (int(first), int(last if dash else first))
        if not low <= start <= end <= high or (slash and int(step) < 1):
            raise ValueError
        found |= set(range(start, end + 1, int(step) if slash else 1))
    return found


def scan(expression, zone, after):
    """Walk along the time of the world, and look at the clock on the wall at every minute."""
    words = expression.split()
    if len(words) != 5 or not set("".join(words)) <= set("0123456789*,-/"):
        raise ValueError
    minutes, hours, days, months, weekdays = (field(word, *bounds) for word, bounds in zip(words, FIELDS, strict=True))
    interval = words[0][0] == "*" or words[1][0] == "*"
    both = words[2][0] == "*" or words[4][0] == "*"
    if not possible(days, months, both):
        raise NeverFires

    def on(date):
        day, week = date.day in days, bool(weekdays & ({0, 7} if date.isoweekday() == 7 else {date.isoweekday()}))
        return date.month in months and ((day and week) if both else (day or week))

    def matches(wall):
        return wall.minute in minutes and wall.hour in hours and on(wall)

    now = after.astimezone(UTC).replace(second=0, microsecond=0)
    before = now.astimezone(zone).replace(tzinfo=None)
    for _ in range(HORIZON):
        if now.minute == 0 and not any(on(before + timedelta(days=ahead)) for ahead in (-1, 0, 1, 2)):
            now += timedelta(days=1)
            before = now.astimezone(zone).replace(tzinfo=None)
            continue
        now += MINUTE
        wall = now.astimezone(zone)
        naive = wall.replace(tzinfo=None)
        if interval:
            if matches(wall):
                return wall
        elif wall.fold == 0:
            skipped, gap = before + MINUTE, False
            while skipped < naive:
                gap, skipped = gap or matches(skipped), skipped + MINUTE
            if gap or matches(wall):
                return wall
        before = naive
    raise NeverFires


def possible(days, months, both):
    longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return not both or any(day <= longest.get(month, 31) for day in days for month in months)


# -- what programs are made of -----------------------------------------------------------------------------------------


class Task:
    """A task that writes down when it ran, takes some `seconds`, does what stands in `then`, and may raise."""

    def __init__(self, name, *then, seconds=0, raises=()):
        self.name, self.then, self.seconds, self.raises, self.runs = name, then, seconds, raises, 0

    def __repr__(self):
        told = "".join(f", {call_line('', step.name, step.args, step.kwargs)}" for step in self.then)
        told += f", seconds={self.seconds:g}" if self.seconds else ""
        told += f", raises=[{', '.join(error.__name__ for error in self.raises)}]" if self.raises else ""
        return f"Task({self.name!r}{told})"


class Endless(BaseException):
    """A call runs and runs; no `except Exception` of a solution stops this."""


class Player:
    """A scheduler whose tasks do what a program says. `run_due` also tells what ran, and when."""

    def __init__(self, target, clock):
        self.target, self.clock, self.log = target, clock, []

    def __getattr__(self, name):
        return getattr(self.target, name)

    def __len__(self):
        return len(self.target)

    def schedule(self, task, at, **options):
        return self.target.schedule(self.bound(task), at, **options)

    def cron(self, task, expression, tz, **options):
        return self.target.cron(self.bound(task), expression, tz, **options)

    def next_run(self, expression, tz, after):
        return self.target.next_run(expression, tz, datetime.fromisoformat(after)).isoformat()

    def bound(self, task):
        raises = list(task.raises)

        def run():
            self.log.append((task.name, self.clock.monotonic()))
            if len(self.log) > MOST_RUNS:
                raise Endless
            self.clock.step(task.seconds)
            for step in task.then:
                self.log.append((step.name, getattr(self, step.name)(*step.args, **step.kwargs)))
            if raises:
                raise raises.pop(0)

        return run

    def run_due(self):
        self.log = []
        try:
            runs = self.target.run_due()
        except KeyboardInterrupt:
            runs = "KeyboardInterrupt"
        except Endless:
            return "it does not end", []
        return runs, self.log


class Ends:
    """How the tasks of one `run_due` end: each does something and takes its time first; who dies begins anew."""

    def __init__(self, *steps, how="done"):
        self.steps, self.how = steps, how

    def __repr__(self):
        steps = [f"clock.advance({step.seconds:g})" if isinstance(step, Advance) else
                 call_line(f"process {step.on + 1}", step.name, step.args, step.kwargs) for step in self.steps]  # fmt: skip
        return f"<{', '.join([*steps, self.how])}>"


class Processes:
    """Some processes with one store."""

    def __init__(self, setup, make, clock):
        self.setup, self.make, self.clock, self.store = setup, make, clock, Store()
        self.fences = {}
        self.players = [Process(self) for _ in range(3)]


class Process:
    """A process that begins anew when it was killed."""

    def __init__(self, fleet):
        self.fleet, self.log, self.ends = fleet, [], []
        self.start()

    def start(self):
        self.store = self.fleet.store.connect()
        tasks = {"mail": self.work, "bill": self.work}
        rng = Numbers(0.0, 0.5)
        fleet = self.fleet
        self.target = fleet.make(**fleet.setup, clock=fleet.clock, rng=rng, store=self.store, tasks=tasks)

    def work(self, claim):
        fences = self.fleet.fences
        self.log.append((claim.id, self.fleet.clock.monotonic(), claim.fence > fences.get(claim.id, -1)))
        fences[claim.id] = claim.fence
        ends = self.ends.pop(0) if self.ends else Ends()
        for step in ends.steps:
            if isinstance(step, Advance):
                self.fleet.clock.step(step.seconds)
            elif step.name == "beat":
                self.log.append(("beat", self.beat()))
            else:
                player = self.fleet.players[step.on]
                if player is not self:
                    self.log.append((step.name, getattr(player, step.name)(*step.args, **step.kwargs)))
        if ends.how == "dies":
            self.store.kill()
        if ends.how != "done":
            raise {"fails": Down, "is interrupted": KeyboardInterrupt}[ends.how]

    def run_due(self, *ends):
        self.log, self.ends = [], list(ends)
        try:
            return self.target.run_due(), self.log
        except KeyboardInterrupt:
            return "interrupted", self.log
        except Killed:
            self.start()
            return "killed", self.log

    def enqueue(self, *args, **options):
        try:
            return self.target.enqueue(*args, **options)
        except QueueFull:
            return "QueueFull"

    def beat(self):
        return self.target.beat()

    def dead_letters(self):
        return self.target.dead_letters()


def build(setup, make, clock):
    """One scheduler, or the processes of a store."""
    if "store" in setup:
        setup = {key: value for key, value in setup.items() if key != "store"}
        return Processes(setup, make, clock).players
    if "rng" in setup:
        setup = {**setup, "rng": Numbers(*setup["rng"].numbers)}  # each side draws for itself
    return [Player(make(**setup, clock=clock), clock)]


# -- the programs --------------------------------------------------------------------------------------------------------


def pick(rng, things):
    return things[int(rng.random() * len(things))]


MOST_RUNS = 500  # in one call
TIMES = (0.0, 0.125, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 3.0, 4.0)


def job(rng, names, level, depth=0):
    """A call of `schedule`."""
    options = {}
    if level >= 2:
        if rng.random() < 0.4:
            options["every"] = pick(
                rng, (0.5, 1.0, 1.5, 2.0, 0.375) + ((0.0, -1.0) if depth == 0 and rng.random() < 0.1 else ())
            )
        if rng.random() < 0.5:
            options["priority"] = pick(rng, (-1, 0, 1, 1, 2))
    if level >= 3 and rng.random() < 0.6:
        options["attempts"] = pick(rng, (1, 2, 3, 4) + ((0,) if depth == 0 and rng.random() < 0.1 else ()))
    then = []
    if depth == 0 and rng.random() < 0.3:
        then.append(job(rng, names, level, 1))
    if level >= 2 and rng.random() < 0.2:
        then.append(Op("cancel", 1 + int(rng.random() * 5)))
    if rng.random() < 0.1:
        then.append(Op("__len__"))
    raises = ()
    if level >= 3 and rng.random() < 0.6:
        raises = tuple(pick(rng, (Down, Down, Down, Down, KeyboardInterrupt)) for _ in range(1 + int(rng.random() * 4)))
    seconds = 0 if depth or "every" in options else pick(rng, (0, 0, 0, 0.5, 1.0, 2.5))
    names.append(name := chr(97 + len(names) % 26))
    return Op("schedule", Task(name, *then, seconds=seconds, raises=raises), pick(rng, TIMES), **options)


def in_memory(level):
    def program(rng):
        names, steps = [], []
        setup = {}
        if level >= 3:
            setup = {"rng": Numbers(0.0, 0.5, 0.75)}
            if rng.random() < 0.5:
                setup |= pick(rng, ({"base": 0.5}, {"base": 0.5, "cap": 1.0}, {"base": 2.0, "cap": 2.0}))
        for _ in range(3 + int(rng.random() * 8)):
            draw = rng.random()
            if draw < 0.45:
                steps.append(job(rng, names, level))
            elif draw < 0.55 and level >= 2:
                steps.append(Op("cancel", 1 + int(rng.random() * 6)))
            elif draw < 0.8:
                steps.append(Advance(pick(rng, (0.125, 0.5, 1.0, 1.0, 2.5))))
            elif draw < 0.83:
                steps.append(Op("stop", **({"drain": rng.random() < 0.6} if level >= 3 else {})))
            else:
                steps.append(Op("run_due"))
        return Program(setup, steps, start=pick(rng, (0.0, 0.0, 0.0, 1.0)))

    return program


NIGHTS = (
    ("Europe/Berlin", "2024-03-31T00:00+00:00"),
    ("Europe/Berlin", "2024-10-27T00:00+00:00"),
    ("America/New_York", "2024-03-10T06:00+00:00"),
    ("America/New_York", "2024-11-03T05:00+00:00"),
    ("Australia/Lord_Howe", "2024-10-05T14:30+00:00"),
    ("Australia/Lord_Howe", "2024-04-06T14:00+00:00"),
    ("America/St_Johns", "2010-11-07T02:00+00:00"),
    ("UTC", "2024-02-28T22:30+00:00"),
)
HOURS = ("1", "2", "1-3", "*", "*/2", "0,2", "1-5/2", "0,23")
MINUTES = ("0", "30", "15,45", "*/20", "*", "10-50/20", "59")
DAYS = ("* * *", "* * *", "* * *", "* 3,10 *", "1-31 * 0", "27 * 0", "*/3 * 7", "* * 0-3", "31 * 6", "3 * *")


def nights(rng):
    """Expressions near the nights in which the clocks are changed."""
    tz, night = pick(rng, NIGHTS)
    steps = []
    for _ in range(2):
        at = datetime.fromisoformat(night) + timedelta(minutes=pick(rng, (-120, -30, 0, 29, 30, 59, 60, 89, 90, 150)))
        at += timedelta(seconds=pick(rng, (0, 0, 30)))
        expression = f"{pick(rng, MINUTES)} {pick(rng, HOURS)} {pick(rng, DAYS)}"
        steps.append(Op("next_run", expression, tz, at.isoformat()))
    return Program({}, steps)


def lived(rng):
    """A job of cron in one of these nights, beside others."""
    tz, night = pick(rng, NIGHTS)
    epoch = datetime.fromisoformat(night) - timedelta(hours=pick(rng, (1, 1, 12)))
    if rng.random() < 0.4:
        epoch = epoch.astimezone(ZoneInfo(tz))
    expression = f"{pick(rng, ('0', '30', '*/20', '15,45'))} {pick(rng, HOURS)} * * *"
    steps = [
        Op("cron", Task("a", raises=(Down,)), expression, tz, priority=pick(rng, (0, 1)), attempts=pick(rng, (1, 2)))
    ]
    for _ in range(4):
        steps += [Advance(pick(rng, (600.0, 1800.0, 3600.0, 7200.0, 39600.0))), Op("run_due")]
    return Program({"epoch": epoch, "rng": Numbers(0.5)}, steps)


def doings(rng, level, depth=0):
    """How one task ends, and what happens meanwhile."""
    steps = []
    for _ in range(int(rng.random() * 4)):
        draw = rng.random()
        if draw < 0.5:
            steps.append(Advance(pick(rng, (1.0, 2.0, 3.0, 4.0, 3.875))))
        elif draw < 0.7:
            steps.append(Op("beat"))
        elif depth < 1:
            ends = [doings(rng, level, depth + 1)] if rng.random() < 0.4 else []
            steps.append(Op("run_due", *ends, on=int(rng.random() * 3)))
        else:
            steps.append(put(rng, level))
    return Ends(*steps, how=pick(rng, ("done", "done", "done", "fails", "fails", "dies", "dies", "is interrupted")))


def put(rng, level):
    options = {}
    if rng.random() < 0.3:
        options["delay"] = pick(rng, (1.0, 2.0, 0.0) + ((-1.0,) if rng.random() < 0.1 else ()))
    if rng.random() < 0.5:
        options["attempts"] = pick(rng, (1, 2, 3) + ((0,) if rng.random() < 0.1 else ()))
    if level >= 6:
        if rng.random() < 0.3:
            options["unique"] = pick(rng, ("x", "y", ""))
        if rng.random() < 0.4:
            options["key"] = pick(rng, ("k", "l", ""))
        if rng.random() < 0.4:
            options["after"] = tuple({1 + int(rng.random() * 4) for _ in range(1 + int(rng.random() * 2))})
    return Op("enqueue", pick(rng, ("mail", "mail", "bill") + (("none",) if rng.random() < 0.1 else ())), **options)


def in_store(level):
    def program(rng):
        setup = {"store": "store", "lease": 4.0, "max_crashes": pick(rng, (1, 2, 2, 3))}
        if level >= 6 and rng.random() < 0.4:
            setup["capacity"] = pick(rng, (1, 2, 3))
        steps = [put(rng, level)]
        for _ in range(3 + int(rng.random() * 8)):
            draw, on = rng.random(), int(rng.random() * 3)
            if draw < 0.3:
                steps.append(put(rng, level))
            elif draw < 0.6:
                ends = [doings(rng, level) for _ in range(int(rng.random() * 3))]
                steps.append(Op("run_due", *ends, on=on))
            elif draw < 0.65:
                steps.append(Op(pick(rng, ("beat", "dead_letters")), on=on))
            else:
                steps.append(Advance(pick(rng, (0.5, 1.0, 3.0, 4.0, 4.0))))
        return Program(setup, steps)

    return program


GENERATORS = {
    1: [in_memory(1)],
    2: [in_memory(2)],
    3: [in_memory(3)],
    4: [nights, nights, lived],
    5: [in_store(5)],
    6: [in_store(6)],
}


def many_jobs(entry, size):
    """A call costs at most O(log n) on average: a scheduler that looks through a million jobs is late for all of them."""

    def work():
        clock = KataClock()
        scheduler = entry(clock=clock)
        try:
            numbers = [scheduler.schedule(int, (number * 7919) % size + 1) for number in range(size)]
            for number in numbers[::2]:
                scheduler.cancel(number)
            clock.sleep(size)
            scheduler.run_due()
        except Exception:
            return  # whoever breaks here has failed other checks before

    return work


BUDGETS = {"jobs": many_jobs}


def audit(program):
    """What is left runs; then everything is read back."""
    if "store" in program.setup:
        rest = [Op("run_due", on=0), Advance(4.0), Op("run_due", on=1), Advance(8.0), Op("run_due", on=2)]
        return [Op("dead_letters"), *rest, Op("dead_letters")]
    if any(isinstance(step, Op) and step.name in {"next_run", "cron"} for step in program.steps):
        return []
    rest = [step for seconds in (1.0, 0.5, 2.5) for step in (Advance(seconds), Op("run_due"))]
    steps = [step for step in program.steps if isinstance(step, Op)]
    letters = [Op("dead_letters")] if "rng" in program.setup else []
    return [Op("__len__"), *rest, Op("__len__"), *letters] if steps else []
