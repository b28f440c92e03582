"""Series: numbers with a ring of slices."""

import math
from collections.abc import Callable, Iterator, Mapping

from interface import NONE, Clock


class Number:
    """A counter or gauge, and what the last slices of time have added to it: a ring of amounts."""

    def __init__(self, slots: int) -> None:
        self.value: float = 0
        self._slots, self._cells = slots, [0] * slots
        self._newest: float = 0

    def add(self, amount: float, slice_: float) -> None:
        """Add, in the slice of now."""
        self.value += amount
        self._clear(slice_)
        self._cells[int(slice_) % self._slots] += amount

    def recent(self, slice_: float) -> float:
        """What the slice of now and those before it have added."""
        self._clear(slice_)
        return sum(self._cells)

    def _clear(self, slice_: float) -> None:
        """A new slice takes over the cell of an old one."""
        if slice_ != self._newest:
            self._newest = slice_
            self._cells[int(slice_) % self._slots] = 0


class Metric:
    """What was declared under a name, and its series by their label values."""

    def __init__(self, kind: str, labels: tuple[str, ...], new: Callable[[], Number]) -> None:
        self.kind, self.labels, self.new = kind, labels, new
        self.series: dict[tuple[str, ...], Number] = {}

    def key(self, labels: Mapping[str, object]) -> tuple[str, ...]:
        """The label values as declared."""
        if set(labels) != set(self.labels):
            raise ValueError(f"the labels are {self.labels}, got {tuple(labels)}")
        return tuple(str(labels[name]) for name in self.labels)

    def find_or_make(self, key: tuple[str, ...]) -> Number:
        """The series of `key`."""
        if key not in self.series:
            self.series[key] = self.new()
        return self.series[key]


class Registry:
    """Counts and measures by name and labels."""

    def __init__(self, *, clock: Clock, window: float = 300.0, slots: int = 60) -> None:
        if not window > 0 or slots < 1:
            raise ValueError(f"window and slots must be above 0, got {window} and {slots}")
        self._clock, self._window, self._slots = clock, window, slots
        self._metrics: dict[str, Metric] = {}
        self._born = clock.monotonic()

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter."""
        self._declare(name, Metric("counter", labels, lambda: Number(self._slots)))

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""
        self._declare(name, Metric("gauge", labels, lambda: Number(self._slots)))

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""
        metric = self._metric(name, "counter", "gauge")
        if not math.isfinite(amount) or (amount < 0 and metric.kind == "counter"):
            raise ValueError(f"{name} cannot grow by {amount}")
        self._series(metric, labels).add(amount, self._slice())

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""
        if not math.isfinite(value):
            raise ValueError(f"{name} cannot be {value}")
        self._series(self._metric(name, "gauge"), labels).value = value

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge."""
        metric = self._metric(name, "counter", "gauge")
        series = metric.series.get(metric.key(labels))
        return series.value if series else 0

    def recent(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """How much a counter has grown within the window."""
        metric = self._metric(name, "counter")
        series = metric.series.get(metric.key(labels))
        return series.recent(self._slice()) if series else 0

    def rate(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """Growth per second within the window, or since there is a registry."""
        grown, age = self.recent(name, labels), self._clock.monotonic() - self._born
        return grown / min(age, self._window) if age else 0.0

    def render(self) -> str:
        """All metrics as text."""
        return "".join(line + "\n" for name, metric in self._metrics.items() for line in _lines(name, metric))

    def _declare(self, name: str, metric: Metric) -> None:
        if name in self._metrics:
            raise ValueError(f"{name} is declared already")
        self._metrics[name] = metric

    def _metric(self, name: str, *kinds: str) -> Metric:
        if name not in self._metrics or self._metrics[name].kind not in kinds:
            raise ValueError(f"{name} is no {' or '.join(kinds)}")
        return self._metrics[name]

    def _series(self, metric: Metric, labels: Mapping[str, object]) -> Number:
        return metric.find_or_make(metric.key(labels))

    def _slice(self) -> float:
        return self._clock.monotonic() * self._slots // self._window


def _lines(name: str, metric: Metric) -> Iterator[str]:
    """The lines of one metric."""
    yield f"# TYPE {name} {metric.kind}"
    for key, series in sorted(metric.series.items(), key=lambda item: item[0]):
        inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(metric.labels, key))
        yield f"{name}{'{' + inside + '}' if inside else ''} {float(series.value)!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
