"""Snapshots: metrics as plain, frozen data, which can be looked into, compared, merged and subtracted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialValue
from lldkit.metrics.interface import Aggregate, CounterValue, Exemplar, GaugeValue, Labels, MetricType, SummaryValue

__all__ = ["Family", "HistogramValue", "Series", "Snapshot", "Value", "sorted_labels"]

HistogramValue: TypeAlias = ExplicitValue | ExponentialValue
Value: TypeAlias = CounterValue | GaugeValue | SummaryValue | HistogramValue


def sorted_labels(labels: Mapping[str, str]) -> Labels:
    """Labels in the order in which series hold them."""
    return tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Series:
    """One label set of a metric with its value.

    `start_time` is when counting began (None: not said); `updated` when a gauge was last set, as far as that is known.
    `timestamp` is one that a parsed text gave, and is written out again. All are Unix seconds.
    """

    labels: Labels
    value: Value
    start_time: float | None = None
    updated: float | None = None
    exemplars: tuple[Exemplar, ...] = ()
    timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """All series of one metric. `name` carries the unit but none of the suffixes that samples have, such as _total."""

    name: str
    type: MetricType
    unit: str = ""
    help: str = ""
    series: tuple[Series, ...] = ()
    aggregate: Aggregate = "sum"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all metrics were at `time` (Unix seconds; 0 where a text did not say)."""

    time: float
    families: tuple[Family, ...] = ()

    def merge(self, other: "Snapshot") -> "Snapshot":
        """What both have counted together: counters and histograms add up, gauges follow their `aggregate`.

        Associative and commutative (the order of families aside). MergeConflict names what does not go together.
        """
        from lldkit.metrics.merge import merged

        return merged(self, other)

    def delta(self, earlier: "Snapshot") -> "Snapshot":
        """What happened since `earlier`; gauges stay as they are.

        A series that began anew, or has become smaller, was reset: its whole value is the delta. The least and greatest
        value of a histogram are then None, as they are not known of a part.
        """
        from lldkit.metrics.merge import difference

        return difference(self, earlier)

    def family(self, name: str) -> Family | None:
        """The family called `name`, also by the name that its samples have (`x_total`, `x_info`)."""
        names = {name, *(name.removesuffix(suffix) for suffix in ("_total", "_info"))}
        found = [family for family in self.families if family.name in names]
        return next((family for family in found if family.name == name), found[0] if found else None)

    def get(self, name: str, labels: Mapping[str, str] | None = None) -> Value | None:
        """The value of one series, None where there is none. `labels` are all its labels, in any order."""
        family, wanted = self.family(name), sorted_labels(labels or {})
        if family is None:
            return None
        return next((series.value for series in family.series if series.labels == wanted), None)
