"""What a type checker must make of every public name of lldkit.metrics; generated, checked, never run."""

from datetime import datetime
from lldkit.clock import Clock
from lldkit.metrics import Aggregate, CardinalityExceeded, CollectFailed, Collector, Counter, CounterValue, Ewma, Exemplar, Explicit, ExplicitValue, Exponential, ExponentialSketch, ExponentialValue, ExpositionError, Family, Gauge, GaugeValue, Histogram, HistogramValue, InvalidName, LATENCY_SECONDS, LabelMismatch, MergeConflict, MetricConflict, MetricError, MetricEvent, MultiProcess, NegativeIncrement, NonFinite, ObservationRejected, Reader, Registry, Renderer, Series, SeriesExpired, SeriesOverflowed, Sink, Snapshot, StatsdSink, SummaryValue, UNSET, Unset, Window, WindowView, asgi_app, bucket_index, default_registry, parse_json, parse_openmetrics, render_json, render_openmetrics, render_prometheus, statsd_lines, wsgi_app
from lldkit.metrics.exponential import Buckets
from lldkit.metrics.http import AsgiApp, Source, WsgiApp
from lldkit.metrics.interface import Labels, MetricType
from lldkit.metrics.snapshots import Value
from typing import assert_type

def n0() -> object: return LATENCY_SECONDS
def n1() -> object: return UNSET
def n2() -> object: return Aggregate
def n3(x: CardinalityExceeded) -> None: assert_type(x.name, str); assert_type(x.limit, int)
def n4(x: CollectFailed) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.reason, str)
def n5(x: Collector) -> None: del x
def n6(x: Counter) -> None: assert_type(x.name, str); assert_type(x.value, float); assert_type(x.window, WindowView)
def n7(x: CounterValue) -> None: assert_type(x.value, float)
def n8(x: Ewma) -> None: del x
def n9(x: Exemplar) -> None: assert_type(x.labels, Labels); assert_type(x.value, float); assert_type(x.timestamp, float | None)
def n10(x: Explicit) -> None: assert_type(x.bounds, tuple[float, ...])
def n11(x: ExplicitValue) -> None: assert_type(x.bounds, tuple[float, ...]); assert_type(x.counts, tuple[int, ...]); assert_type(x.sum, float | None); assert_type(x.count, int); assert_type(x.min, float | None); assert_type(x.max, float | None)
def n12(x: Exponential) -> None: assert_type(x.max_buckets, int); assert_type(x.max_scale, int); assert_type(x.zero_threshold, float); assert_type(x.text_scale, int)
def n13(x: ExponentialSketch) -> None: assert_type(x.relative_error, float)
def n14(x: ExponentialValue) -> None: assert_type(x.scale, int); assert_type(x.zero_count, int); assert_type(x.positive, Buckets); assert_type(x.negative, Buckets); assert_type(x.sum, float | None); assert_type(x.count, int); assert_type(x.min, float | None); assert_type(x.max, float | None); assert_type(x.zero_threshold, float); assert_type(x.text_scale, int); assert_type(x.max_buckets, int); assert_type(x.relative_error, float)
def n15(x: ExpositionError) -> None: assert_type(x.line, int); assert_type(x.column, int); assert_type(x.reason, str); assert_type(x.text, str)
def n16(x: Family) -> None: assert_type(x.name, str); assert_type(x.type, MetricType); assert_type(x.unit, str); assert_type(x.help, str); assert_type(x.series, tuple[Series, ...]); assert_type(x.aggregate, Aggregate)
def n17(x: Gauge) -> None: assert_type(x.name, str); assert_type(x.value, float)
def n18(x: GaugeValue) -> None: assert_type(x.value, float)
def n19(x: Histogram) -> None: assert_type(x.name, str); assert_type(x.value, HistogramValue); assert_type(x.count, int); assert_type(x.sum, float); assert_type(x.window, WindowView)
def n20() -> object: return HistogramValue
def n21(x: InvalidName) -> None: assert_type(x.name, object)
def n22(x: LabelMismatch) -> None: assert_type(x.name, str); assert_type(x.expected, tuple[str, ...]); assert_type(x.given, object)
def n23(x: MergeConflict) -> None: assert_type(x.name, str); assert_type(x.reason, str)
def n24(x: MetricConflict) -> None: assert_type(x.name, str); assert_type(x.existing, str); assert_type(x.wanted, str)
def n25(x: MetricError) -> None: del x
def n26(x: MetricEvent) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n27(x: MultiProcess) -> None: del x
def n28(x: NegativeIncrement) -> None: assert_type(x.name, str); assert_type(x.amount, float)
def n29(x: NonFinite) -> None: assert_type(x.name, str); assert_type(x.value, object)
def n30(x: ObservationRejected) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.value, str)
def n31(x: Reader) -> None: del x
def n32(x: Registry) -> None: assert_type(x.clock, Clock); assert_type(x.strict, bool)
def n33(x: Renderer) -> None: del x
def n34(x: Series) -> None: assert_type(x.labels, Labels); assert_type(x.value, Value); assert_type(x.start_time, float | None); assert_type(x.updated, float | None); assert_type(x.exemplars, tuple[Exemplar, ...]); assert_type(x.timestamp, float | None)
def n35(x: SeriesExpired) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.labels, Labels)
def n36(x: SeriesOverflowed) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.limit, int)
def n37(x: Sink) -> None: del x
def n38(x: Snapshot) -> None: assert_type(x.time, float); assert_type(x.families, tuple[Family, ...])
def n39(x: StatsdSink) -> None: del x
def n40(x: SummaryValue) -> None: assert_type(x.sum, float | None); assert_type(x.count, float | None); assert_type(x.quantiles, tuple[tuple[float, float], ...])
def n41() -> Unset: return Unset.UNSET
def n42(x: Window) -> None: assert_type(x.seconds, float); assert_type(x.slots, int)
def n43(x: WindowView) -> None: del x
def n44(source: Source) -> None: assert_type(asgi_app(source), AsgiApp)
def n45(value: float, scale: int) -> None: assert_type(bucket_index(value, scale), int)
def n46() -> None: assert_type(default_registry(), Registry)
def n47(text: str) -> None: assert_type(parse_json(text), Snapshot)
def n48(text: str) -> None: assert_type(parse_openmetrics(text), Snapshot)
def n49(snapshot: Snapshot) -> None: assert_type(render_json(snapshot), str)
def n50(snapshot: Snapshot) -> None: assert_type(render_openmetrics(snapshot), str)
def n51(snapshot: Snapshot) -> None: assert_type(render_prometheus(snapshot), str)
def n52(delta: Snapshot) -> None: assert_type(statsd_lines(delta), list[str])
def n53(source: Source) -> None: assert_type(wsgi_app(source), WsgiApp)
