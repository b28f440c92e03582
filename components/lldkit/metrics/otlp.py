"""Snapshots for OpenTelemetry exporters (extra `otel`): histograms of both kinds, and exemplars, as they are there.

`push` hands one snapshot to an exporter of the SDK, such as `OTLPMetricExporter`; `OtlpPusher` does so again and again.
"""

import re
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from opentelemetry.sdk.metrics import Exemplar as OtelExemplar
from opentelemetry.sdk.metrics import export as otel
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from lldkit.arguments import check_number
from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import Buckets, ExponentialValue
from lldkit.metrics.interface import CounterValue, Exemplar, GaugeValue
from lldkit.metrics.periodic import Periodic
from lldkit.metrics.registry import Registry
from lldkit.metrics.snapshots import Family, Series, Snapshot

__all__ = ["OtlpPusher", "metrics_data", "push"]

CUMULATIVE = otel.AggregationTemporality.CUMULATIVE
TRACE_ID, SPAN_ID = re.compile("[0-9a-fA-F]{32}"), re.compile("[0-9a-fA-F]{16}")


def push(snapshot: Snapshot, exporter: MetricExporter, *, resource: Resource | None = None) -> bool:
    """Export a cumulative snapshot; whether the exporter took it. What the exporter raises is raised."""
    return exporter.export(metrics_data(snapshot, resource)) is MetricExportResult.SUCCESS


def metrics_data(snapshot: Snapshot, resource: Resource | None = None) -> otel.MetricsData:
    """The snapshot in the types of the SDK. Summaries of others are left out: OTLP takes none from an SDK."""
    metrics = [metric for family in snapshot.families for metric in _metric(family, snapshot.time)]
    scope = otel.ScopeMetrics(InstrumentationScope("lldkit.metrics"), metrics, "")
    return otel.MetricsData([otel.ResourceMetrics(resource or Resource.create(), [scope], "")])


def _metric(family: Family, now: float) -> Iterator[otel.Metric]:
    """One metric per kind of value: a family has one kind, but those of others may hold several."""
    points = [(series, series.value) for series in family.series]
    counters = [_number(series, value.value, now) for series, value in points if isinstance(value, CounterValue)]
    gauges = [_number(series, value.value, now) for series, value in points if isinstance(value, GaugeValue)]
    explicit = [_explicit(series, value, now) for series, value in points if isinstance(value, ExplicitValue)]
    exponential = [_exponential(series, value, now) for series, value in points if isinstance(value, ExponentialValue)]
    if counters:
        yield _named(family, otel.Sum(counters, CUMULATIVE, is_monotonic=True))
    if gauges:
        yield _named(family, otel.Gauge(gauges))
    if explicit:
        yield _named(family, otel.Histogram(explicit, CUMULATIVE))
    if exponential:
        yield _named(family, otel.ExponentialHistogram(exponential, CUMULATIVE))


def _named(family: Family, data: otel.DataT) -> otel.Metric:
    return otel.Metric(family.name, family.help, family.unit, data)


def _nanoseconds(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1_000_000_000)


def _number(series: Series, value: float, now: float) -> otel.NumberDataPoint:
    started = _nanoseconds(series.start_time)
    return otel.NumberDataPoint(dict(series.labels), started, _nanoseconds(now), value, _exemplars(series))


def _explicit(series: Series, value: ExplicitValue, now: float) -> otel.HistogramDataPoint:
    return otel.HistogramDataPoint(
        attributes=dict(series.labels),
        start_time_unix_nano=_nanoseconds(series.start_time),
        time_unix_nano=_nanoseconds(now),
        count=value.count,
        sum=value.sum or 0.0,
        bucket_counts=value.counts,
        explicit_bounds=value.bounds,
        min=value.min or 0.0,
        max=value.max or 0.0,
        exemplars=_exemplars(series),
    )


def _exponential(series: Series, value: ExponentialValue, now: float) -> otel.ExponentialHistogramDataPoint:
    return otel.ExponentialHistogramDataPoint(
        attributes=dict(series.labels),
        start_time_unix_nano=_nanoseconds(series.start_time),
        time_unix_nano=_nanoseconds(now),
        count=value.count,
        sum=value.sum or 0.0,
        scale=value.scale,
        zero_count=value.zero_count,
        positive=_buckets(value.positive),
        negative=_buckets(value.negative),
        flags=0,
        min=value.min or 0.0,
        max=value.max or 0.0,
        exemplars=_exemplars(series),
    )


def _exemplars(series: Series) -> list[OtelExemplar]:
    return [_exemplar(each) for each in series.exemplars]


def _exemplar(exemplar: Exemplar) -> OtelExemplar:
    """The labels `trace_id` and `span_id` lead to the trace, if they are such ids; the others are told along."""
    rest = dict(exemplar.labels)
    span, trace = (_taken(rest, name, form) for name, form in (("span_id", SPAN_ID), ("trace_id", TRACE_ID)))
    return OtelExemplar(rest, exemplar.value, _nanoseconds(exemplar.timestamp), span, trace)


def _taken(labels: dict[str, str], name: str, form: re.Pattern[str]) -> int | None:
    """The id of this name, taken out of the labels; None if it is none."""
    return int(labels.pop(name), 16) if form.fullmatch(labels.get(name, "")) else None


def _buckets(buckets: Buckets) -> otel.Buckets:
    """A run of counts from the first index on, as OTLP wants them."""
    if not buckets:
        return otel.Buckets(0, [])
    first, counts = buckets[0][0], dict(buckets)
    run: Sequence[int] = [counts.get(index, 0) for index in range(first, buckets[-1][0] + 1)]
    return otel.Buckets(first, run)


class OtlpPusher:
    """Exports `registry` every `interval_seconds` from a daemon thread, and a last time when it is closed.

    An exporter that raises or refuses is counted in `lldkit_metrics_collect_errors_total{metric="otlp"}`, and the next
    time everything is sent again, as snapshots are cumulative. Safe for threads; does not survive a fork.
    """

    def __init__(
        self,
        registry: Registry,
        exporter: MetricExporter,
        interval_seconds: float = 60.0,
        *,
        resource: Resource | None = None,
    ) -> None:
        check_number("interval_seconds", interval_seconds, above=0)
        self._registry = registry
        self._exporter = exporter
        self._resource = resource
        self._periodic = Periodic(self.push, seconds=interval_seconds, clock=registry.clock, name="lldkit metrics otlp")

    def push(self) -> bool:
        """Export now; whether that went well."""
        try:
            taken, reason = push(self._registry.snapshot(), self._exporter, resource=self._resource), "it refused"
        except Exception as error:  # noqa: BLE001 - whatever an exporter raises, the service goes on
            taken, reason = False, f"{type(error).__name__}: {error}"
        if not taken:
            self._registry.failed("otlp", reason)
        return taken

    def close(self) -> None:
        """End the thread and export a last time. May be called twice. The exporter is its owner's to shut down."""
        if self._periodic.alive:
            self._periodic.close()
            self.push()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
