"""What an OpenTelemetry exporter gets, as protobuf over real HTTP."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

from lldkit.metrics import Explicit, Exponential, bucket_index
from lldkit.metrics.otlp import OtlpPusher, push
from metrics.helpers import Bench, number


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(
                ExportMetricsServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/metrics", received
        server.shutdown()
        thread.join(10)


def test_counters_gauges_and_both_histograms_arrive(collector: tuple[str, list[Any]]) -> None:
    endpoint, received = collector
    bench = Bench()
    bench.registry.counter("hits", "Hits.", labels=("code",)).labels("200").inc(3)
    bench.registry.gauge("depth").set(-1.5)
    explicit = bench.registry.histogram("explicit", unit="seconds", buckets=Explicit((1.0,)))
    sketch = bench.registry.histogram("sketch")
    for value in (0.5, 1.0, 4.0):
        explicit.observe(value)
        sketch.observe(value)
    exporter = OTLPMetricExporter(endpoint=endpoint)
    assert push(bench.registry.snapshot(), exporter)
    exporter.shutdown()
    (request,) = received
    metrics = {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}
    (hits,) = metrics["hits"].sum.data_points
    assert (hits.as_int, hits.attributes[0].value.string_value, metrics["hits"].sum.is_monotonic) == (3, "200", True)
    assert hits.start_time_unix_nano == 1767225600 * 10**9
    assert metrics["depth"].gauge.data_points[0].as_double == -1.5
    (seen,) = metrics["explicit_seconds"].histogram.data_points
    assert (list(seen.bucket_counts), list(seen.explicit_bounds), seen.sum, seen.max) == ([2, 1], [1.0], 5.5, 4.0)
    (point,) = metrics["sketch"].exponential_histogram.data_points
    assert (point.count, sum(point.positive.bucket_counts), point.zero_count) == (3, 3, 0)
    assert point.positive.offset == bucket_index(0.5, point.scale)
    assert point.positive.bucket_counts[bucket_index(4.0, point.scale) - point.positive.offset] == 1


def test_exemplars_lead_to_their_traces(collector: tuple[str, list[Any]]) -> None:
    endpoint, received = collector
    bench = Bench()
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    bench.registry.counter("hits").inc(2, exemplar={"trace_id": trace, "span_id": span, "user": "7"})
    for buckets in (Explicit((1.0,)), Exponential()):
        histogram = bench.registry.histogram(type(buckets).__name__.lower(), buckets=buckets)
        histogram.observe(0.5, exemplar={"trace_id": "no such id"})
    exporter = OTLPMetricExporter(endpoint=endpoint)
    assert push(bench.registry.snapshot(), exporter)
    exporter.shutdown()
    metrics = {metric.name: metric for metric in received[0].resource_metrics[0].scope_metrics[0].metrics}
    (told,) = metrics["hits"].sum.data_points[0].exemplars
    assert (told.trace_id.hex(), told.span_id.hex(), told.as_int) == (trace, span, 2)
    assert [(each.key, each.value.string_value) for each in told.filtered_attributes] == [("user", "7")]
    assert told.time_unix_nano == 1767225600 * 10**9
    explicit, exponential = metrics["explicit"].histogram, metrics["exponential"].exponential_histogram
    for (point,) in (explicit.data_points, exponential.data_points):
        (told,) = point.exemplars
        assert (told.trace_id, told.as_double) == (b"", 0.5)
        assert [each.value.string_value for each in told.filtered_attributes] == ["no such id"]


class Failing(MetricExporter):
    """Raises, refuses, then takes."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def export(self, metrics_data: Any, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        self.calls += 1
        if self.calls == 1:
            raise OSError("nobody there")
        return MetricExportResult.FAILURE if self.calls == 2 else MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        pass


def test_the_pusher_goes_on_after_failures_and_ends_with_close() -> None:
    bench = Bench()
    bench.clock._auto_advance = False
    exporter = Failing()
    with OtlpPusher(bench.registry, exporter, 10) as pusher:
        for _ in range(3):
            bench.clock.wait_for_sleepers(1)
            bench.clock.advance(10)
        bench.clock.wait_for_sleepers(1)
        assert exporter.calls == 3
    pusher.close()
    assert exporter.calls == 4
    assert number(bench.registry.snapshot(), "lldkit_metrics_collect_errors", metric="otlp") == 2
    with pytest.raises(ValueError, match="interval_seconds"):
        OtlpPusher(bench.registry, exporter, 0)
