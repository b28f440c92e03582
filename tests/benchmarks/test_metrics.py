"""Metrics beside their peers. The floor of the hot rows is a dict entry counted under a lock."""

import threading
import tracemalloc
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import prometheus_client
import pytest
from ddsketch.ddsketch import LogCollapsingLowestDenseDDSketch
from hdrh.histogram import HdrHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from prometheus_client import CollectorRegistry
from prometheus_client import mmap_dict as their_files
from prometheus_client import multiprocess as their_processes
from prometheus_client import values as their_values
from prometheus_client.openmetrics import exposition as their_text
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import Code, beside, code, value_row
from lldkit.metrics import Explicit, ExponentialSketch, Registry, Window, render_openmetrics
from lldkit.metrics.multiprocess import MultiProcess

FLOOR = "floor, a lock and a dict"
FIFTEEN, SIXTY = Explicit.linear(0.1, 0.1, 15), Explicit.linear(0.025, 0.025, 60)
RNG = Random(7)
LATENCIES = [RNG.lognormvariate(-2, 0.7) for _ in range(4_096)]


def floor() -> Code:
    return code("with lock: counts['k'] += 1", lock=threading.Lock(), counts={"k": 0})


def meter(*views: View) -> Any:
    return MeterProvider(metric_readers=[InMemoryMetricReader()], views=views, shutdown_on_exit=False).get_meter("m")


def observing(**subjects: Any) -> dict[str, Any]:
    """Each subject observes the same latencies; taking the next one is timed with it (but not with the floor)."""
    return {
        name.replace("_", " "): code("observe(take(values))", observe=observe, take=next, values=cycle(LATENCIES))
        for name, observe in subjects.items()
    }


def test_inc(benchmark: BenchmarkFixture) -> None:
    counter = meter().create_counter("c")
    beside(
        benchmark,
        {
            "lldkit": code("inc()", inc=Registry().counter("c", labels=("l",)).labels("x").inc),
            FLOOR: floor(),
            "prometheus-client": code(
                "inc()", inc=prometheus_client.Counter("c", "c", ["l"], registry=None).labels("x").inc
            ),
            "opentelemetry-sdk": code("add(1)", add=counter.add),
            "lldkit window=60": code("inc()", inc=Registry().counter("c", window=Window()).inc),
        },
        row="child.inc()",
        floor=FLOOR,
        target="<= 1.2 x floor; with a window <= 2 x that",
    )


def test_labels_inc(benchmark: BenchmarkFixture) -> None:
    names = ["method", "code"]
    counter = meter().create_counter("c")
    beside(
        benchmark,
        {
            "lldkit": code("labels('GET', '200').inc()", labels=Registry().counter("c", labels=names).labels),
            FLOOR: floor(),
            "prometheus-client": code(
                "labels('GET', '200').inc()", labels=prometheus_client.Counter("c", "c", names, registry=None).labels
            ),
            "opentelemetry-sdk": code("add(1, {'method': 'GET', 'code': '200'})", add=counter.add),
        },
        row="labels(...).inc()",
        floor=FLOOR,
        target="<= 2.7 x floor; <= 0.5 x prometheus-client",
    )


def explicit_row(benchmark: BenchmarkFixture, buckets: Explicit, target: str) -> None:
    theirs = prometheus_client.Histogram("h", "h", buckets=buckets.bounds, registry=None)
    beside(
        benchmark,
        {
            FLOOR: floor(),
            **observing(
                lldkit=Registry().histogram("h", buckets=buckets).observe,
                lldkit_window=Registry().histogram("h", buckets=buckets, window=Window()).observe,
            ),
            "prometheus-client": observing(x=theirs.observe)["x"],
        },
        row=f"observe, {len(buckets.bounds)} explicit buckets",
        floor=FLOOR,
        target=target,
    )


def test_observe_15(benchmark: BenchmarkFixture) -> None:
    explicit_row(benchmark, FIFTEEN, "<= 1.8 x floor; with a window <= 2 x that")


def test_observe_60(benchmark: BenchmarkFixture) -> None:
    explicit_row(benchmark, SIXTY, "<= 2.0 x floor")


def test_observe_exponential(benchmark: BenchmarkFixture) -> None:
    view = View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())
    hdr = HdrHistogram(1, 3_600_000_000, 2)
    beside(
        benchmark,
        {
            FLOOR: floor(),
            **observing(
                lldkit=Registry().histogram("h").observe,
                lldkit_window=Registry().histogram("h", window=Window()).observe,
                ddsketch=LogCollapsingLowestDenseDDSketch(0.02).add,
            ),
            "hdrhistogram": observing(x=lambda value: hdr.record_value(int(value * 1e6)))["x"],
            "opentelemetry-sdk": observing(x=meter(view).create_histogram("h").record)["x"],
        },
        row="observe, exponential",
        floor=FLOOR,
        target="<= 2.2 x floor; ddsketch and hdrhistogram take no lock",
    )


TOGETHER = 160_000  # so many that starting the threads, which is not the subject, costs a hundredth of it


def test_eight_threads(benchmark: BenchmarkFixture) -> None:
    def storm(inc: Callable[[], object], threads: int) -> Callable[[], None]:
        def body() -> None:
            for _ in range(TOGETHER // threads):
                inc()

        def run() -> None:
            crew = [threading.Thread(target=body) for _ in range(threads)]
            for thread in crew:
                thread.start()
            for thread in crew:
                thread.join()

        return run

    beside(
        benchmark,
        {
            "lldkit": storm(Registry().counter("c").inc, 8),
            "lldkit one thread": storm(Registry().counter("c").inc, 1),
            "prometheus-client": storm(prometheus_client.Counter("c", "c", registry=None).inc, 8),
        },
        row="8 threads inc",
        floor="lldkit one thread",
        target="<= 1.1 x one thread",
        per=TOGETHER,
    )


def test_render(benchmark: BenchmarkFixture) -> None:
    text: Any = their_text
    ours, theirs = Registry(), CollectorRegistry()
    mine = ours.histogram("h", labels=("l",), buckets=FIFTEEN)
    other = prometheus_client.Histogram("h", "h", ["l"], buckets=FIFTEEN.bounds, registry=theirs)
    for number in range(1_000):
        for value in LATENCIES[:20]:
            mine.labels(str(number)).observe(value)
            other.labels(str(number)).observe(value)
    beside(
        benchmark,
        {
            "lldkit": lambda: render_openmetrics(ours.snapshot()),
            "prometheus-client": lambda: text.generate_latest(theirs),
        },
        row="snapshot and render 1,000 histograms of 15 buckets, OpenMetrics",
        target="<= 0.5 x prometheus-client",
        rounds=5,
    )


def test_merge_processes(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Twenty processes that live, of 1,000 counters each; ours also writes its own file each time."""
    files: Any = their_files
    processes: Any = their_processes
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    theirs.mkdir()
    shares = [MultiProcess(ours, Registry(), flush_seconds=3_600) for _ in range(20)]
    for pid, share in enumerate(shares):
        counter = share._registry.counter("c", labels=("l",))
        file = files.MmapedDict(str(theirs / f"counter_{pid}.db"))
        for number in range(1_000):
            counter.labels(str(number)).inc()
            file.write_value(files.mmap_key("c", "c_total", ["l"], [str(number)], "c"), 1.0, 0.0)
        file.close()
        share.flush()
    collector = processes.MultiProcessCollector(CollectorRegistry(), path=str(theirs))
    beside(
        benchmark,
        {"lldkit": shares[0].snapshot, "prometheus-client": collector.collect},
        row="merge of 20 process files, 1,000 series each",
        target="<= 0.5 x prometheus-client",
        rounds=5,
    )
    for share in shares:
        share.close()


def test_inc_in_many_processes(benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs is the value below the child, without the child's own call."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    values: Any = their_values
    theirs = values.MultiProcessValue()("counter", "c", "c_total", (), (), "c")
    with MultiProcess(tmp_path / "ours", registry := Registry(), flush_seconds=3_600):
        beside(
            benchmark,
            {
                "lldkit": code("inc()", inc=registry.counter("c").inc),
                "prometheus-client": code("inc(1)", inc=theirs.inc),
            },
            row="inc() with many processes",
            target="<= 0.4 x prometheus-client",
        )


def weight(make: Callable[[int], object], many: int = 200) -> Callable[[], float]:
    def measure() -> float:
        make(0)
        tracemalloc.start()
        kept = [make(number) for number in range(1, many + 1)]
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size / len(kept)

    return measure


def test_bytes_per_counter_series(benchmark: BenchmarkFixture) -> None:
    ours = Registry().counter("c", labels=("user",))
    theirs = prometheus_client.Counter("c", "c", ["user"], registry=None)
    value_row(
        benchmark,
        {
            "lldkit": weight(lambda number: ours.labels(f"user {number}").inc()),
            "prometheus-client": weight(lambda number: theirs.labels(f"user {number}").inc()),
        },
        row="bytes per counter series",
        target="<= prometheus-client",
    )


def test_bytes_per_sketch(benchmark: BenchmarkFixture) -> None:
    def full(make: Callable[[], Any]) -> Callable[[], float]:
        def one(_: int) -> object:
            sketch = make()
            for value in LATENCIES[:1_000]:
                sketch.add(value)
            return sketch

        return weight(one, many=10)

    value_row(
        benchmark,
        {"lldkit": full(ExponentialSketch), "ddsketch": full(lambda: LogCollapsingLowestDenseDDSketch(0.02))},
        row="bytes per sketch",
        target="<= ddsketch",
    )
