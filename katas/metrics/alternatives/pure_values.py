"""One dictionary of values that nobody changes: pure functions make the next value, and each method swaps one in."""

import bisect
import contextlib
import math
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interface import MAX_SCALE, NONE, Clock, Exponential, Histogram, Process, Snapshot


@dataclass(frozen=True)
class Spec:
    """What was declared: the kind, the names of the labels, and the value that a series begins with."""

    kind: str
    labels: tuple[str, ...]
    empty: Any
    most: int = 0


# -- values ------------------------------------------------------------------------------------------------------------


def observed(value, spec, number):
    """The value after one more observation."""
    if spec.kind == "histogram":
        place = bisect.bisect_left(value.bounds, number)
        counts = tuple(count + (at == place) for at, count in enumerate(value.counts))
        return replace(value, counts=counts, sum=value.sum + number)
    one = Exponential(MAX_SCALE, int(number == 0), (), number)
    if number:
        one = replace(one, counts=((index_of(number, MAX_SCALE), 1),))
    return added(value, one, spec)


def index_of(number, scale):
    """frexp is exact: number = mantissa * 2**exponent, and only a mantissa of 1/2 is a power of two."""
    mantissa, exponent = math.frexp(number)
    if mantissa == 0.5:
        return ((exponent - 1) << scale) - 1
    return (exponent << scale) + math.floor(math.log2(mantissa) * 2**scale)


def added(value, other, spec):
    """Two values as if all had been observed in one series."""
    if spec.kind == "histogram":
        counts = tuple(map(sum, zip(value.counts, other.counts)))
        return replace(value, counts=counts, sum=value.sum + other.sum)
    if spec.kind == "summary":
        scale = min(value.scale, other.scale)
        counts = Counter(scaled(value, scale)) + Counter(scaled(other, scale))
        whole = Exponential(scale, value.zeros + other.zeros, tuple(sorted(counts.items())), value.sum + other.sum)
        return narrowed(whole, spec.most)
    return value + other


def scaled(value, scale):
    """Its counts at a coarser scale."""
    counts = Counter()
    for index, count in value.counts:
        counts[index // 2 ** (value.scale - scale)] += count
    return counts


def narrowed(value, most):
    """At the greatest scale at which there are no more than `most` buckets."""
    while value.counts and value.counts[-1][0] - value.counts[0][0] >= most:
        counts = scaled(value, value.scale - 1)
        value = replace(value, scale=value.scale - 1, counts=tuple(sorted(counts.items())))
    return value


def quantile_of(value, spec, q):
    """The estimate of a histogram of either kind."""
    if spec.kind == "histogram":
        ends = (0.0, *value.bounds)
        before, rank = 0, q * sum(value.counts)
        for low, high, inside in zip(ends, value.bounds, value.counts):
            if inside and rank <= before + inside:
                return low + (high - low) * (rank - before) / inside
            before += inside
        return ends[-1] if value.counts[-1] else None
    count = value.zeros + sum(count for _, count in value.counts)
    rank = max(1, math.ceil(q * count)) - value.zeros
    if rank <= 0:
        return 0.0
    for index, inside in value.counts:
        rank -= inside
        if rank <= 0:
            low, base = (2.0 ** (power / 2.0**value.scale) for power in (index, -1))
            return low * (2 / (1 + base))
    return None


def lines_of(value):
    """(suffix, extra labels, number) of each line of a series."""
    if isinstance(value, Histogram):
        bounds = [*(repr(float(bound)) for bound in value.bounds), "+Inf"]
        numbers = [sum(value.counts[: at + 1]) for at in range(len(bounds))]
        found = [("_bucket", (("le", bound),), number) for bound, number in zip(bounds, numbers)]
        return [*found, ("_sum", (), value.sum), ("_count", (), numbers[-1])]
    if isinstance(value, Exponential):
        return [("_sum", (), value.sum), ("_count", (), value.zeros + sum(count for _, count in value.counts))]
    return [("", (), value)]


# -- state -------------------------------------------------------------------------------------------------------------


class Registry:
    """The dictionary and its lock."""

    def __init__(
        self,
        *,
        clock: Clock,
        window: float = 300.0,
        slots: int = 60,
        max_series: int = 2000,
        process: Process | None = None,
    ) -> None:
        if min(window, slots, max_series) <= 0:
            raise ValueError("window, slots and max_series must be above 0")
        self._clock, self._width, self._slots, self._most = clock, window / slots, slots, max_series
        self._process = process
        self._specs: dict[str, Spec] = {}
        self._lock = threading.Lock()
        self._anew()

    def _anew(self) -> None:
        self._life = self._who()
        self._born = self._clock.monotonic()
        self._state: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._grown: dict[tuple[str, tuple[str, ...]], tuple[tuple[float, float], ...]] = {}
        self._told: dict[Hashable, dict[Any, float]] = {}

    def _who(self) -> object:
        return None if self._process is None else self._process.id()

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with self._lock:
            if self._life != self._who():
                self._anew()
            yield

    # -- declaring

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter."""
        self._declare(name, Spec("counter", labels, 0))

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""
        self._declare(name, Spec("gauge", labels, 0))

    def histogram(self, name, labels=(), *, bounds=None, max_buckets=None) -> None:
        """Declare a histogram."""
        if (bounds is None) is (max_buckets is None):
            raise ValueError("one of bounds and max_buckets")
        if bounds is None:
            if max_buckets < 2:
                raise ValueError("two buckets at least")
            self._declare(name, Spec("summary", labels, Exponential(MAX_SCALE, 0, (), 0), max_buckets))
            return
        if not bounds or bounds[0] <= 0 or math.inf in bounds or list(bounds) != sorted(set(bounds)):
            raise ValueError("bounds are finite, above 0 and ascending")
        self._declare(name, Spec("histogram", labels, Histogram(bounds, (0,) * (len(bounds) + 1), 0)))

    def _declare(self, name: str, spec: Spec) -> None:
        with self._held():
            if name in self._specs:
                raise ValueError(f"{name} is there")
            self._specs[name] = spec

    # -- changing

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""
        with self._held():
            spec, where = self._find(name, labels, {"counter", "gauge"})
            if not math.isfinite(amount) or (spec.kind == "counter" and amount < 0):
                raise ValueError(f"not an amount: {amount}")
            where = self._room(spec, where)
            self._state[where] = self._state.get(where, 0) + amount
            now = self._slice(self._clock.monotonic())
            slices = dict(self._grown.get(where, ()))
            slices[now] = slices.get(now, 0) + amount
            self._grown[where] = tuple((at, number) for at, number in slices.items() if at > now - self._slots)

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""
        with self._held():
            spec, where = self._find(name, labels, {"gauge"})
            if not math.isfinite(value):
                raise ValueError(f"not a value: {value}")
            self._state[self._room(spec, where)] = value

    def observe(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Count a value."""
        with self._held():
            spec, where = self._find(name, labels, {"histogram", "summary"})
            if not math.isfinite(value) or (spec.kind == "summary" and value < 0):
                raise ValueError(f"not a value: {value}")
            where = self._room(spec, where)
            self._state[where] = observed(self._state.get(where, spec.empty), spec, value)

    def timer(self, name: str, labels: Mapping[str, object] = NONE) -> "Timed":
        """Observe how long the block takes."""
        with self._held():
            self._find(name, labels, {"histogram", "summary"})
        return Timed(self, name, dict(labels), self._clock)

    # -- reading

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge."""
        with self._held():
            return self._state.get(self._find(name, labels, {"counter", "gauge"})[1], 0)

    def recent(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """Growth within the window."""
        with self._held():
            return self._growth(name, labels, self._clock.monotonic())

    def rate(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """Growth per second."""
        with self._held():
            now = self._clock.monotonic()
            grown = self._growth(name, labels, now)
            seconds = min(self._width * self._slots, now - self._born)
        return 0.0 if seconds == 0 else grown / seconds

    def quantile(self, name: str, q: float, labels: Mapping[str, object] = NONE) -> float | None:
        """An estimate over all series that have the labels."""
        with self._held():
            spec = self._spec(name, {"histogram", "summary"})
            if not 0 <= q <= 1 or set(labels) - set(spec.labels):
                raise ValueError(f"not a quantile: {q} of {dict(labels)}")
            wanted = {label: str(value) for label, value in labels.items()}
            whole = spec.empty
            for (of, key), value in self._state.items():
                if of == name and wanted.items() <= dict(zip(spec.labels, key)).items():
                    whole = added(whole, value, spec)
            return quantile_of(whole, spec, q)

    def snapshot(self) -> Snapshot:
        """Values never change, so a copy of the dictionary is enough."""
        with self._held():
            return dict(self._state)

    def render(self) -> str:
        """All metrics as text."""
        with self._held():
            specs, state = dict(self._specs), dict(self._state)
        text = []
        for name, spec in specs.items():
            text.append(f"# TYPE {name} {spec.kind}")
            for key in sorted(key for of, key in state if of == name):
                for suffix, extra, number in lines_of(state[name, key]):
                    pairs = [*zip(spec.labels, key), *extra]
                    text.append(f"{name}{suffix}{braced(pairs)} {float(number)!r}")
        return "".join(f"{line}\n" for line in text)

    # -- processes and readers

    def flush(self) -> None:
        """Write the state of this life."""
        with self._held():
            self._process.write(self._life, dict(self._state))

    def total(self) -> Snapshot:
        """Add up the states of all lives."""
        whole: dict[Any, Any] = {}
        for life, state in self._process.files().items():
            for where, value in state.items():
                spec = self._specs[where[0]]
                if spec.kind == "gauge" and not self._process.alive(life):
                    continue
                whole[where] = added(whole.get(where, spec.empty), value, spec)
        return whole

    def delta(self, who: Hashable) -> dict[tuple[str, tuple[str, ...]], float]:
        """Growth since `who` asked."""
        with self._held():
            now = {where: value for where, value in self._state.items() if self._specs[where[0]].kind == "counter"}
            before = self._told.get(who, {})
            self._told[who] = now
        grown = {where: value - before.get(where, 0) for where, value in now.items()}
        return {where: value for where, value in grown.items() if value}

    # -- helpers

    def _spec(self, name, kinds):
        spec = self._specs.get(name)
        if spec is None or spec.kind not in kinds:
            raise ValueError(f"{name} is none of {kinds}")
        return spec

    def _find(self, name, labels, kinds):
        spec = self._spec(name, kinds)
        if sorted(labels) != sorted(spec.labels):
            raise ValueError(f"labels are {spec.labels}")
        return spec, (name, tuple(str(labels[label]) for label in spec.labels))

    def _room(self, spec, where):
        rest = (where[0], ("other",) * len(spec.labels))
        if where in self._state or sum(of == where[0] for of, _ in self._state) - (rest in self._state) < self._most:
            return where
        return rest

    def _growth(self, name, labels, now):
        oldest = self._slice(now) - self._slots
        slices = self._grown.get(self._find(name, labels, {"counter"})[1], ())
        return sum(number for at, number in slices if at > oldest)

    def _slice(self, now: float) -> float:
        return now // self._width


class Timed:
    """The block of a timer."""

    def __init__(self, registry, name, labels, clock):
        self._registry, self._name, self._labels, self._clock = registry, name, labels, clock

    def __enter__(self):
        self._begun = self._clock.monotonic()
        return self

    def __exit__(self, *error):
        self._registry.observe(self._name, self._clock.monotonic() - self._begun, self._labels)


def braced(pairs):
    """The labels of a line."""
    escape = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
    inside = ",".join(f'{label}="{value.translate(escape)}"' for label, value in pairs)
    return f"{{{inside}}}" if inside else ""
