"""Declarations for ever, and the ledger of one life, which has a table per aspect; a fork opens a new one."""

import math
import threading
from bisect import bisect_left
from collections import defaultdict
from contextlib import contextmanager

from interface import MAX_SCALE, NONE, Exponential, Histogram


class Ledger:
    """What one process has counted, by (name, label values)."""

    def __init__(self, owner, now):
        self.owner, self.opened = owner, now
        self.numbers = {}  # -> value
        self.slices = defaultdict(lambda: defaultdict(float))  # -> number of the slice -> growth
        self.sums = {}  # -> sum of the values
        self.buckets = {}  # -> place (its number or its index; None is for zeros) -> count
        self.scales = {}  # -> scale
        self.reported = defaultdict(lambda: defaultdict(int))  # reader -> (name, label values) -> value

    def where(self):
        """All series, in the order in which they came."""
        return [*self.numbers, *self.sums]


class Registry:
    """Declarations, and the ledger of the process that runs."""

    def __init__(self, *, clock, window=300.0, slots=60, max_series=2000, process=None):
        if not (window > 0 and slots >= 1 and max_series >= 1):
            raise ValueError("above 0, please")
        self._clock, self._window, self._slots, self._limit, self._process = clock, window, slots, max_series, process
        self._kinds, self._labels, self._shapes = {}, {}, {}
        self._mutex = threading.Lock()
        self._ledger = None

    @contextmanager
    def _open(self):
        with self._mutex:
            owner = self._process.id() if self._process is not None else ()
            if self._ledger is None or self._ledger.owner != owner:
                self._ledger = Ledger(owner, self._clock.monotonic())
            yield self._ledger

    # -- declarations

    def counter(self, name, labels=()):
        self._declare(name, "counter", labels)

    def gauge(self, name, labels=()):
        self._declare(name, "gauge", labels)

    def histogram(self, name, labels=(), *, bounds=None, max_buckets=None):
        if [bounds, max_buckets].count(None) != 1:
            raise ValueError("bounds or max_buckets, please")
        if max_buckets is not None:
            if max_buckets < 2:
                raise ValueError("two buckets, please")
            self._declare(name, "summary", labels, max_buckets)
        elif not bounds or any(not low < high for low, high in zip((0, *bounds), (*bounds, math.inf))):
            raise ValueError("ascending bounds, please")
        else:
            self._declare(name, "histogram", labels, bounds)

    def _declare(self, name, kind, labels, shape=None):
        with self._open():
            if name in self._kinds:
                raise ValueError(f"{name} again")
            self._kinds[name], self._labels[name], self._shapes[name] = kind, labels, shape

    # -- entries

    def inc(self, name, amount=1, labels=NONE):
        with self._open() as ledger:
            at = self._at(name, labels, ("counter", "gauge"))
            if not math.isfinite(amount):
                raise ValueError("finite, please")
            if amount < 0 and self._kinds[name] == "counter":
                raise ValueError("up, please")
            at = self._admitted(ledger, at)
            ledger.numbers[at] = ledger.numbers.get(at, 0) + amount
            if self._kinds[name] == "counter":
                growth, now = ledger.slices[at], self._slice(self._clock.monotonic())
                growth[now] += amount
                for old in [number for number in growth if number <= now - self._slots]:
                    del growth[old]

    def set(self, name, value, labels=NONE):
        with self._open() as ledger:
            at = self._at(name, labels, ("gauge",))
            if not math.isfinite(value):
                raise ValueError("finite, please")
            ledger.numbers[self._admitted(ledger, at)] = value

    def observe(self, name, value, labels=NONE):
        with self._open() as ledger:
            at = self._at(name, labels, ("histogram", "summary"))
            if not math.isfinite(value) or (value < 0 and self._kinds[name] == "summary"):
                raise ValueError("finite and not negative, please")
            self._enter(ledger, self._admitted(ledger, at), name, value)

    def _enter(self, ledger, at, name, value, times=1):
        ledger.sums[at] = ledger.sums.get(at, 0) + value * times
        buckets = ledger.buckets.setdefault(at, {})
        scale = ledger.scales.setdefault(at, MAX_SCALE)
        if self._kinds[name] == "histogram":
            place = bisect_left(self._shapes[name], value)
        else:
            place = None if value == 0 else bucket_of(value, scale)
        buckets[place] = buckets.get(place, 0) + times
        if self._kinds[name] == "summary":
            ledger.buckets[at], ledger.scales[at] = fitted(buckets, scale, self._shapes[name])

    def timer(self, name, labels=NONE):
        with self._open():
            self._at(name, labels, ("histogram", "summary"))
        return self._timed(name, labels)

    @contextmanager
    def _timed(self, name, labels):
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.observe(name, self._clock.monotonic() - begun, labels)

    # -- readings

    def value(self, name, labels=NONE):
        with self._open() as ledger:
            return ledger.numbers.get(self._at(name, labels, ("counter", "gauge")), 0)

    def recent(self, name, labels=NONE):
        with self._open() as ledger:
            return self._growth(ledger, self._at(name, labels, ("counter",)), self._clock.monotonic())

    def rate(self, name, labels=NONE):
        with self._open() as ledger:
            now = self._clock.monotonic()
            growth, age = self._growth(ledger, self._at(name, labels, ("counter",)), now), now - ledger.opened
            return growth / min(age, self._window) if age > 0 else 0.0

    def _growth(self, ledger, at, now):
        slices = ledger.slices[at] if at in ledger.slices else {}
        return sum(growth for number, growth in slices.items() if self._slice(now) - number < self._slots)

    def quantile(self, name, q, labels=NONE):
        with self._open() as ledger:
            self._known(name, ("histogram", "summary"))
            names = self._labels[name]
            if not 0 <= q <= 1 or any(label not in names for label in labels):
                raise ValueError("a quantile, please")
            parts = [
                (ledger.buckets[of, key], ledger.scales[of, key])
                for of, key in ledger.sums
                if of == name and all(key[names.index(label)] == str(value) for label, value in labels.items())
            ]
            buckets, scale = united(parts)
            if self._kinds[name] == "summary":
                return in_proportion(*fitted(buckets, scale, self._shapes[name]), q)
            return between(buckets, self._shapes[name], q)

    def snapshot(self):
        with self._open() as ledger:
            return self._photo(ledger)

    def _photo(self, ledger):
        return {at: self._shown(at[0], ledger.numbers.get(at), ledger.buckets.get(at, {}),
                                ledger.scales.get(at), ledger.sums.get(at)) for at in ledger.where()}

    def _shown(self, name, number, buckets, scale, total):
        kind = self._kinds[name]
        if kind == "histogram":
            bounds = self._shapes[name]
            return Histogram(bounds, tuple(buckets.get(place, 0) for place in range(len(bounds) + 1)), total)
        if kind == "summary":
            counts = sorted((place, count) for place, count in buckets.items() if place is not None)
            return Exponential(scale, buckets.get(None, 0), tuple(counts), total)
        return number

    def render(self):
        found, lines = self.snapshot(), []
        for name, kind in list(self._kinds.items()):
            lines.append(f"# TYPE {name} {kind}")
            for key in sorted(key for of, key in found if of == name):
                pairs, value = list(zip(self._labels[name], key)), found[name, key]
                if kind in ("counter", "gauge"):
                    lines.append(line(name, pairs, value))
                    continue
                count = 0
                if kind == "histogram":
                    for bound, inside in zip((*value.bounds, "+Inf"), value.counts):
                        count += inside
                        bound = bound if bound == "+Inf" else repr(float(bound))
                        lines.append(line(f"{name}_bucket", [*pairs, ("le", bound)], count))
                else:
                    count = value.zeros + sum(inside for _, inside in value.counts)
                lines += [line(f"{name}_sum", pairs, value.sum), line(f"{name}_count", pairs, count)]
        return "\n".join([*lines, ""])

    # -- many

    def flush(self):
        with self._open() as ledger:
            self._process.write(ledger.owner, self._photo(ledger))

    def total(self):
        numbers, parts, sums = {}, defaultdict(list), defaultdict(int)
        for owner, found in self._process.files().items():
            for at, value in found.items():
                if isinstance(value, Histogram):
                    parts[at].append((dict(enumerate(value.counts)), MAX_SCALE))
                elif isinstance(value, Exponential):
                    zeros = {None: value.zeros} if value.zeros else {}
                    parts[at].append(({**dict(value.counts), **zeros}, value.scale))
                elif self._kinds[at[0]] == "counter" or self._process.alive(owner):
                    numbers[at] = numbers.get(at, 0) + value
                    continue
                else:
                    continue
                sums[at] += value.sum
        for at, several in parts.items():
            buckets, scale = united(several)
            if self._kinds[at[0]] == "summary":
                buckets, scale = fitted(buckets, scale, self._shapes[at[0]])
            numbers[at] = self._shown(at[0], None, buckets, scale, sums[at])
        return numbers

    def delta(self, who):
        with self._open() as ledger:
            reported, found = ledger.reported[who], {}
            for at, value in ledger.numbers.items():
                if self._kinds[at[0]] == "counter" and value > reported[at]:
                    found[at], reported[at] = value - reported[at], value
            return found

    # -- where things are

    def _known(self, name, kinds):
        if self._kinds.get(name) not in kinds:
            raise ValueError(f"one of {kinds}, please")

    def _at(self, name, labels, kinds):
        self._known(name, kinds)
        if set(labels) ^ set(self._labels[name]):
            raise ValueError(f"the labels {self._labels[name]}, please")
        return name, tuple(map(str, map(labels.__getitem__, self._labels[name])))

    def _admitted(self, ledger, at):
        rest = (at[0], ("other",) * len(at[1]))
        there = [other for other in ledger.where() if other[0] == at[0] and other != rest]
        return at if at in there or len(there) < self._limit else rest

    def _slice(self, now):
        return now * self._slots // self._window


def line(name, pairs, number):
    """One line of the text."""
    written = [f'{label}="{"".join(WRITTEN.get(letter, letter) for letter in value)}"' for label, value in pairs]
    return name + ("{" + ",".join(written) + "}" if written else "") + " " + repr(float(number))


WRITTEN = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


ENDS = [2.0 ** (part / 2**MAX_SCALE) for part in range(2**MAX_SCALE)]  # of the finest buckets, from 1 on


def bucket_of(value, scale):
    """The index at a scale."""
    mantissa, exponent = math.frexp(value)
    return (exponent - 1) * 2**MAX_SCALE + bisect_left(ENDS, 2 * mantissa) - 1 >> MAX_SCALE - scale


def united(parts):
    """The buckets of several, at the coarsest of their scales."""
    scale = min((scale for _, scale in parts), default=MAX_SCALE)
    whole = {}
    for buckets, of in parts:
        for place, count in buckets.items():
            place = place if place is None else place >> of - scale
            whole[place] = whole.get(place, 0) + count
    return whole, scale


def fitted(buckets, scale, most):
    """The buckets at the greatest scale at which they are not too many."""
    places = [place for place in buckets if place is not None]
    steps = 0
    while places and (max(places) >> steps) - (min(places) >> steps) >= most:
        steps += 1
    if not steps:
        return buckets, scale
    return united([(buckets, scale), ({}, scale - steps)])


def between(buckets, bounds, q):
    """A quantile of values that lie evenly in their buckets."""
    count = sum(buckets.values())
    rank, before = q * count, 0
    for place in sorted(buckets):
        inside = buckets[place]
        if inside and rank <= before + inside:
            if place == len(bounds):
                return bounds[-1]
            low = bounds[place - 1] if place else 0.0
            return low + (bounds[place] - low) * (rank - before) / inside
        before += inside
    return None


def in_proportion(buckets, scale, q):
    """A quantile of values that follow the powers of a base."""
    rank = max(1, math.ceil(q * sum(buckets.values())))
    for place in sorted(buckets, key=lambda place: -math.inf if place is None else place):
        rank -= buckets[place]
        if rank <= 0:
            if place is None:
                return 0.0
            steps = 2.0**-scale
            return math.ldexp(2.0 ** (place * steps) / (1 + 2.0**-steps), 1)
    return None
