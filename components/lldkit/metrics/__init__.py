"""Count, measure and summarise in process; expose, push or merge without lying.

    registry = Registry()
    requests = registry.counter("http_requests", "Requests served.", labels=("method", "code"))
    latency = registry.histogram("http_latency", unit="seconds", labels=("route",), window=Window(seconds=60))

    requests.labels("GET", 200).inc()
    with latency.labels("/pay").time(): ...           # or as a decorator, of def and async def
    latency.labels("/pay").window.quantile(0.99)      # of the last minute; None when empty
    registry.snapshot().delta(earlier).get("http_requests", {"method": "GET", "code": "200"})

Snapshots are frozen data: they merge across processes and subtract over time. Quantiles have a stated error.
"""

from lldkit.metrics.ewma import Ewma
from lldkit.metrics.explicit import LATENCY_SECONDS, Explicit, ExplicitValue
from lldkit.metrics.exponential import Exponential, ExponentialSketch, ExponentialValue
from lldkit.metrics.histogram import Histogram
from lldkit.metrics.http import asgi_app, wsgi_app
from lldkit.metrics.indexing import bucket_index
from lldkit.metrics.instruments import Counter, Gauge
from lldkit.metrics.interface import (
    UNSET,
    Aggregate,
    CardinalityExceeded,
    CollectFailed,
    Collector,
    CounterValue,
    Exemplar,
    ExpositionError,
    GaugeValue,
    InvalidName,
    LabelMismatch,
    MergeConflict,
    MetricConflict,
    MetricError,
    MetricEvent,
    NegativeIncrement,
    NonFinite,
    ObservationRejected,
    Renderer,
    SeriesExpired,
    SeriesOverflowed,
    Sink,
    SummaryValue,
    Unset,
)
from lldkit.metrics.json_text import parse_json, render_json
from lldkit.metrics.multiprocess import MultiProcess
from lldkit.metrics.openmetrics import render_openmetrics
from lldkit.metrics.parse import parse_openmetrics
from lldkit.metrics.prometheus import render_prometheus
from lldkit.metrics.registry import Reader, Registry, default_registry
from lldkit.metrics.snapshots import Family, HistogramValue, Series, Snapshot
from lldkit.metrics.statsd import StatsdSink, statsd_lines
from lldkit.metrics.window import Window, WindowView

__all__ = [
    "LATENCY_SECONDS",
    "UNSET",
    "Aggregate",
    "CardinalityExceeded",
    "CollectFailed",
    "Collector",
    "Counter",
    "CounterValue",
    "Ewma",
    "Exemplar",
    "Explicit",
    "ExplicitValue",
    "Exponential",
    "ExponentialSketch",
    "ExponentialValue",
    "ExpositionError",
    "Family",
    "Gauge",
    "GaugeValue",
    "Histogram",
    "HistogramValue",
    "InvalidName",
    "LabelMismatch",
    "MergeConflict",
    "MetricConflict",
    "MetricError",
    "MetricEvent",
    "MultiProcess",
    "NegativeIncrement",
    "NonFinite",
    "ObservationRejected",
    "Reader",
    "Registry",
    "Renderer",
    "Series",
    "SeriesExpired",
    "SeriesOverflowed",
    "Sink",
    "Snapshot",
    "StatsdSink",
    "SummaryValue",
    "Unset",
    "Window",
    "WindowView",
    "asgi_app",
    "bucket_index",
    "default_registry",
    "parse_json",
    "parse_openmetrics",
    "render_json",
    "render_openmetrics",
    "render_prometheus",
    "statsd_lines",
    "wsgi_app",
]
