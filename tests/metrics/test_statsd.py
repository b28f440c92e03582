"""Statsd lines by hand, and datagrams as a real socket receives them."""

import socket
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from lldkit.metrics import Explicit
from lldkit.metrics.statsd import StatsdSink, statsd_lines
from metrics.helpers import Bench


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        yield server


def lines(bench: Bench) -> list[str]:
    return [line for line in statsd_lines(bench.registry.snapshot()) if not line.startswith("lldkit_")]


def test_every_kind_of_metric_by_hand() -> None:
    bench = Bench()
    bench.registry.counter("hits", labels=("code", "a")).labels("200", "b.c").inc(3)
    bench.registry.counter("idle").inc(0)
    bench.registry.gauge("depth").set(-5)
    bench.registry.gauge("height").set(1.5)
    histogram = bench.registry.histogram("latency", buckets=Explicit((1.0,)))
    for _ in range(2):
        histogram.observe(0.5)
    assert lines(bench) == [
        "depth:0|g",
        "depth:-5|g",
        "height:1.5|g",
        "hits.a.b_c.code.200:3|c",
        "latency.count:2|c",
        "latency.sum:1.0|c",
        "latency.p50:0.5|g",
        "latency.p90:0.5|g",
        "latency.p99:0.5|g",
    ]


@pytest.mark.parametrize("bad", ["a:b", "a|b", "a@b", "a\nb", "a#b", "a b"])
def test_what_a_name_cannot_have_becomes_an_underscore(bad: str) -> None:
    bench = Bench()
    bench.registry.counter("c", labels=("l",)).labels(bad).inc()
    assert lines(bench) == ["c.l.a_b:1|c"]


def test_lines_are_packed_into_datagrams_up_to_the_mtu(server: socket.socket) -> None:
    bench = Bench()
    reader = bench.registry.reader("delta")
    counter = bench.registry.counter("c", labels=("number",))
    for number in range(30):
        counter.labels(number).inc(2)
    with StatsdSink(server.getsockname(), prefix="my.app", mtu=100) as sink:
        sent = sink.send(reader.read())
        received = [server.recv(2_000) for _ in range(sent)]
        assert sink.send(reader.read()) == 0  # nothing grew
    assert max(map(len, received)) <= 100
    assert sorted(b"\n".join(received).decode().split("\n")) == sorted(
        f"my.app.c.number.{number}:2|c" for number in range(30)
    )
    assert sent < 12


def test_sampled_counters_carry_their_rate_and_gauges_are_always_sent(server: socket.socket) -> None:
    bench = Bench()
    bench.registry.gauge("g").set(1)
    counter = bench.registry.counter("c", labels=("number",))
    for number in range(100):
        counter.labels(number).inc()
    with StatsdSink(server.getsockname(), sample=0.25, mtu=60_000, rng=Random(3)) as sink:
        sink.send(bench.registry.snapshot())
        received = server.recv(60_000).decode().split("\n")
    counted = [line for line in received if "|c" in line]
    assert all(line.endswith(":1|c|@0.25") for line in counted)
    assert 10 < len(counted) < 40
    assert "g:1|g" in received


def test_what_cannot_be_sent_is_dropped_and_counted() -> None:
    bench = Bench()
    bench.registry.counter("c" * 100).inc()
    sink = StatsdSink(("127.0.0.1", 9), mtu=64)
    assert not sink._socket.getblocking()
    assert (sink.send(bench.registry.snapshot()), sink.dropped) == (0, 1)
    sink.close()
    bench.registry.gauge("g").set(1)
    assert (sink.send(bench.registry.snapshot()), sink.dropped) == (0, 3)


@pytest.mark.parametrize("options", [{"sample": 0}, {"sample": 1.1}, {"mtu": 1}])
def test_nonsense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        StatsdSink(("127.0.0.1", 9), **options)
