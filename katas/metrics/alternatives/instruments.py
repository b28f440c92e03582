"""A class per kind of metric, which knows its series, its text and what it may be asked; the registry only finds it."""

import math
import threading
from collections import deque

from interface import MAX_SCALE, NONE, Exponential, Histogram

ESCAPES = (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"))


class Metric:
    """What all kinds have in common. Whoever calls holds the lock of the registry."""

    kind = ""

    def __init__(self, name, labels, home):
        self.name, self.labels, self.home = name, tuple(labels), home
        self.rest = ("other",) * len(self.labels)
        self.series = {}

    def make(self):
        """A new series."""
        raise NotImplementedError

    def refuse(self, *_):
        """What this kind cannot do."""
        raise ValueError(f"{self.name} is a {self.kind}")

    inc = set = value = recent = observe = timed = quantile = refuse

    def key(self, labels):
        if len(labels) != len(self.labels) or any(label not in labels for label in self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return tuple(f"{labels[label]!s}" for label in self.labels)

    def reach(self, labels):
        """The series to change, made where there is room."""
        key = self.key(labels)
        if key not in self.series:
            taken = sum(other != self.rest for other in self.series)
            if taken >= self.home.max_series:
                key = self.rest
            self.series.setdefault(key, self.make())
        return self.series[key]

    def text(self):
        """The lines of the metric."""
        lines = [f"# TYPE {self.name} {self.kind}"]
        for key in sorted(self.series):
            for suffix, extra, number in self.rows(self.series[key]):
                pairs = []
                for label, value in (*zip(self.labels, key), *extra):
                    for plain, written in ESCAPES:
                        value = value.replace(plain, written)
                    pairs.append(f'{label}="{value}"')
                braces = "{%s}" % ",".join(pairs) if pairs else ""
                lines.append(f"{self.name}{suffix}{braces} {float(number)}")
        return lines


def finite(number):
    """The number, unless it is none."""
    if number != number or abs(number) == math.inf:
        raise ValueError(f"{number} is not finite")
    return number


class Gauge(Metric):
    """A number that goes anywhere; a series is a list of one."""

    kind = "gauge"

    def make(self):
        return [0]

    def inc(self, amount, labels):
        finite(amount)
        self.reach(labels)[0] += amount

    def set(self, value, labels):
        finite(value)
        self.reach(labels)[0] = value

    def value(self, labels):
        return self.series.get(self.key(labels), [0])[0]

    def rows(self, series):
        return [("", (), series[0])]

    def frozen(self, series):
        return series[0]

    def absorb(self, series, value):
        series[0] += value


class Counter(Gauge):
    """A number that grows; a series is the number, and what grew in the last slices, the oldest first."""

    kind = "counter"

    def make(self):
        return [0, deque(maxlen=self.home.slots)]

    def inc(self, amount, labels):
        if finite(amount) < 0:
            raise ValueError(f"{self.name} cannot fall")
        series = self.reach(labels)
        series[0] += amount
        now, slices = self.home.slice(self.home.clock.monotonic()), series[1]
        if slices and slices[-1][0] == now:
            slices[-1][1] += amount
        else:
            slices.append([now, amount])

    set = Metric.refuse

    def recent(self, labels, time):
        now, series = self.home.slice(time), self.series.get(self.key(labels))
        return sum(amount for at, amount in series[1] if now - at < self.home.slots) if series else 0


class Distribution(Metric):
    """What both kinds of histograms share."""

    def observe(self, value, labels):
        self.add(self.reach(labels) if self.fits(finite(value)) else None, value)

    def timed(self, labels):
        self.key(labels)

    def fits(self, value):
        return True

    def quantile(self, q, labels):
        if not (q >= 0 and q <= 1) or any(label not in self.labels for label in labels):
            raise ValueError(f"no quantile {q} with {labels} of {self.name}")
        whole = self.make()
        for key, series in self.series.items():
            have = dict(zip(self.labels, key))
            if all(have[label] == str(value) for label, value in labels.items()):
                self.absorb(whole, self.frozen(series))
        return self.estimate(whole, q)


class Fixed(Distribution):
    """Bounds that are given; a series holds how many values are not above each bound, as the text wants it."""

    kind = "histogram"

    def __init__(self, name, labels, home, bounds):
        before = 0
        for bound in bounds:
            if not before < bound < math.inf:
                raise ValueError(f"these are no bounds: {bounds}")
            before = bound
        if not before:
            raise ValueError("there are no bounds")
        super().__init__(name, labels, home)
        self.bounds = tuple(bounds)

    def make(self):
        return {"upto": [0] * (len(self.bounds) + 1), "sum": 0}

    def add(self, series, value):
        for at, bound in enumerate((*self.bounds, math.inf)):
            series["upto"][at] += value <= bound
        series["sum"] += value

    def estimate(self, series, q):
        upto = series["upto"]
        if not upto[-1]:
            return None
        rank = q * upto[-1]
        low = before = 0
        for high, here in zip(self.bounds, upto):
            if here > before and here >= rank:
                return low + (high - low) * (rank - before) / (here - before)
            low, before = high, here
        return self.bounds[-1]

    def rows(self, series):
        names = (*(str(float(bound)) for bound in self.bounds), "+Inf")
        for name, count in zip(names, series["upto"]):
            yield "_bucket", [("le", name)], count
        yield "_sum", (), series["sum"]
        yield "_count", (), series["upto"][-1]

    def frozen(self, series):
        upto = series["upto"]
        return Histogram(self.bounds, tuple(b - a for a, b in zip((0, *upto), upto)), series["sum"])

    def absorb(self, series, value):
        before = 0
        for at, count in enumerate(value.counts):
            before += count
            series["upto"][at] += before
        series["sum"] += value.sum


class Following(Distribution):
    """Buckets that follow the values; a series keeps them in a list without gaps, from the index `first` on."""

    kind = "summary"

    def __init__(self, name, labels, home, most):
        if most < 2:
            raise ValueError(f"{most} buckets are too few")
        super().__init__(name, labels, home)
        self.most = most

    def make(self):
        return {"scale": MAX_SCALE, "first": 0, "buckets": [], "zeros": 0, "sum": 0}

    def fits(self, value):
        if value < 0:
            raise ValueError(f"{value} is negative")
        return True

    def add(self, series, value):
        series["sum"] += value
        if value == 0:
            series["zeros"] += 1
        else:
            part, whole = math.frexp(value)
            finest = whole * 2**MAX_SCALE - math.floor(-math.log2(part) * 2**MAX_SCALE) - 1
            self.put(series, finest // 2 ** (MAX_SCALE - series["scale"]), 1)

    def put(self, series, index, count):
        buckets = series["buckets"]
        if not buckets:
            series["first"] = index
        last = series["first"] + len(buckets) - 1 if buckets else index
        while max(last, index) - min(series["first"], index) + 1 > self.most:
            self.coarser(series)
            buckets, index = series["buckets"], index // 2
            last = series["first"] + len(buckets) - 1
        while index < series["first"]:
            buckets.insert(0, 0)
            series["first"] -= 1
        while index >= series["first"] + len(buckets):
            buckets.append(0)
        buckets[index - series["first"]] += count

    def coarser(self, series):
        first = series["first"]
        halves = {}
        for at, count in enumerate(series["buckets"], first):
            halves[at // 2] = halves.get(at // 2, 0) + count
        series["scale"] -= 1
        series["first"], series["buckets"] = first // 2, list(halves.values())

    def estimate(self, series, q):
        values = [0.0] * bool(series["zeros"])
        counts = [series["zeros"]] * bool(series["zeros"])
        share = 2 / (1 + 2.0 ** -(2.0 ** -series["scale"]))
        for index, count in enumerate(series["buckets"], series["first"]):
            low = 2.0 ** (index * 2.0 ** -series["scale"])
            values.append(low * share)
            counts.append(count)
        rank = max(1, math.ceil(q * sum(counts)))
        for value, count in zip(values, counts):
            rank -= count
            if rank <= 0:
                return value
        return None

    def rows(self, series):
        return [("_sum", (), series["sum"]), ("_count", (), series["zeros"] + sum(series["buckets"]))]

    def frozen(self, series):
        counts = tuple((index, count) for index, count in enumerate(series["buckets"], series["first"]) if count)
        return Exponential(series["scale"], series["zeros"], counts, series["sum"])

    def absorb(self, series, value):
        while series["scale"] > value.scale:
            self.coarser(series)
        series["zeros"] += value.zeros
        series["sum"] += value.sum
        for index, count in value.counts:
            self.put(series, index // 2 ** (value.scale - series["scale"]), count)


class Registry:
    """Finds the metric, under a lock."""

    def __init__(self, *, clock, window=300.0, slots=60, max_series=2000, process=None):
        for number in (window, slots, max_series):
            if number <= 0:
                raise ValueError(f"{number} is not above 0")
        self.clock, self.window, self.slots, self.max_series, self.process = clock, window, slots, max_series, process
        self.lock = threading.RLock()
        self.metrics = {}
        self.readers = {}
        self.life = process.id() if process else None
        self.since = clock.monotonic()

    def slice(self, time):
        """The number of the slice of a time."""
        return math.floor(time / (self.window / self.slots))

    def same_life(self):
        """Forget what a parent has counted."""
        if self.process and self.process.id() != self.life:
            self.life, self.since, self.readers = self.process.id(), self.clock.monotonic(), {}
            for metric in self.metrics.values():
                metric.series = {}

    def counter(self, name, labels=()):
        self.enter(Counter(name, labels, self))

    def gauge(self, name, labels=()):
        self.enter(Gauge(name, labels, self))

    def histogram(self, name, labels=(), *, bounds=None, max_buckets=None):
        if bounds is not None and max_buckets is not None or bounds is None and max_buckets is None:
            raise ValueError("bounds or max_buckets")
        fixed = bounds is not None
        self.enter(Fixed(name, labels, self, bounds) if fixed else Following(name, labels, self, max_buckets))

    def enter(self, metric):
        with self.lock:
            if self.metrics.setdefault(metric.name, metric) is not metric:
                raise ValueError(f"there is a {metric.name}")

    def ask(self, name, method, *arguments):
        """Call a method of a metric as one step."""
        with self.lock:
            self.same_life()
            try:
                metric = self.metrics[name]
            except KeyError:
                raise ValueError(f"there is no {name}") from None
            return getattr(metric, method)(*arguments)

    def inc(self, name, amount=1, labels=NONE):
        self.ask(name, "inc", amount, labels)

    def set(self, name, value, labels=NONE):
        self.ask(name, "set", value, labels)

    def observe(self, name, value, labels=NONE):
        self.ask(name, "observe", value, labels)

    def value(self, name, labels=NONE):
        return self.ask(name, "value", labels)

    def recent(self, name, labels=NONE):
        with self.lock:
            return self.ask(name, "recent", labels, self.clock.monotonic())

    def quantile(self, name, q, labels=NONE):
        return self.ask(name, "quantile", q, labels)

    def rate(self, name, labels=NONE):
        with self.lock:
            self.same_life()
            now = self.clock.monotonic()
            grown, age = self.ask(name, "recent", labels, now), now - self.since
        if age == 0:
            return 0.0
        return grown / (age if age < self.window else self.window)

    def timer(self, name, labels=NONE):
        registry, clock = self, self.clock
        self.ask(name, "timed", labels)

        class Block:
            def __enter__(self):
                self.start = clock.monotonic()

            def __exit__(self, *_):
                registry.observe(name, clock.monotonic() - self.start, labels)
                return False

        return Block()

    def render(self):
        with self.lock:
            self.same_life()
            return "".join(line + "\n" for metric in self.metrics.values() for line in metric.text())

    def snapshot(self):
        with self.lock:
            self.same_life()
            return {
                (name, key): metric.frozen(series)
                for name, metric in self.metrics.items()
                for key, series in metric.series.items()
            }

    def flush(self):
        with self.lock:
            found = self.snapshot()
            self.process.write(("life", *self.life), found)

    def total(self):
        whole = {}
        for (_, *life), found in self.process.files().items():
            for (name, key), value in found.items():
                metric = self.metrics[name]
                if type(metric) is not Gauge or self.process.alive(tuple(life)):
                    if (name, key) not in whole:
                        whole[name, key] = metric.make()
                    metric.absorb(whole[name, key], value)
        return {(name, key): self.metrics[name].frozen(series) for (name, key), series in whole.items()}

    def delta(self, who):
        with self.lock:
            self.same_life()
            before, grown = self.readers.setdefault(who, {}), {}
            for name, metric in self.metrics.items():
                if isinstance(metric, Counter):
                    for key, series in metric.series.items():
                        if series[0] != before.get((name, key), 0):
                            grown[name, key] = series[0] - before.get((name, key), 0)
                            before[name, key] = series[0]
            return grown
