"""Snapshots as data: frozen, found by name, subtracted and merged."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.metrics import (
    CounterValue,
    Explicit,
    ExplicitValue,
    Exponential,
    ExponentialSketch,
    Family,
    GaugeValue,
    MergeConflict,
    Registry,
    Series,
    Snapshot,
    SummaryValue,
)
from metrics.helpers import Bench, number


def test_two_delta_readers_each_see_every_increment_once() -> None:
    bench = Bench()
    counter, histogram = bench.registry.counter("c"), bench.registry.histogram("h")
    counter.inc(100)
    one, two, whole = (bench.registry.reader(kind) for kind in ("delta", "delta", "cumulative"))
    seen: dict[str, list[Any]] = {"one": [], "two": [], "whole": []}
    for step in range(1, 4):
        counter.inc(step)
        histogram.observe(float(step))
        seen["one"].append(number(one.read(), "c"))
        seen["whole"].append(number(whole.read(), "c"))
        if step != 2:
            delta = two.read()
            seen["two"].append((number(delta, "c"), delta.get("h").count))  # type: ignore[union-attr]
    assert seen == {"one": [101, 2, 3], "two": [(101, 1), (5, 2)], "whole": [101, 103, 106]}
    with pytest.raises(ValueError, match="temporality must be"):
        bench.registry.reader("sometimes")  # type: ignore[arg-type]


def test_a_counter_that_began_anew_gives_its_whole_value_and_never_a_negative_one() -> None:
    before = Snapshot(1.0, (Family("c", "counter", series=(Series((), CounterValue(10)),)),))
    after = Snapshot(2.0, (Family("c", "counter", series=(Series((), CounterValue(4)),)),))
    assert number(after.delta(before), "c") == 4
    new = Snapshot(3.0, (Family("c", "counter", series=(Series((), CounterValue(15), start_time=2.5),)),))
    assert number(new.delta(before), "c") == 15  # more than before, but counted from a new start
    assert number(before.delta(before), "c") == 0


def test_a_snapshot_is_frozen_and_does_not_follow_what_comes_later() -> None:
    bench = Bench()
    counter, histogram = bench.registry.counter("c"), bench.registry.histogram("h")
    counter.inc()
    histogram.observe(1.0)
    one, same = bench.registry.snapshot(), bench.registry.snapshot()
    assert one == same
    counter.inc()
    histogram.observe(2.0)
    assert one == same != bench.registry.snapshot()
    value: Any = one.get("h")
    for thing, field in (
        (one, "time"),
        (one.families[0], "name"),
        (one.families[0].series[0], "value"),
        (value, "sum"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, 0)
    hash(one)


def test_get_finds_by_the_name_of_the_family_or_of_its_samples() -> None:
    bench = Bench()
    bench.registry.counter("c").inc()
    bench.registry.info("build", {"version": "1"})
    assert bench.read("c") == bench.read("c_total") == 1
    assert bench.read("build_info", version="1") == 1
    assert bench.registry.snapshot().get("nothing") is None
    assert bench.registry.snapshot().get("c", {"a": "b"}) is None


LABELS = st.sampled_from([(), (("a", "x"),), (("a", "y"),)])
COUNTS = st.integers(0, 9)
TIMES = st.integers(1, 5).map(float)


def counters() -> st.SearchStrategy[Family]:
    series = st.builds(Series, LABELS, st.builds(CounterValue, COUNTS), TIMES)
    return st.builds(lambda each: Family("c", "counter", help="x", series=(each,)), series)


def gauges(aggregate: Any) -> st.SearchStrategy[Family]:
    series = st.builds(Series, LABELS, st.builds(GaugeValue, COUNTS), st.none(), TIMES)
    return st.builds(lambda each: Family(f"g_{aggregate}", "gauge", series=(each,), aggregate=aggregate), series)


def explicit(observed: list[int]) -> Any:
    histogram = Registry().histogram("h", buckets=Explicit((2.0, 5.0)))
    for value in observed:
        histogram.observe(float(value))
    return histogram.value


def sketched(observed: list[int]) -> Any:
    sketch = ExponentialSketch(Exponential(max_buckets=4))
    for value in observed:
        sketch.add(value)
    return sketch.value()


def histograms(name: str, make: Any) -> st.SearchStrategy[Family]:
    series = st.builds(Series, LABELS, st.lists(st.integers(-9, 99), max_size=9).map(make), TIMES)
    return st.builds(lambda each: Family(name, "histogram", series=(each,)), series)


FAMILIES = [
    counters(),
    *(gauges(aggregate) for aggregate in ("sum", "max", "min", "last", "all")),
    histograms("h", explicit),
    histograms("s", sketched),
]
SNAPSHOTS = st.builds(
    lambda time, *families: Snapshot(time, tuple(family for family in families if family is not None)),
    TIMES,
    *(st.none() | family for family in FAMILIES),
)


def in_order(snapshot: Snapshot) -> Snapshot:
    """The same families, by name: merging sorts them."""
    return dataclasses.replace(snapshot, families=tuple(sorted(snapshot.families, key=lambda each: each.name)))


@settings(deadline=None)
@given(SNAPSHOTS, SNAPSHOTS, SNAPSHOTS)
def test_merging_does_not_depend_on_order_or_grouping_and_changes_nothing(a: Any, b: Any, c: Any) -> None:
    before = repr((a, b, c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(Snapshot(0.0)) == in_order(a)
    assert repr((a, b, c)) == before


def test_what_each_kind_makes_of_two_processes() -> None:
    def process(value: int, at: float) -> Snapshot:
        gauges = (
            Family(kind, "gauge", series=(Series((), GaugeValue(value), None, at),), aggregate=kind)
            for kind in ("sum", "max", "min", "last")
        )
        info = Family("build", "info", series=(Series((("version", str(value)),), GaugeValue(1)),))
        return Snapshot(at, (*gauges, Family("c", "counter", series=(Series((), CounterValue(value), at),)), info))

    both = process(5, 1.0).merge(process(3, 2.0))
    assert [number(both, kind) for kind in ("sum", "max", "min", "last", "c")] == [8, 5, 3, 3, 8]
    assert [both.get("build", {"version": version}) for version in "35"] == [GaugeValue(1)] * 2
    counted = both.family("c")
    assert counted is not None
    assert (both.time, counted.series[0].start_time) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Family("m", "histogram", series=(Series((), explicit([])),)), r"its bounds \(1.0,\) are not \(2.0, 5.0\)"),
        (Family("m", "counter"), "its type 'histogram' is not 'counter'"),
        (Family("m", "histogram", unit="seconds"), "its unit '' is not 'seconds'"),
        (Family("m", "histogram", aggregate="max"), "its aggregate 'sum' is not 'max'"),
        (Family("m", "histogram", series=(Series((), SummaryValue(1.0, 1)),)), "are not additive"),
        (Family("m", "histogram", series=(Series((), sketched([])),)), "are not additive"),
    ],
    ids=["bounds", "type", "unit", "aggregate", "summary", "layout"],
)
def test_what_does_not_go_together_is_refused_by_name(other: Family, reason: str) -> None:
    mine = Family("m", "histogram", series=(Series((), ExplicitValue((1.0,), (0, 1), 2.0, 1)),))
    with pytest.raises(MergeConflict, match=f"'?m'? cannot be merged: .*{reason}"):
        Snapshot(0.0, (mine,)).merge(Snapshot(0.0, (other,)))


def test_sketches_with_other_zero_buckets_do_not_merge() -> None:
    one, two = (ExponentialSketch(Exponential(zero_threshold=threshold)) for threshold in (0.0, 0.1))
    with pytest.raises(MergeConflict, match=r"its zero threshold 0.0 is not 0.1"):
        one.merge(two)
