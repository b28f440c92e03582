"""What metrics are said in: settings, plain values, exemplars, events, seams and errors.

All values are frozen. Times in snapshots are Unix seconds (float), durations are seconds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from lldkit.metrics.snapshots import Family, Snapshot

__all__ = [
    "OVERFLOW_LABELS",
    "UNSET",
    "Aggregate",
    "CardinalityExceeded",
    "CollectFailed",
    "Collector",
    "CounterValue",
    "Exemplar",
    "ExemplarSource",
    "ExpositionError",
    "GaugeValue",
    "InvalidName",
    "LabelMismatch",
    "Labels",
    "MergeConflict",
    "MetricConflict",
    "MetricError",
    "MetricEvent",
    "MetricType",
    "NegativeIncrement",
    "NonFinite",
    "ObservationRejected",
    "Renderer",
    "SeriesExpired",
    "SeriesOverflowed",
    "Sink",
    "SummaryValue",
    "Unset",
]

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of name and value, sorted by name."""

Aggregate: TypeAlias = Literal["sum", "max", "min", "last", "all"]
"""How gauges of several processes become one; "all" keeps them apart."""

MetricType: TypeAlias = Literal[
    "counter", "gauge", "histogram", "gaugehistogram", "info", "stateset", "summary", "unknown"
]
"""The types of OpenMetrics. A registry makes the first three and info; the others come from parsing or collectors."""

OVERFLOW_LABELS: Final[Labels] = (("otel_metric_overflow", "true"),)
"""The labels of the one series that takes what an instrument has no room for, named as OpenTelemetry names it."""


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET
"""An argument that was not given, where None means unbounded."""


@dataclass(frozen=True, slots=True)
class CounterValue:
    """A total that only grows. An int as long as only ints were added, and then exact at any size."""

    value: float


@dataclass(frozen=True, slots=True)
class GaugeValue:
    """A number that goes up and down; also one state of a stateset, an info (1), and a sample of unknown type.

    Two that are the same NaN, as a parsed text gives them, are equal: snapshots of one text are.
    """

    value: float

    def __eq__(self, other: object) -> bool:
        return (self.value,) == (other.value,) if isinstance(other, GaugeValue) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.value,))


@dataclass(frozen=True, slots=True)
class SummaryValue:
    """Quantiles that somebody else has computed: they can be shown, but not merged. None is what was not said."""

    sum: float | None
    count: float | None
    quantiles: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation that stands for its bucket, with the labels that find its trace. `timestamp` is Unix seconds."""

    labels: Labels
    value: float
    timestamp: float | None = None


ExemplarSource: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str] | None]
"""The labels of an exemplar, or what finds them (None: there are none), such as the current trace id."""


class Renderer(Protocol):
    """Makes text of a snapshot, as `render_openmetrics` does."""

    def __call__(self, snapshot: "Snapshot", /) -> str:
        """Return the whole text."""
        ...


class Sink(Protocol):
    """Takes what happened since the last time, as `StatsdSink` does: a snapshot of delta temporality."""

    def send(self, delta: "Snapshot", /) -> object:
        """Take one delta."""
        ...


class Collector(Protocol):
    """Gives families that are kept elsewhere, at the time of each snapshot. No lock is held while it runs."""

    def __call__(self) -> "Iterable[Family]":
        """Return the families as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class MetricEvent:
    """Something that happened to the metric `name`."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class SeriesOverflowed(MetricEvent):
    """A new label set found no room and was counted in the overflow series."""

    limit: int


@dataclass(frozen=True, slots=True)
class ObservationRejected(MetricEvent):
    """An observation was dropped: it was not a finite number. `value` is its repr."""

    value: str


@dataclass(frozen=True, slots=True)
class CollectFailed(MetricEvent):
    """A callback or collector gave nothing that can be shown; its series is missing from this snapshot."""

    reason: str


@dataclass(frozen=True, slots=True)
class SeriesExpired(MetricEvent):
    """A label set that nobody has used for `idle_ttl` was forgotten."""

    labels: Labels


class MetricError(LldkitError):
    """Base of the errors of `lldkit.metrics`."""


class InvalidName(MetricError, ValueError):
    """`name` cannot name a metric, a label or a unit."""

    def __init__(self, name: object, wanted: str) -> None:
        super().__init__(f"{name!r} is not a valid name: {wanted}")
        self.name = name


class MetricConflict(MetricError, ValueError):
    """`name` is taken by an instrument that differs: what is `existing`, and what was `wanted`."""

    def __init__(self, name: str, existing: str, wanted: str) -> None:
        super().__init__(f"{name!r} is taken by {existing}; wanted was {wanted}")
        self.name = name
        self.existing = existing
        self.wanted = wanted


class LabelMismatch(MetricError, ValueError):
    """The labels of `name` are `expected`, and something else was `given`."""

    def __init__(self, name: str, expected: tuple[str, ...], given: object) -> None:
        super().__init__(f"{name!r} has the labels {expected!r}, given were {given!r}")
        self.name = name
        self.expected = expected
        self.given = given


class NegativeIncrement(MetricError, ValueError):
    """A counter was asked to go down."""

    def __init__(self, name: str, amount: float) -> None:
        super().__init__(f"counter {name!r} only grows, got inc({amount!r}); use a gauge for what goes down")
        self.name = name
        self.amount = amount


class NonFinite(MetricError, ValueError):
    """What `name` was given is not a finite number; raised by a strict registry, else counted."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__(f"{name!r} takes finite numbers, got {value!r}")
        self.name = name
        self.value = value


class CardinalityExceeded(MetricError):
    """A new label set of `name` found `limit` others; raised by a strict registry, else counted as overflow."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"{name!r} has {limit} series, which is its limit; label by what has few values")
        self.name = name
        self.limit = limit


class MergeConflict(MetricError, ValueError):
    """Two values of `name` do not go together."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name or 'a value'!s} cannot be merged: {reason}")
        self.name = name
        self.reason = reason


class ExpositionError(MetricError, ValueError):
    """A text is not OpenMetrics: where (`line` and `column` from 1), why, and the `text` of that line."""

    def __init__(self, line: int, column: int, reason: str, text: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}: {text[:120]!r}")
        self.line = line
        self.column = column
        self.reason = reason
        self.text = text
