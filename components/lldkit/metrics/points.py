"""The samples of one series in a text, gathered into the value that they make, and checked against each other."""

from math import inf, isfinite, isnan

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.interface import CounterValue, Exemplar, GaugeValue, Labels, MetricType, SummaryValue
from lldkit.metrics.snapshots import Series, Value

__all__ = ["Point"]

ALLOWED: dict[MetricType, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "info": ("_info",),
    "stateset": ("",),
    "summary": ("", "_count", "_sum", "_created"),
    "unknown": ("",),
}
NEVER_FALLS = {"_total", "_bucket", "_count", "_gcount"}


class Point:
    """One point of one series. A ValueError says what cannot be."""

    def __init__(self, name: str, kind: MetricType) -> None:
        self.name = name
        self.kind = kind
        self.samples: dict[str, float] = {}
        self.buckets: dict[float, float] = {}  # by le, or by quantile
        self.exemplars: list[Exemplar] = []
        self.timestamp: float | None = None

    @staticmethod
    def suffixes(kind: MetricType) -> tuple[str, ...]:
        """What may follow the name of a metric of this type."""
        return ALLOWED[kind]

    def add(
        self, suffix: str, labels: dict[str, str], value: float, timestamp: float | None, exemplar: Exemplar | None
    ) -> None:
        """Take one sample."""
        if suffix in NEVER_FALLS and (isnan(value) or value < 0):
            raise ValueError(f"{self.name}{suffix} counts, so it cannot be {value!r}")
        if exemplar is not None and suffix not in {"_total", "_bucket"}:
            raise ValueError(f"{self.name}{suffix or ' of this type'} cannot have an exemplar")
        if self.timestamp is not None and timestamp is not None and timestamp != self.timestamp:
            raise ValueError("the samples of one point have one time")
        self.timestamp = timestamp if timestamp is not None else self.timestamp
        if exemplar is not None:
            self.exemplars.append(exemplar)
        if suffix == "_bucket" or (self.kind == "summary" and suffix == ""):
            self._add_bucket("le" if suffix else "quantile", labels, value)
            return
        if suffix in self.samples:
            raise ValueError(f"{self.name}{suffix} with these labels is there twice")
        self._check_single(suffix, labels, value)
        self.samples[suffix] = value

    def _check_single(self, suffix: str, labels: dict[str, str], value: float) -> None:
        if self.kind == "info" and value != 1:
            raise ValueError(f"an info is 1, not {value!r}")
        if self.kind == "stateset" and (self.name not in labels or value not in {0, 1}):
            raise ValueError(f"a state has the label {self.name} and is 0 or 1")
        if suffix == "_created" and not isfinite(value):
            raise ValueError("a time is a finite number")

    def _add_bucket(self, what: str, labels: dict[str, str], value: float) -> None:
        try:
            at = float(labels[what])
        except (KeyError, ValueError):
            raise ValueError(f"a number in the label {what} is wanted, got {labels.get(what)!r}") from None
        if isnan(at) or (what == "quantile" and not 0 <= at <= 1):
            raise ValueError(f"{what} cannot be {labels[what]!r}")
        if self.buckets and at <= max(self.buckets):
            raise ValueError(f"{what} {labels[what]!r} is out of order or there twice")
        self.buckets[at] = value

    def series(self, labels: Labels) -> Series:
        """The series that the samples make."""
        created = self.samples.get("_created")
        return Series(labels, self._value(), created, None, tuple(self.exemplars), self.timestamp)

    def _value(self) -> Value:
        if self.kind == "counter":
            if "_total" not in self.samples:
                raise ValueError("a counter has a sample with _total")
            return CounterValue(self.samples["_total"])
        if self.kind == "summary":
            return SummaryValue(self.samples.get("_sum"), self.samples.get("_count"), tuple(self.buckets.items()))
        if self.kind in {"histogram", "gaugehistogram"}:
            return self._histogram()
        return GaugeValue(self.samples["" if self.kind != "info" else "_info"])

    def _histogram(self) -> ExplicitValue:
        gauge = self.kind == "gaugehistogram"
        total, count = (
            self.samples.get("_gsum" if gauge else "_sum"),
            self.samples.get("_gcount" if gauge else "_count"),
        )
        if inf not in self.buckets:
            raise ValueError('a histogram has a bucket with le="+Inf"')
        if (total is None) != (count is None):
            raise ValueError("a histogram has both, count and sum, or neither")
        falls = min(self.buckets) < 0
        if total is not None and falls and not gauge:
            raise ValueError("the sum of a histogram with negative buckets can fall, so it may not be there")
        if total is not None and not falls and not total >= 0:
            raise ValueError(f"without negative buckets the sum cannot be {total!r}")
        if count is not None and count != self.buckets[inf]:
            raise ValueError(f'the count is that of le="+Inf", {self.buckets[inf]!r}, not {count!r}')
        counts, below = [], 0.0
        for le, cumulative in self.buckets.items():
            if cumulative != int(cumulative) or cumulative < below:
                raise ValueError(f"buckets hold whole numbers and never fall, got {cumulative!r} at le {le!r}")
            counts.append(int(cumulative - below))
            below = cumulative
        return ExplicitValue(tuple(self.buckets)[:-1], tuple(counts), total, int(below))
