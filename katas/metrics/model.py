"""The sequential model: every event in one list, each answer computed anew from all of them.

Amounts and times are multiples of 1/8 and windows powers of two, so that all arithmetic agrees to the last bit.
"""

import math

from interface import MAX_SCALE, Exponential, Histogram, Host, Odd
from lldkit.dojo.author import Advance, Op, Program


class Model:
    """The registry as the statement describes it, without a thought for speed."""

    def __init__(self, *, clock, window=300.0, slots=60, max_series=2000, process=None):
        if window <= 0 or slots < 1 or max_series < 1:
            raise ValueError
        self.clock, self.window, self.slots, self.max_series, self.process = clock, window, slots, max_series, process
        self.born = clock.monotonic()
        self.declared = {}  # name -> (kind, names of labels, bounds or max_buckets)
        self.events = []  # (time, name, label values, what, number)
        self.told = {}

    def counter(self, name, labels=()):
        self.declare(name, "counter", labels, None)

    def gauge(self, name, labels=()):
        self.declare(name, "gauge", labels, None)

    def histogram(self, name, labels=(), *, bounds=None, max_buckets=None):
        if (bounds is None) == (max_buckets is None) or (max_buckets is not None and max_buckets < 2):
            raise ValueError
        if bounds is not None:
            ordered = list(bounds) == sorted(set(bounds)) and bounds
            if not ordered or bounds[0] <= 0 or not all(map(math.isfinite, bounds)):
                raise ValueError
        self.declare(name, "histogram" if bounds else "summary", labels, bounds or max_buckets)

    def declare(self, name, kind, labels, shape):
        if name in self.declared:
            raise ValueError
        self.declared[name] = kind, labels, shape

    def inc(self, name, amount=1, labels={}):
        key = self.key(name, labels, "counter", "gauge")
        if not math.isfinite(amount) or (amount < 0 and self.declared[name][0] == "counter"):
            raise ValueError
        self.note(name, key, "inc", amount)

    def set(self, name, value, labels={}):
        key = self.key(name, labels, "gauge")
        if not math.isfinite(value):
            raise ValueError
        self.note(name, key, "set", value)

    def observe(self, name, value, labels={}):
        key = self.key(name, labels, "histogram", "summary")
        if not math.isfinite(value) or (value < 0 and self.declared[name][0] == "summary"):
            raise ValueError
        self.note(name, key, "observe", value)

    def key(self, name, labels, *kinds):
        self.need(name, *kinds)
        if sorted(labels) != sorted(self.declared[name][1]):
            raise ValueError
        return tuple(str(labels[label]) for label in self.declared[name][1])

    def need(self, name, *kinds):
        if name not in self.declared or self.declared[name][0] not in kinds:
            raise ValueError

    def note(self, name, key, what, number):
        other = ("other",) * len(key)
        there = set(self.series(name))
        if key not in there and len(there - {other}) >= self.max_series:
            key = other
        self.events.append((self.clock.monotonic(), name, key, what, number))

    def series(self, name):
        return dict.fromkeys(key for _, of, key, _, _ in self.events if of == name)

    def numbers(self, name, key):
        return [number for _, of, at, _, number in self.events if (of, at) == (name, key)]

    def value(self, name, labels={}):
        key = self.key(name, labels, "counter", "gauge")
        value = 0
        for _, of, at, what, number in self.events:
            if (of, at) == (name, key):
                value = number if what == "set" else value + number
        return value

    def recent(self, name, labels={}):
        key = self.key(name, labels, "counter")
        oldest = self.slice(self.clock.monotonic()) - self.slots
        return sum(n for time, of, at, _, n in self.events if (of, at) == (name, key) and self.slice(time) > oldest)

    def slice(self, time):
        return time // (self.window / self.slots)

    def rate(self, name, labels={}):
        grown, seconds = self.recent(name, labels), min(self.window, self.clock.monotonic() - self.born)
        return grown / seconds if seconds else 0.0

    def quantile(self, name, q, labels={}):
        self.need(name, "histogram", "summary")
        kind, names, shape = self.declared[name]
        if not 0 <= q <= 1 or not set(labels) <= set(names):
            raise ValueError
        wanted = {(names.index(label), str(value)) for label, value in labels.items()}
        keys = [key for key in self.series(name) if wanted <= set(enumerate(key))]
        values = sorted(value for key in keys for value in self.numbers(name, key))
        if not values:
            return None
        return (between if kind == "histogram" else middle)(values, q, shape)

    def snapshot(self):
        return {(name, key): self.frozen(name, key) for name in self.declared for key in self.series(name)}

    def frozen(self, name, key):
        kind, names, shape = self.declared[name]
        if kind in {"counter", "gauge"}:
            return self.value(name, dict(zip(names, key)))
        return {"histogram": bucketed, "summary": sketched}[kind](self.numbers(name, key), shape)

    def render(self):
        lines = []
        for name, (kind, names, _) in self.declared.items():
            lines.append(f"# TYPE {name} {kind}")
            for key in sorted(self.series(name)):
                for suffix, le, number in told(self.frozen(name, key)):
                    lines.append(f"{name}{suffix}{braces([*zip(names, key), *le])} {float(number)!r}")
        return "".join(f"{line}\n" for line in lines)

    def delta(self, who):
        now = {(name, key): self.frozen(name, key) for name in self.declared for key in self.series(name)}
        now = {where: value for where, value in now.items() if self.declared[where[0]][0] == "counter"}
        before, self.told[who] = self.told.get(who, {}), now
        return {where: value - before.get(where, 0) for where, value in now.items() if value > before.get(where, 0)}

    def flush(self):
        self.process.write(("model", self.process.id()), self.events)

    def total(self):
        parts = []
        for (_, owner), events in self.process.files().items():
            part = Model(clock=self.clock)
            part.declared = self.declared
            part.events = [each for each in events if self.declared[each[1]][0] != "gauge" or self.process.alive(owner)]
            parts.append(part)
        return {where: self.added(parts, *where) for part in parts for where in part.snapshot()}

    def added(self, parts, name, key):
        kind, names, shape = self.declared[name]
        if kind in {"counter", "gauge"}:
            return sum(part.value(name, dict(zip(names, key))) for part in parts)
        values = [value for part in parts for value in part.numbers(name, key)]
        return (bucketed if kind == "histogram" else sketched)(values, shape)


def braces(pairs):
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{"".join(ESCAPED.get(c, c) for c in value)}"' for name, value in pairs) + "}"


ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def told(value):
    """Suffix, `le` and number of each line of one series."""
    if isinstance(value, Histogram):
        bounds = [*(repr(float(bound)) for bound in value.bounds), "+Inf"]
        for number, bound in enumerate(bounds):
            yield "_bucket", [("le", bound)], sum(value.counts[: number + 1])
        yield from (("_sum", [], value.sum), ("_count", [], sum(value.counts)))
    elif isinstance(value, Exponential):
        yield from (("_sum", [], value.sum), ("_count", [], value.zeros + sum(n for _, n in value.counts)))
    else:
        yield "", [], value


def bucketed(values, bounds):
    ends = [0.0 - math.inf, *bounds, math.inf]
    counts = (sum(low < value <= high for value in values) for low, high in zip(ends, ends[1:]))
    return Histogram(bounds, tuple(counts), sum(values))


def between(values, q, bounds):
    rank, low = q * len(values), 0.0
    for high in bounds:
        inside = sum(low < value <= high or (low == 0 and value <= 0) for value in values)
        upto = sum(value <= high for value in values)
        if inside and upto >= rank:
            return low + (high - low) * (rank - (upto - inside)) / inside
        low = high
    return bounds[-1]


def index(value, scale):
    """The bucket of a value, found by its ends: powers of two are exact, and nothing else is near to an end."""
    found = math.floor(math.log2(value) * 2.0**scale) + 1
    while 2.0 ** (found / 2.0**scale) >= value:
        found -= 1
    return found


def sketched(values, most):
    positive = [value for value in values if value]
    scale = MAX_SCALE
    while positive and index(max(positive), scale) - index(min(positive), scale) >= most:
        scale -= 1
    indices = [index(value, scale) for value in positive]
    counts = tuple((i, indices.count(i)) for i in sorted(set(indices)))
    return Exponential(scale, len(values) - len(positive), counts, sum(values))


def middle(values, q, most):
    value = values[max(1, math.ceil(q * len(values))) - 1]
    if not value:
        return 0.0
    scale = sketched(values, most).scale
    i = index(value, scale)
    low, high = 2.0 ** (i / 2.0**scale), 2.0 ** ((i + 1) / 2.0**scale)
    return 2 * low * high / (low + high)


# -- programs ----------------------------------------------------------------------------------------------------------


def pick(rng, things):
    return things[int(rng.random() * len(things))]


TEXTS = ("a", "b", "a!", "ab", "", "a,b", 'q"', "n\n", "\\", "\\n", 1, "1", True, None)
AMOUNTS = (0, 1, 1, 2, 5, 0.5, 0.125)
ODD = (-1, Odd("nan"), Odd("inf"), Odd("-inf"))
VALUES = (0, 0.125, 0.5, 1, 1, 1.5, 2, 3, 4, 5, 8, 16.5, 100)
QS = (0, 0.25, 0.5, 0.75, 1)
BOUNDS = ((1,), (0.5, 1, 4), (1, 2, 4, 8), (2, 16))


def labels(rng, few=False):
    texts = ("a", "b", "c") if few else TEXTS
    pairs = [("x", pick(rng, texts)), ("y", pick(rng, texts))]
    return dict(pairs if rng.random() < 0.5 else pairs[::-1])


def wrong_labels(rng):
    return pick(rng, ({}, {"x": "a"}, {"x": "a", "z": "b"}, {"x": "a", "y": "b", "z": "c"}))


DECLARED = [Op("counter", "c", ("x", "y")), Op("counter", "n"), Op("gauge", "g"), Op("gauge", "lg", ("x", "y"))]


def count(rng, few=False):
    """One increment or another change, now and then one that is refused."""
    draw = rng.random()
    amount = pick(rng, AMOUNTS) if rng.random() < 0.85 else pick(rng, ODD)
    if draw < 0.4:
        return Op("inc", "c", amount, labels(rng, few) if rng.random() < 0.95 else wrong_labels(rng))
    if draw < 0.65:
        return Op("inc", "n", amount) if rng.random() < 0.8 else Op("inc", "n")
    if draw < 0.75:
        return Op("inc", "g", pick(rng, (amount, -2)))
    if draw < 0.85:
        return Op(pick(rng, ("inc", "set")), "lg", pick(rng, (amount, -2)), labels(rng, few))
    return Op("set", pick(rng, ("g", "g", "g", "g", "n", "?")), pick(rng, (amount, -2)))


def ask(rng, few=False):
    if rng.random() < 0.5:
        return Op("value", "c", labels(rng, few)) if rng.random() < 0.8 else Op("value", "c", wrong_labels(rng))
    return Op("value", pick(rng, ("n", "g", "g", "?")))


def tally(rng):
    """A few metrics, counted and asked."""
    steps = [*DECLARED]
    for _ in range(2 + int(rng.random() * 8)):
        steps.append(count(rng) if rng.random() < 0.7 else ask(rng))
    if rng.random() < 0.1:
        steps.append(Op(pick(rng, ("counter", "gauge")), pick(rng, ("n", "g"))))
    return Program({}, [*steps, Op("render")])


def ticking(rng):
    """Hits in bursts, with pauses that end on, just before and just after an edge."""
    setup = {"window": pick(rng, (4.0, 8.0, 16.0)), "slots": pick(rng, (1, 2, 4))}
    width = setup["window"] / setup["slots"]
    if rng.random() < 0.05:
        setup[pick(rng, tuple(setup))] = pick(rng, (0, -1))
    pauses = (0.125, width, width - 0.125, 2 * width, 3 * width, setup["window"], setup["window"] - 0.125, 1000.0)
    steps = [*DECLARED]
    for _ in range(4 + int(rng.random() * 8)):
        draw = rng.random()
        if draw < 0.45:
            steps.append(Op("inc", "n", pick(rng, AMOUNTS)) if draw < 0.35 else count(rng, few=True))
        elif draw < 0.75:
            steps.append(Advance(pick(rng, pauses)))
        else:
            name = pick(rng, ("recent", "recent", "rate"))
            steps.append(Op(name, pick(rng, ("n", "n", "n", "g"))) if draw < 0.9 else Op(name, "c", labels(rng, few=True)))
    return Program(setup, steps, start=pick(rng, (0.0, 0.0, 16.0, 1000.5)))


def idle(rng):
    """Hits in one slice after the other, a pause of some slices, and a look."""
    slots = pick(rng, (2, 3, 4))
    steps = [DECLARED[1]]
    for _ in range(1 + int(rng.random() * 3)):
        steps += [Op("inc", "n", pick(rng, AMOUNTS)), Advance(pick(rng, (0.5, 1.0, 2.0)))]
    steps += [Advance(float(int(rng.random() * 4 * slots))), Op("recent", "n"), Op("inc", "n"), Op("recent", "n")]
    return Program({"window": float(slots), "slots": slots}, steps, start=pick(rng, (0.0, 16.0)))


def measure(rng, share):
    """One value for a histogram: `h` has labels, and its share of them, `one` has none."""
    value = pick(rng, VALUES) if rng.random() < 0.93 else pick(rng, ODD)
    if rng.random() < share:
        return Op("observe", "h", value, labels(rng, few=rng.random() < 0.8))
    return Op("observe", "one" if rng.random() < 0.95 else "n", value)


def estimate(rng, share):
    q = pick(rng, QS) if rng.random() < 0.95 else pick(rng, (-0.125, 1.125, Odd("nan")))
    some = pick(rng, ({}, {"x": "a"}, {"y": "b"}, {"x": "b", "y": "a"}, {"x": 1}, {"z": "a"}, {"x": "a", "z": "b"}))
    return Op("quantile", "h", q, some) if rng.random() < share else Op("quantile", "one", q)


def shapes(level):
    """What a histogram of this level is declared with."""

    def shape(rng):
        if level < 5 or rng.random() < 0.2:
            odd = ((), (0, 1), (2, 1), (1, 1), (1, math.inf))
            return {"bounds": pick(rng, BOUNDS) if rng.random() < 0.97 else pick(rng, odd)}
        return {"max_buckets": pick(rng, (2, 2, 4, 8, 20)) if rng.random() < 0.97 else pick(rng, (0, 1))}

    return shape


def measured(level):
    """Histograms, with values on and beside their bounds."""
    shape = shapes(level)

    def program(rng):
        declared = [Op("histogram", "h", ("x", "y"), **shape(rng)), Op("histogram", "one", **shape(rng)), DECLARED[1]]
        share = pick(rng, (0, 0, 0.5, 1))
        count = 3 + int(rng.random() * 9)
        steps = [measure(rng, share) if rng.random() < 0.7 else estimate(rng, share) for _ in range(count)]
        return Program({}, [*declared, *steps, Op("render"), *([Op("snapshot")] if level > 3 else [])])

    return program


def crowded(level):
    """More series than there is room for."""
    shape = shapes(level)

    def program(rng):
        setup = {"max_series": pick(rng, (1, 2, 3)) if rng.random() < 0.95 else 0}
        steps = [*DECLARED, Op("histogram", "h", ("x", "y"), **shape(rng))]
        for _ in range(4 + int(rng.random() * 8)):
            pair = {"x": pick(rng, ("a", "b", "other")), "y": pick(rng, ("a", "other"))}
            what = rng.random()
            if what < 0.5:
                steps.append(Op("inc", "c", pick(rng, AMOUNTS), pair))
            else:
                steps.append(Op("observe", "h", 1, pair) if what < 0.75 else Op(pick(rng, ("inc", "set")), "lg", 1, pair))
            if rng.random() < 0.2:
                steps.append(pick(rng, (Op("value", "c", dict(pair)), Op("quantile", "h", 0.5), Op("recent", "c", dict(pair)))))
        return Program(setup, [*steps, Op("snapshot")])

    return program


def workers(rng):
    """Two processes of one host that count, write and read."""
    steps = [Op(op.name, *op.args, on=on) for op in DECLARED for on in (0, 1)]
    shape = shapes(5)(rng)
    steps += [Op("histogram", "h", ("x",), **shape, on=on) for on in (0, 1)]
    for _ in range(5 + int(rng.random() * 10)):
        on, draw = int(rng.random() * 2), rng.random()
        if draw < 0.5:
            op = count(rng, few=True) if rng.random() < 0.7 else Op("observe", "h", pick(rng, VALUES), {"x": pick(rng, "ab")})
            steps.append(Op(op.name, *op.args, on=on))
        elif draw < 0.7:
            steps.append(Op("flush", on=on))
        else:
            steps.append(pick(rng, (Op("total", on=on), Op("delta", pick(rng, ("a", "b")), on=on), Op("snapshot", on=on))))
    return Program({"process": "process"}, steps)


def build(setup, make, clock):
    """One registry, or two in processes of one host."""
    if "process" not in setup:
        return [make(**setup, clock=clock)]
    host = Host()
    return [make(**{**setup, "process": host.start(pid)}, clock=clock) for pid in (1, 2)]


GENERATORS = {
    1: [tally],
    2: [ticking, idle],
    3: [measured(3)],
    4: [crowded(4), measured(4)],
    5: [measured(5), measured(5), crowded(5)],
    6: [workers],
}

BUDGETS = {}


def audit(program):
    """Read everything back, on every registry."""
    registries = sorted({step.on for step in program.steps if isinstance(step, Op)})
    reads = [("render",)] if "process" not in program.setup else [("total",), ("delta", "a"), ("render",)]
    return [Op(*read, on=on) for on in registries for read in reads]
