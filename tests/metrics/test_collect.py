"""Callbacks and collectors: asked at each snapshot with no lock held, and isolated from each other."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lldkit.metrics import CollectFailed, Family, GaugeValue, Registry, Series
from metrics.helpers import Bench, number


def broken() -> float:
    raise OSError("no disk")


@pytest.mark.parametrize(
    "function", [broken, lambda: math.nan, lambda: "7", lambda: None], ids=["raises", "nan", "text", "none"]
)
def test_a_callback_that_fails_costs_its_series_only(function: Any) -> None:
    bench = Bench()
    bench.registry.gauge("bad").set_function(function)
    bench.registry.gauge("good").set_function(lambda: 7)
    assert (bench.read("bad"), bench.read("good")) == (None, 7)
    assert bench.read("lldkit_metrics_collect_errors_total", metric="bad") == 3
    assert isinstance(bench.events[0], CollectFailed)


def test_a_callback_may_use_the_registry() -> None:
    bench = Bench()
    counter = bench.registry.counter("c")

    def busy() -> float:
        counter.inc()
        bench.registry.gauge("another").set(1)
        return len(bench.registry.gauge("g").labels()._children)

    bench.registry.gauge("g").set_function(busy)
    assert bench.read("g") == 1


def test_a_collector_adds_families_and_one_that_fails_costs_its_own_only() -> None:
    bench = Bench()
    bench.registry.counter("c").inc()

    def pool() -> list[Family]:
        return [Family("pool", "gauge", series=(Series((), GaugeValue(3)),))]

    def clash() -> list[Family]:
        return [Family("c", "gauge", series=(Series((), GaugeValue(3)),))]

    def wrong() -> Any:
        return [1]

    for collector in (pool, clash, broken, wrong):
        bench.registry.collect(collector)  # type: ignore[arg-type]  # two of them lie about what they give
    assert (bench.read("pool"), bench.read("c")) == (3, 1)
    errors = bench.registry.snapshot()
    assert [number(errors, "lldkit_metrics_collect_errors", metric=name) for name in ("c", "broken", "wrong")] == [
        3
    ] * 3


def test_a_callback_and_a_collector_may_wait_for_another_thread_on_the_registry() -> None:
    here = Registry()
    counter = here.counter("c", labels=("a",))

    def alive_after_use() -> float:
        def use() -> None:
            counter.labels("x").inc()
            here.gauge("made_meanwhile").set(1)
            here.collect(list)

        thread = threading.Thread(target=use, daemon=True)
        thread.start()
        thread.join(10)
        return float(thread.is_alive())

    def collector() -> Iterator[Family]:
        yield Family("collected", "gauge", series=(Series((), GaugeValue(alive_after_use())),))

    here.gauge("called").set_function(alive_after_use)
    here.collect(collector)
    snapshot = here.snapshot()
    assert (number(snapshot, "called"), number(snapshot, "collected")) == (0, 0)


def test_a_collector_that_fails_on_its_way_gives_nothing_of_itself() -> None:
    bench = Bench()

    def halfway() -> Iterator[Family]:
        yield Family("half", "gauge", series=(Series((), GaugeValue(1)),))
        raise OSError("no disk")

    bench.registry.collect(halfway)
    assert bench.read("half") is None
    assert bench.read("lldkit_metrics_collect_errors_total", metric="halfway") == 2


def test_of_two_collectors_with_one_name_the_first_is_shown_and_the_second_counted() -> None:
    bench = Bench()

    def pool(value: int) -> list[Family]:
        return [Family("pool", "gauge", series=(Series((), GaugeValue(value)),))]

    for value in (1, 2):
        bench.registry.collect(lambda value=value: pool(value))  # type: ignore[misc]
    assert bench.read("pool") == 1
    assert bench.read("lldkit_metrics_collect_errors_total", metric="pool") == 2


def test_what_is_no_callable_is_refused() -> None:
    bench = Bench()
    with pytest.raises(TypeError, match="a collector is callable without arguments, got 3"):
        bench.registry.collect(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="function must be callable without arguments, got 3"):
        bench.registry.gauge("g").set_function(3)  # type: ignore[arg-type]
