"""Series behind one lock: numbers with a ring of slices, buckets and sketches that merge; a life per process."""

import bisect
import contextlib
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from interface import MAX_SCALE, NONE, Clock, Exponential, Histogram, Process, Snapshot

OTHER = "other"


class Number:
    """A counter or gauge, and what the last slices of time have added to it: a ring of (number of the slice, amount)."""

    def __init__(self, slots: int) -> None:
        self.value: float = 0
        self._slots, self._cells = slots, {}

    def add(self, amount: float, slice_: float) -> None:
        """Add, in the slice of now."""
        self.value += amount
        number, before = self._cells.get(slice_ % self._slots, (slice_, 0))
        self._cells[slice_ % self._slots] = (slice_, before + amount if number == slice_ else amount)

    def recent(self, slice_: float) -> float:
        """What the slice of now and those before it have added; what is left of an earlier round does not count."""
        return sum(amount for number, amount in self._cells.values() if number > slice_ - self._slots)

    def frozen(self) -> float:
        """The value."""
        return self.value

    def absorb(self, value: float) -> None:
        """Add what another series has."""
        self.value += value

    def lines(self) -> Iterator[tuple[str, str, float]]:
        """The suffix of the name, `le` and the number of each line."""
        yield "", "", self.value


class Buckets:
    """A histogram with bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum: float = 0

    def observe(self, value: float) -> None:
        """Count `value` in the first bucket whose bound is not below it."""
        self._counts[bisect.bisect_left(self._bounds, value)] += 1
        self._sum += value

    def quantile(self, q: float) -> float | None:
        """Values are taken to lie evenly within their bucket."""
        rank, before, low = q * sum(self._counts), 0, 0.0
        for high, inside in zip(self._bounds, self._counts):
            if inside and before + inside >= rank:
                return low + (high - low) * (rank - before) / inside
            before, low = before + inside, high
        return low if sum(self._counts) else None

    def frozen(self) -> Histogram:
        """The value as it is now."""
        return Histogram(self._bounds, tuple(self._counts), self._sum)

    def absorb(self, value: Histogram) -> None:
        """Add what another series with the same bounds has."""
        self._counts = [mine + other for mine, other in zip(self._counts, value.counts)]
        self._sum += value.sum

    def lines(self) -> Iterator[tuple[str, str, float]]:
        """The suffix of the name, `le` and the number of each line."""
        before = 0
        for bound, inside in zip((*self._bounds, math.inf), self._counts):
            before += inside
            yield "_bucket", "+Inf" if bound == math.inf else repr(float(bound)), before
        yield "_sum", "", self._sum
        yield "_count", "", before


class Sketch:
    """An exponential histogram: bucket `index` holds what is above base**index, up to base**(index + 1)."""

    def __init__(self, max_buckets: int) -> None:
        self._max_buckets, self._scale = max_buckets, MAX_SCALE
        self._zeros, self._counts, self._sum = 0, {}, 0

    def observe(self, value: float) -> None:
        """Count `value` in its bucket."""
        self._sum, self._zeros = self._sum + value, self._zeros + (value == 0)
        if value:
            mantissa, exponent = math.frexp(value)
            finest = (exponent << MAX_SCALE) + math.ceil(math.ldexp(math.log2(mantissa), MAX_SCALE)) - 1
            self._count(finest >> MAX_SCALE - self._scale, 1)

    def quantile(self, q: float) -> float | None:
        """The point of a bucket that is equally far, in proportion, from both of its ends."""
        count = self._zeros + sum(self._counts.values())
        rank, before = max(1, math.ceil(q * count)), self._zeros
        if before >= rank:
            return 0.0
        for index, inside in sorted(self._counts.items()):
            before += inside
            if before >= rank:
                width = 2.0**-self._scale  # of a bucket, in powers of two
                return 2.0 ** (index * width) * (2 / (1 + 2.0**-width))  # 2 * low * high would leave the floats
        return None

    def frozen(self) -> Exponential:
        """The value as it is now."""
        return Exponential(self._scale, self._zeros, tuple(sorted(self._counts.items())), self._sum)

    def absorb(self, value: Exponential) -> None:
        """Add what another series has, at the coarser scale of the two."""
        while self._scale > value.scale:
            self._halve()
        self._zeros, self._sum = self._zeros + value.zeros, self._sum + value.sum
        for index, inside in value.counts:
            self._count(index >> value.scale - self._scale, inside)

    def lines(self) -> Iterator[tuple[str, str, float]]:
        """The suffix of the name, `le` and the number of each line."""
        yield "_sum", "", self._sum
        yield "_count", "", self._zeros + sum(self._counts.values())

    def _count(self, index: int, inside: int) -> None:
        self._counts[index] = self._counts.get(index, 0) + inside
        while max(self._counts) - min(self._counts) >= self._max_buckets:
            self._halve()

    def _halve(self) -> None:
        """Two neighbours become one; shifting rounds down, also below 0."""
        counts, self._counts, self._scale = self._counts, {}, self._scale - 1
        for index, inside in counts.items():
            self._counts[index >> 1] = self._counts.get(index >> 1, 0) + inside


class Metric:
    """What was declared under a name, and its series by their label values."""

    def __init__(self, kind: str, labels: tuple[str, ...], new: Callable[[], Any]) -> None:
        self.kind, self.labels, self.new = kind, labels, new
        self.series: dict[tuple[str, ...], Any] = {}

    def key(self, labels: Mapping[str, object]) -> tuple[str, ...]:
        """The label values as declared."""
        if set(labels) != set(self.labels):
            raise ValueError(f"the labels are {self.labels}, got {tuple(labels)}")
        return tuple(str(labels[name]) for name in self.labels)

    def find_or_make(self, key: tuple[str, ...], limit: int) -> Any:
        """The series of `key`; what comes after `limit` others has one for all."""
        other = (OTHER,) * len(self.labels)
        if key not in self.series and len(self.series) - (other in self.series) >= limit:
            key = other
        if key not in self.series:
            self.series[key] = self.new()
        return self.series[key]

    def merged(self, labels: Mapping[str, object]) -> Any:
        """All series that have `labels`, as one."""
        whole = self.new()
        for key, series in self.series.items():
            if all(str(labels.get(name, value)) == value for name, value in zip(self.labels, key)):
                whole.absorb(series.frozen())
        return whole


class Registry:
    """Counts and measures by name and labels; each method is one step."""

    def __init__(
        self,
        *,
        clock: Clock,
        window: float = 300.0,
        slots: int = 60,
        max_series: int = 2000,
        process: Process | None = None,
    ) -> None:
        if not window > 0 or slots < 1 or max_series < 1:
            raise ValueError(f"window, slots and max_series must be above 0, got {window}, {slots}, {max_series}")
        self._clock, self._window, self._slots, self._max_series = clock, window, slots, max_series
        self._process = process
        self._lock = threading.Lock()
        self._metrics: dict[str, Metric] = {}
        self._begin()

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter."""
        self._declare(name, Metric("counter", labels, lambda: Number(self._slots)))

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""
        self._declare(name, Metric("gauge", labels, lambda: Number(self._slots)))

    def histogram(
        self,
        name: str,
        labels: tuple[str, ...] = (),
        *,
        bounds: tuple[float, ...] | None = None,
        max_buckets: int | None = None,
    ) -> None:
        """Declare a histogram."""
        if (bounds is None) == (max_buckets is None):
            raise ValueError("give bounds= or max_buckets=")
        if max_buckets is not None:
            if max_buckets < 2:
                raise ValueError(f"at least 2 buckets are needed, got {max_buckets}")
            self._declare(name, Metric("summary", labels, lambda: Sketch(max_buckets)))
            return
        if not bounds or not all(low < high < math.inf for low, high in zip((0, *bounds), bounds)):
            raise ValueError(f"bounds must be above 0, ascending and finite, got {bounds}")
        self._declare(name, Metric("histogram", labels, lambda: Buckets(bounds)))

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""
        with self._alone():
            metric = self._metric(name, "counter", "gauge")
            if not math.isfinite(amount) or (amount < 0 and metric.kind == "counter"):
                raise ValueError(f"{name} cannot grow by {amount}")
            self._series(metric, labels).add(amount, self._slice(self._clock.monotonic()))

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""
        with self._alone():
            if not math.isfinite(value):
                raise ValueError(f"{name} cannot be {value}")
            self._series(self._metric(name, "gauge"), labels).value = value

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge."""
        with self._alone():
            metric = self._metric(name, "counter", "gauge")
            series = metric.series.get(metric.key(labels))
            return series.value if series else 0

    def recent(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """How much a counter has grown within the window."""
        with self._alone():
            return self._grown(name, labels, self._clock.monotonic())

    def rate(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """Growth per second within the window, or since there is a registry."""
        with self._alone():
            now = self._clock.monotonic()
            grown, age = self._grown(name, labels, now), now - self._born
            return grown / min(age, self._window) if age else 0.0

    def observe(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Count a value in its bucket."""
        with self._alone():
            metric = self._metric(name, "histogram", "summary")
            if not math.isfinite(value) or (value < 0 and metric.kind == "summary"):
                raise ValueError(f"{name} cannot hold {value}")
            self._series(metric, labels).observe(value)

    def quantile(self, name: str, q: float, labels: Mapping[str, object] = NONE) -> float | None:
        """Estimate a quantile over all series that have `labels`."""
        with self._alone():
            metric = self._metric(name, "histogram", "summary")
            if not 0 <= q <= 1 or not set(labels) <= set(metric.labels):
                raise ValueError(f"q must be in 0..1 and labels of {metric.labels}, got {q} and {tuple(labels)}")
            return metric.merged(labels).quantile(q)

    def timer(self, name: str, labels: Mapping[str, object] = NONE) -> contextlib.AbstractContextManager[None]:
        """Observe how many seconds the block takes, however it ends."""
        self._metric(name, "histogram", "summary").key(labels)
        return self._timed(name, labels)

    @contextlib.contextmanager
    def _timed(self, name: str, labels: Mapping[str, object]) -> Iterator[None]:
        started = self._clock.monotonic()
        try:
            yield
        finally:
            self.observe(name, self._clock.monotonic() - started, labels)

    def snapshot(self) -> Snapshot:
        """Every series, all as of one moment."""
        with self._alone():
            return self._frozen()

    def render(self) -> str:
        """All metrics as text."""
        with self._alone():
            return "".join(line + "\n" for name, metric in self._metrics.items() for line in _lines(name, metric))

    def flush(self) -> None:
        """Write what this process has counted."""
        with self._alone():  # the writing, too: else an older state could be written last
            self._process.write(self._process.id()[0], (self._process.id(), self._frozen()))

    def total(self) -> Snapshot:
        """What all processes have written: of those that have ended no gauges."""
        merged: dict[Any, Any] = {}
        for owner, file in self._process.files().values():
            for (name, key), value in file.items():
                metric = self._metrics[name]
                if metric.kind != "gauge" or self._process.alive(owner):
                    merged.setdefault((name, key), metric.new()).absorb(value)
        return {where: series.frozen() for where, series in merged.items()}

    def delta(self, who: Hashable) -> dict[tuple[str, tuple[str, ...]], float]:
        """How much each counter has grown since `who` asked last."""
        with self._alone():
            counters = [(name, metric) for name, metric in self._metrics.items() if metric.kind == "counter"]
            now = {(name, key): series.value for name, metric in counters for key, series in metric.series.items()}
            before, self._seen[who] = self._seen.get(who, {}), now
            return {where: value - before.get(where, 0) for where, value in now.items() if value > before.get(where, 0)}

    def _begin(self) -> None:
        """The life of a process begins: nothing has been counted."""
        self._owner, self._born, self._seen = self._me(), self._clock.monotonic(), {}
        for metric in self._metrics.values():
            metric.series = {}

    def _me(self) -> object:
        return self._process and self._process.id()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One step that no other thread can see half done, in a life that belongs to this process."""
        with self._lock:
            if self._me() != self._owner:
                self._begin()
            yield

    def _frozen(self) -> Snapshot:
        return {
            (name, key): series.frozen()
            for name, metric in self._metrics.items()
            for key, series in metric.series.items()
        }

    def _declare(self, name: str, metric: Metric) -> None:
        with self._alone():
            if name in self._metrics:
                raise ValueError(f"{name} is declared already")
            self._metrics[name] = metric

    def _metric(self, name: str, *kinds: str) -> Metric:
        if name not in self._metrics or self._metrics[name].kind not in kinds:
            raise ValueError(f"{name} is no {' or '.join(kinds)}")
        return self._metrics[name]

    def _series(self, metric: Metric, labels: Mapping[str, object]) -> Any:
        return metric.find_or_make(metric.key(labels), self._max_series)

    def _grown(self, name: str, labels: Mapping[str, object], now: float) -> float:
        metric = self._metric(name, "counter")
        series = metric.series.get(metric.key(labels))
        return series.recent(self._slice(now)) if series else 0

    def _slice(self, now: float) -> float:
        return now * self._slots // self._window


def _lines(name: str, metric: Metric) -> Iterator[str]:
    """The lines of one metric."""
    yield f"# TYPE {name} {metric.kind}"
    for key, series in sorted(metric.series.items(), key=lambda item: item[0]):
        for suffix, le, number in series.lines():
            labels = [*zip(metric.labels, key), *([("le", le)] if le else [])]
            inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
            yield f"{name}{suffix}{'{' + inside + '}' if inside else ''} {float(number)!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
