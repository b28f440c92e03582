"""Numbers by name and label values, and how they are written."""

import math
from collections.abc import Iterator, Mapping

from interface import NONE, Clock


class Metric:
    """What was declared under a name, and the values of its series by their label values."""

    def __init__(self, kind: str, labels: tuple[str, ...]) -> None:
        self.kind, self.labels = kind, labels
        self.series: dict[str, float] = {}

    def key(self, labels: Mapping[str, object]) -> str:
        """The label values as declared."""
        if set(labels) != set(self.labels):
            raise ValueError(f"the labels are {self.labels}, got {tuple(labels)}")
        return ",".join(str(labels[name]) for name in self.labels)


class Registry:
    """Counts by name and labels."""

    def __init__(self, *, clock: Clock) -> None:
        self._metrics: dict[str, Metric] = {}

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter."""
        self._declare(name, Metric("counter", labels))

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""
        self._declare(name, Metric("gauge", labels))

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""
        metric = self._metric(name, "counter", "gauge")
        if not math.isfinite(amount) or (amount < 0 and metric.kind == "counter"):
            raise ValueError(f"{name} cannot grow by {amount}")
        key = metric.key(labels)
        metric.series[key] = metric.series.get(key, 0) + amount

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""
        if not math.isfinite(value):
            raise ValueError(f"{name} cannot be {value}")
        metric = self._metric(name, "gauge")
        metric.series[metric.key(labels)] = value

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge."""
        metric = self._metric(name, "counter", "gauge")
        return metric.series.get(metric.key(labels), 0)

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


def _lines(name: str, metric: Metric) -> Iterator[str]:
    """The lines of one metric."""
    yield f"# TYPE {name} {metric.kind}"
    for key, value in sorted(metric.series.items()):
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(metric.labels, key.split(",")))
        yield f"{name}{'{' + inside + '}' if inside else ''} {float(value)!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
