"""The registry: names, labels, bounds on series, expiry and forks."""

import math
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from lldkit.metrics import (
    CardinalityExceeded,
    CounterValue,
    Explicit,
    InvalidName,
    LabelMismatch,
    MetricConflict,
    MetricError,
    Registry,
    SeriesExpired,
    SeriesOverflowed,
    Window,
    default_registry,
    render_openmetrics,
)
from metrics.helpers import Bench, number

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # we fork on purpose
OVERFLOW = {"otel_metric_overflow": "true"}


def test_the_same_definition_again_is_the_same_instrument() -> None:
    registry = Registry()
    assert registry.counter("c", labels=("a",)) is registry.counter("c_total", "other help", labels=["a"])
    assert registry.gauge("g") is registry.gauge("g")
    assert registry.histogram("h", unit="seconds") is registry.histogram("h_seconds", unit="seconds")
    registry.info("build", {"version": "1"})
    registry.info("build_info", {"version": "1"})


@pytest.mark.parametrize(
    "second",
    [
        lambda registry: registry.gauge("c"),
        lambda registry: registry.counter("c", labels=("a",)),
        lambda registry: registry.counter("c", window=Window()),
        lambda registry: registry.gauge("c_total"),
        lambda registry: registry.gauge("h_bucket"),
        lambda registry: registry.counter("h_count"),
        lambda registry: registry.gauge("h_sum"),
        lambda registry: registry.histogram("h", buckets=Explicit((1.0,))),
        lambda registry: registry.gauge("g", aggregate="max"),
        lambda registry: registry.info("c", {"a": "b"}),
        lambda registry: registry.gauge("build"),
        lambda registry: registry.info("build", {"version": "2"}),
    ],
    ids=map(str, range(12)),
)
def test_a_name_that_is_taken_by_something_else_is_refused(second: Callable[[Registry], object]) -> None:
    registry = Registry()
    registry.counter("c")
    registry.gauge("g")
    registry.histogram("h")
    registry.info("build", {"version": "1"})
    before = registry.snapshot().families
    with pytest.raises(MetricConflict, match="is taken by"):
        second(registry)
    assert registry.snapshot().families == before


@pytest.mark.parametrize("name", ["", "0a", "a.b", "a-b", "ä", "a b", "a\n"])
def test_a_name_that_no_metric_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidName, match="is not a valid name"):
        Registry().counter(name)


@pytest.mark.parametrize("labels", [("le",), ("quantile",), ("__x",), ("1a",), ("a", "a"), ("a:b",), "method"])
def test_a_label_that_no_metric_can_have_is_refused(labels: Any) -> None:
    with pytest.raises(InvalidName):
        Registry().counter("c", labels=labels)


def test_a_unit_that_no_name_can_carry_is_refused() -> None:
    with pytest.raises(InvalidName, match="a unit is named by"):
        Registry().histogram("speed", unit="m/s")


def test_names_carry_their_unit_once() -> None:
    registry = Registry()
    registry.histogram("latency", unit="seconds")
    registry.counter("wait_seconds_total", unit="seconds")
    names = {family.name for family in registry.snapshot().families}
    assert {"latency_seconds", "wait_seconds"} <= names


def test_total_is_added_once_wherever_it_stood() -> None:
    registry = Registry()
    for name, unit in (("a", ""), ("b_total", ""), ("c_seconds_total", "seconds"), ("d_total", "bytes"), ("total", "")):
        registry.counter(name, unit=unit).inc()
    samples = {line.split()[0] for line in render_openmetrics(registry.snapshot()).splitlines() if line[0] != "#"}
    assert {name for name in samples if not name.startswith("lldkit_") and not name.endswith("_created")} == {
        *("a_total", "b_total", "c_seconds_total", "d_bytes_total", "total_total")
    }


@pytest.mark.parametrize("taken", ["h_count", "h_sum", "h_bucket", "h_created"])
def test_a_histogram_is_refused_where_one_of_its_samples_is_taken(taken: str) -> None:
    registry = Registry()
    registry.gauge(taken)
    with pytest.raises(MetricConflict, match=f"'{taken}' is taken by gauge {taken}"):
        registry.histogram("h")
    assert registry.snapshot().family("h") is None


def test_labels_are_told_apart_by_value_and_not_by_type_or_order() -> None:
    bench = Bench()
    counter = bench.registry.counter("c", labels=("a", "b"))
    assert counter.labels("x", "y") is counter.labels(b="y", a="x")
    assert counter.labels(1, True) is counter.labels("1", "true")
    assert counter.labels(True, 1) is counter.labels("true", "1")
    assert counter.labels(1.0, "") is counter.labels("1.0", "")
    counter.labels("x", "y").inc()
    assert counter.labels("x,y", "") is not counter.labels("x", "y")
    assert counter.labels("\ud800", "") is counter.labels("?", "")
    assert bench.read("c_total", a="x", b="y") == 1


@pytest.mark.parametrize(
    ("values", "named"), [(("x",), {}), (("x", "y", "z"), {}), ((), {"a": "x"}), (("x",), {"b": "y"}), ((), {"c": "z"})]
)
def test_labels_that_do_not_fit_are_refused_with_both_sets(values: tuple[str, ...], named: dict[str, str]) -> None:
    counter = Registry().counter("c", labels=("a", "b"))
    with pytest.raises(LabelMismatch, match=r"'c' has the labels \('a', 'b'\), given were"):
        counter.labels(*values, **named)


def test_an_instrument_with_labels_counts_nothing_by_itself() -> None:
    registry = Registry()
    uses: list[Callable[[], object]] = [
        registry.counter("c", labels=("a",)).inc,
        lambda: registry.gauge("g", labels=("a",)).set(1),
        lambda: registry.histogram("h", labels=("a",)).observe(1.0),
        lambda: registry.gauge("g", labels=("a",)).set_function(float),
        lambda: registry.histogram("h", labels=("a",)).quantile(0.5),
    ]
    for use in uses:
        with pytest.raises(LabelMismatch):
            use()


def test_constant_labels_are_on_every_series() -> None:
    bench = Bench(const_labels={"zone": "a"})
    bench.registry.counter("c", labels=("code",)).labels("200").inc()
    assert bench.read("c", code="200", zone="a") == 1
    with pytest.raises(InvalidName):
        bench.registry.counter("d", labels=("zone",))


def test_beyond_the_limit_everything_goes_to_one_series_and_nothing_is_lost() -> None:
    bench = Bench(max_series=100)
    counter = bench.registry.counter("c", labels=("user",))
    for user in range(10_000):
        counter.labels(user).inc()
    for user in range(100):
        counter.labels(user).inc()
    series = bench.series("c")
    assert len(series) == 101
    assert sum(each.value.value for each in series) == 10_100
    assert bench.read("c", user="99") == 2
    assert bench.read("c", **OVERFLOW) == 9_900
    assert bench.read("lldkit_metrics_overflow_total", metric="c") == 9_900
    assert bench.events[0] == SeriesOverflowed(bench.clock.now(), "c", 100)


def test_a_strict_registry_raises_where_another_overflows() -> None:
    counter = Bench(strict=True).registry.counter("c", labels=("user",), max_series=1)
    counter.labels("a").inc()
    with pytest.raises(CardinalityExceeded, match="'c' has 1 series, which is its limit"):
        counter.labels("b")


def test_what_is_idle_is_forgotten_and_begins_anew_when_it_returns() -> None:
    bench = Bench(idle_ttl=60)
    counter = bench.registry.counter("c", labels=("user",))
    held = counter.labels("a")
    held.inc(5)
    first = bench.registry.snapshot()
    born = bench.series("c")[0].start_time
    bench.clock.advance(59)
    assert bench.read("c", user="a") == 5
    bench.clock.advance(60)
    assert bench.series("c") == []
    assert next(event for event in bench.events if isinstance(event, SeriesExpired)).labels == (("user", "a"),)
    assert held.value == 0
    held.inc(2)
    again = bench.series("c")[0]
    assert (again.value, again.start_time) == (CounterValue(2), born + 119)
    assert number(bench.registry.snapshot().delta(first), "c", user="a") == 2


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_what_is_in_use_is_never_forgotten_even_if_its_value_stays(kind: str) -> None:
    bench = Bench(idle_ttl=60)
    child = getattr(bench.registry, kind)("m", labels=("user",)).labels("a")
    use = {"counter": lambda: child.inc(0), "gauge": lambda: child.set(1), "histogram": lambda: child.observe(1.0)}
    for _ in range(10):
        use[kind]()
        bench.clock.advance(50)
        assert len(bench.series("m")) == 1
    bench.clock.advance(61)
    assert bench.series("m") == []


def test_a_child_that_was_succeeded_counts_for_its_successor() -> None:
    bench = Bench(idle_ttl=60)
    counter = bench.registry.counter("c", labels=("user",))
    old = counter.labels("a")
    bench.clock.advance(61)
    bench.registry.snapshot()
    new = counter.labels("a")
    assert new is not old
    old.inc()
    new.inc()
    assert (old.value, new.value, bench.read("c", user="a")) == (2, 2, 2)


def test_expiry_makes_room_as_new_children_come() -> None:
    bench = Bench(idle_ttl=60, max_series=2)
    counter = bench.registry.counter("c", labels=("user",))
    for user in "ab":
        counter.labels(user).inc()
    bench.registry.snapshot()
    bench.clock.advance(61)
    for user in "cd":
        counter.labels(user).inc()
    assert [each.labels[0][1] for each in bench.series("c")] == ["c", "d"]


def test_what_was_removed_or_cleared_comes_back_when_it_is_used() -> None:
    bench = Bench(max_series=1)
    counter, plain = bench.registry.counter("c", labels=("user",)), bench.registry.counter("plain")
    held, full = counter.labels("a"), counter.labels("b")
    for child in (held, full, plain):
        child.inc()
    assert bench.registry.remove("c_total", "a")
    assert not bench.registry.remove("c", "a")
    assert not bench.registry.remove("unknown")
    held.inc()
    assert bench.read("c", user="a") == 1
    bench.registry.clear()
    assert (plain.value, bench.series("c")) == (0, [])
    for child in (held, full, plain):
        child.inc()
    assert [bench.read("c", user="a"), bench.read("c", **OVERFLOW), plain.value] == [1, 1, 1]


def test_a_listener_that_fails_breaks_nothing() -> None:
    def listener(event: object) -> None:
        raise RuntimeError

    registry = Registry(max_series=1, on_event=listener)
    for user in "abc":
        registry.counter("c", labels=("user",)).labels(user).inc()
    assert registry._emit.failures == 2


@pytest.mark.parametrize(
    "options", [{"max_series": 0}, {"idle_ttl": 0}, {"idle_ttl": math.nan}, {"const_labels": {"le": "1"}}]
)
def test_nonsense_is_refused_when_a_registry_is_made(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, MetricError)):
        Registry(**options)


def test_the_default_registry_is_one_and_only_for_who_asks() -> None:
    assert default_registry() is default_registry()
    Registry().counter("elsewhere").inc()
    assert default_registry().snapshot().family("elsewhere") is None


def in_child(body: Callable[[], object]) -> str:
    """What `body` gives in a forked child, as text; nothing if the child hangs, which is then ended."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            os.write(write, repr(body()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told, _, _ = select.select([pipe], [], [], 30)
        if not told:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return pipe.read()


def test_a_forked_child_counts_from_zero_and_no_lock_hangs_it() -> None:
    bench = Bench()
    counter = bench.registry.counter("c", labels=("a",))
    plain, histogram = bench.registry.counter("plain"), bench.registry.histogram("h", window=Window())
    child = counter.labels("x")
    for _ in range(5):
        child.inc()
        plain.inc()
        histogram.observe(1.0)
    table = child._table

    def body() -> object:
        child.inc()
        plain.inc()
        histogram.observe(3.0)
        return bench.read("c", a="x"), plain.value, histogram.count, histogram.window.count(), histogram.sum

    with bench.registry._lock, table._lock, child._lock, plain._lock, histogram._lock:
        told = in_child(body)
    assert told == "(1, 1, 1, 1, 3.0)"
    assert (child.value, plain.value, histogram.count) == (5, 5, 5)
