"""Counters, gauges, histograms and timers, by hand."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from inspect import iscoroutinefunction
from typing import Any

import pytest

from lldkit.metrics import (
    LATENCY_SECONDS,
    Explicit,
    ExplicitValue,
    Exponential,
    ExponentialSketch,
    ExponentialValue,
    NegativeIncrement,
    NonFinite,
    ObservationRejected,
    Window,
)
from metrics.helpers import Bench


def test_a_counter_counts_ints_exactly_beyond_what_floats_hold() -> None:
    counter = Bench().registry.counter("c")
    counter.inc(2**53)
    counter.inc()
    assert counter.value == 2**53 + 1
    assert isinstance(counter.value, int)


@pytest.mark.parametrize("window", [None, Window()])
def test_small_addends_are_not_lost_beside_a_big_one(window: Window | None) -> None:
    registry = Bench().registry
    counter, histogram = registry.counter("c", window=window), registry.histogram("h", window=window)
    for add in (counter.inc, histogram.observe):
        add(1e16)
        for _ in range(10_000):
            add(1.0)
    assert abs(counter.value - (1e16 + 10_000)) <= math.ulp(1e16)
    assert abs(histogram.sum - (1e16 + 10_000)) <= math.ulp(1e16)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, True, "3", None])
def test_what_is_no_finite_number_is_dropped_and_counted(bad: Any) -> None:
    bench = Bench()
    counter, gauge, histogram = (
        bench.registry.counter("c"),
        bench.registry.gauge("g"),
        bench.registry.histogram("h"),
    )
    for use in (counter.inc, gauge.set, gauge.inc, histogram.observe):
        use(2)
        use(bad)
    assert (counter.value, gauge.value, histogram.sum, histogram.count) == (2, 4, 2.0, 1)
    rejected = [bench.read("lldkit_metrics_rejected_total", metric=name) for name in "cgh"]
    assert rejected == [1, 2, 1]
    assert bench.events[0] == ObservationRejected(bench.clock.now(), "c", repr(bad))


def test_a_strict_registry_raises_instead() -> None:
    bench = Bench(strict=True)
    with pytest.raises(NonFinite, match="'c' takes finite numbers, got nan"):
        bench.registry.counter("c").inc(math.nan)
    with pytest.raises(NonFinite):
        bench.registry.histogram("h").observe(math.inf)


def test_an_int_too_large_for_a_float_is_no_observation() -> None:
    bench = Bench()
    bench.registry.histogram("h").observe(10**400)
    assert bench.read("lldkit_metrics_rejected", metric="h") == 1


def test_a_counter_never_goes_down() -> None:
    counter = Bench().registry.counter("c")
    for amount in (-1, -0.5):
        with pytest.raises(NegativeIncrement, match=r"counter 'c' only grows, got inc\(-"):
            counter.inc(amount)
    counter.inc(0)
    assert counter.value == 0


def test_numbers_of_other_types_are_taken_as_plain_ones() -> None:
    counter = Bench().registry.counter("c")
    counter.inc(Fraction(1, 2))  # type: ignore[arg-type]  # any real number is welcome
    assert (counter.value, type(counter.value)) == (0.5, float)


def test_a_gauge_goes_up_and_down() -> None:
    bench = Bench()
    gauge = bench.registry.gauge("g")
    gauge.set(5)
    gauge.inc(2.5)
    gauge.dec()
    assert gauge.value == 6.5
    gauge.set_to_current_time()
    assert gauge.value == bench.clock.now().timestamp()


def test_a_gauge_counts_who_is_inside_also_when_they_fail() -> None:
    gauge = Bench().registry.gauge("g")
    with suppress(ValueError), gauge.track_inprogress():
        assert gauge.value == 1
        raise ValueError
    assert gauge.value == 0


def test_bounds_are_inclusive_and_buckets_hold_all() -> None:
    histogram = Bench().registry.histogram("h", buckets=Explicit((1.0, 2.0)))
    for value in (0, 1.0, math.nextafter(1.0, 2), 2.0, 3.0):
        histogram.observe(value)
    seen = histogram.value
    assert isinstance(seen, ExplicitValue)
    assert seen.counts == (2, 2, 1)
    assert list(seen.cumulative()) == [(1.0, 2), (2.0, 4), (math.inf, 5)]
    assert (seen.count, seen.min, seen.max) == (5, 0.0, 3.0)


@pytest.mark.parametrize("buckets", [LATENCY_SECONDS, Exponential()])
def test_quantiles_of_none_one_and_many(buckets: Explicit | Exponential) -> None:
    histogram = Bench().registry.histogram("h", buckets=buckets)
    assert histogram.quantile(0.5) is None
    assert histogram.fraction(0, 1) is None
    histogram.observe(0.7)
    assert [histogram.quantile(q) for q in (0, 0.5, 1)] == [0.7, 0.7, 0.7]
    for thousandth in range(1_000):
        histogram.observe(thousandth / 1_000)
    assert (histogram.quantile(0), histogram.quantile(1)) == (0.0, 0.999)
    assert histogram.quantile(0.5) == pytest.approx(0.5, rel=0.05)
    assert histogram.fraction(0, 0.3) == pytest.approx(0.3, abs=0.02)
    assert histogram.fraction(0.9, 0.1) == 0
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="q from 0 to 1"):
            histogram.quantile(bad)
    with pytest.raises(ValueError, match="between two numbers"):
        histogram.fraction(math.nan, 1)


def test_a_sketch_of_hard_inputs_keeps_its_promise() -> None:
    pareto = [1 / (1 - n / 1_000) ** 2 for n in range(1_000)]
    inputs = {
        "sorted": [float(n) for n in range(1, 1_000)],
        "reversed": [float(n) for n in range(1_000, 1, -1)],
        "constant": [0.1] * 1_000,
        "bimodal": [0.001] * 500 + [10.0] * 500,
        "pareto": pareto,
        "negative": [-value for value in pareto],
        "huge": [1e308, 1.5e308, 1.7976931348623157e308] * 9,
        "tiny": [2.3e-308, 1e-300, 1e-12],
    }
    for name, values in inputs.items():
        sketch = ExponentialSketch()
        for value in values:
            sketch.add(value)
        for q in (0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1):
            exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
            estimate = sketch.quantile(q)
            assert estimate is not None
            assert abs(estimate - exact) <= sketch.relative_error * abs(exact) * (1 + 1e-9), (name, q)


def test_subnormal_numbers_are_known_to_within_the_smallest_normal_one() -> None:
    sketch = ExponentialSketch()
    for value in (5e-324, 1e-310, 2e-308):
        sketch.add(value)
    assert sketch.scale == 20
    assert abs((sketch.quantile(0.5) or 0) - 1e-310) < 2.3e-308


def test_a_sketch_refuses_what_it_cannot_count() -> None:
    sketch = ExponentialSketch()
    with pytest.raises(NonFinite):
        sketch.add(math.nan)
    with pytest.raises(ValueError, match="n must be at least 1"):
        sketch.add(1.0, 0)
    assert sketch.quantile(0.5) is None
    assert sketch.to_dict()["count"] == 0


def test_merging_changes_neither_sketch() -> None:
    one, two = ExponentialSketch(), ExponentialSketch()
    one.add(1.0)
    two.add(1e9)
    before = (one.value(), two.value())
    merged = one.merge(two)
    assert (one.value(), two.value()) == before
    assert (merged.count, merged.sum, merged.quantile(0), merged.quantile(1)) == (2, 1e9 + 1, 1.0, 1e9)


def test_what_is_near_zero_is_counted_as_zero() -> None:
    histogram = Bench().registry.histogram("h", buckets=Exponential(zero_threshold=0.001))
    for value in (0.0, 0.001, -0.0005, 1.0):
        histogram.observe(value)
    seen = histogram.value
    assert isinstance(seen, ExponentialValue)
    assert (seen.zero_count, seen.positive) == (3, ((-1, 1),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Explicit(()), "bounds must be 1 to 1000"),
        (lambda: Explicit((2.0, 1.0)), "must rise strictly"),
        (lambda: Explicit((1.0, math.inf)), "finite"),
        (lambda: Explicit.linear(0, 0, 3), "width"),
        (lambda: Explicit.geometric(1, 1, 3), "factor"),
        (lambda: Exponential(max_buckets=1), "max_buckets"),
        (lambda: Exponential(max_scale=21), "max_scale"),
        (lambda: Exponential(zero_threshold=-1), "zero_threshold"),
        (lambda: Window(0), "seconds"),
        (lambda: Window(60, 0), "slots"),
    ],
)
def test_nonsense_settings_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_timer_measures_blocks_and_functions_also_when_they_fail() -> None:
    bench = Bench()
    histogram = bench.registry.histogram("h")

    @histogram.time()
    def work(seconds: float) -> str:
        bench.clock.advance(seconds)
        if seconds > 1:
            raise ValueError
        return "done"

    assert work(0.5) == "done"
    with pytest.raises(ValueError):
        work(2)
    with histogram.time():
        bench.clock.advance(4)
    assert (histogram.count, histogram.sum) == (3, 6.5)
    assert work.__name__ == "work"


async def test_a_coroutine_is_measured_while_it_runs_and_when_it_is_cancelled() -> None:
    bench = Bench()
    histogram = bench.registry.histogram("h")

    @histogram.time()
    async def work() -> None:
        await bench.clock.asleep(0.05)

    @histogram.time()
    async def cancelled() -> None:
        bench.clock.advance(1)
        raise asyncio.CancelledError

    assert iscoroutinefunction(work)
    waiting = work()
    bench.clock.advance(100)
    await waiting
    assert histogram.quantile(1) == pytest.approx(0.05)
    with pytest.raises(asyncio.CancelledError):
        await cancelled()
    assert histogram.count == 2
    assert histogram.sum == pytest.approx(1.05)


def test_a_timer_that_is_nested_in_itself_measures_both() -> None:
    bench = Bench()
    histogram = bench.registry.histogram("h")

    @histogram.time()
    def outer(depth: int) -> None:
        bench.clock.advance(1)
        if depth:
            outer(depth - 1)

    outer(2)
    assert (histogram.count, histogram.sum) == (3, 6.0)


def test_generators_cannot_be_timed() -> None:
    timer = Bench().registry.histogram("h").time()

    def generator() -> Iterator[int]:
        yield 1

    async def agenerator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, agenerator):
        with pytest.raises(TypeError, match="generator function runs after its call"):
            timer(function)


def test_exceptions_are_counted_by_type() -> None:
    counter = Bench().registry.counter("c")

    @counter.count_exceptions(KeyError)
    def look(error: type[BaseException]) -> None:
        raise error

    for error in (KeyError, ValueError):
        with pytest.raises(error):
            look(error)
    with suppress(asyncio.CancelledError), counter.count_exceptions():
        raise asyncio.CancelledError
    assert counter.value == 1


def test_exemplars_come_from_labels_or_callables_and_have_a_limit() -> None:
    bench = Bench()
    counter = bench.registry.counter("c")
    histogram = bench.registry.histogram("h", buckets=Explicit((1.0, 2.0)))
    counter.inc(2, exemplar={"trace_id": "a"})
    for value, trace in ((0.5, "b"), (0.6, "c"), (5.0, "d")):
        histogram.observe(value, exemplar=lambda trace=trace: {"trace_id": trace})
    counter.inc(exemplar={"long": "x" * 125})
    counter.inc(exemplar=lambda: 1 / 0)  # type: ignore[arg-type]
    counter.inc(exemplar=lambda: None)
    snapshot = bench.registry.snapshot()
    counted, observed = snapshot.family("c"), snapshot.family("h")
    assert counted is not None
    assert observed is not None
    assert [(each.labels, each.value) for each in counted.series[0].exemplars] == [((("trace_id", "a"),), 2)]
    assert [each.labels[0][1] for each in observed.series[0].exemplars] == ["c", "d"]
    assert counter.value == 5
    assert bench.read("lldkit_metrics_rejected", metric="c") == 2
