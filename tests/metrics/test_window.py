"""Windows and moving averages: what the last seconds hold, by hand, and what reading them costs."""

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from lldkit.metrics import Counter, Ewma, Histogram, Window
from metrics.helpers import Bench


def test_a_window_holds_the_last_seconds_of_a_counter_and_divides_by_the_time_there_was() -> None:
    bench = Bench()
    counter = bench.registry.counter("c", window=Window(60, 12))
    assert (counter.window.count(), counter.window.rate()) == (0, 0.0)
    counter.inc(30)
    bench.clock.advance(10)
    assert counter.window.rate() == 3.0
    bench.clock.advance(49.999)
    assert counter.window.count() == 30
    bench.clock.advance(0.001)
    assert (counter.window.count(), counter.value) == (0, 30)
    bench.clock.advance(365 * 86_400)
    counter.inc(0.5)
    assert counter.window.count() == 0.5
    assert counter.window.rate() == pytest.approx(0.5 / 55)  # the slot that begins now, and the eleven before it


def test_a_window_holds_the_last_seconds_of_a_histogram() -> None:
    bench = Bench()
    histogram = bench.registry.histogram("h", window=Window(60, 6))
    view = histogram.window
    assert (view.count(), view.mean(), view.max(), view.quantile(0.5)) == (0, None, None, None)
    histogram.observe(1.0)
    bench.clock.advance(30)
    histogram.observe(3.0)
    assert (view.count(), view.mean(), view.max(), view.sum(), view.rate()) == (2, 2.0, 3.0, 4.0, 2 / 30)
    bench.clock.advance(30)
    assert (view.count(), view.quantile(0.5), view.fraction(2, 4)) == (1, 3.0, 1.0)
    bench.clock.advance(600)
    assert (view.count(), histogram.count) == (0, 2)


def test_a_clock_that_goes_back_loses_nothing() -> None:
    bench = Bench()
    bench.clock.advance(1_000)
    counter = bench.registry.counter("c", window=Window(60, 12))
    histogram = bench.registry.histogram("h", window=Window(60, 12))
    counter.inc()
    histogram.observe(1.0)
    bench.clock._monotonic -= 500
    counter.inc()
    histogram.observe(1.0)
    assert (counter.window.count(), histogram.window.count()) == (2, 2)


def test_a_counter_keeps_no_observations_and_windows_must_be_asked_for() -> None:
    registry = Bench().registry
    with pytest.raises(TypeError, match="no single observations"):
        registry.counter("c", window=Window()).window.quantile(0.5)
    for instrument in (registry.counter("plain"), registry.histogram("h")):
        with pytest.raises(ValueError, match="has no window; make it with window="):
            _ = instrument.window


def test_a_moving_average_begins_at_its_first_tick_and_fades() -> None:
    average = Ewma(60)
    average.update(3)
    average.tick()
    assert average.rate() == 0.6
    for _ in range(12):  # a minute: each tick takes 1 - exp(-5/60) of the rate, a minute 1 - 1/e of it
        average.tick()
    assert average.rate() == pytest.approx(0.22072766, abs=5e-9)
    assert average.rate() == pytest.approx(0.6 / math.e)


def lines_of(call: Callable[[], object]) -> int:
    """How many lines of this package `call` runs, however deep: its cost, and no matter of time."""
    lines = 0

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count if frame.f_globals["__name__"].startswith("lldkit.") else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines


WINDOW = Window(60, 12)
YEAR = 365 * 86_400.0


@pytest.mark.parametrize("kind", ["counter", "histogram"])
def test_a_year_of_silence_costs_what_a_slot_of_silence_costs_and_leaves_nothing(kind: str) -> None:
    bench = Bench()
    instrument: Counter | Histogram = getattr(bench.registry, kind)("m", window=WINDOW)
    use: Callable[[], None] = instrument.inc if isinstance(instrument, Counter) else lambda: instrument.observe(1.0)
    costs: dict[float, list[int]] = {}
    for silence in (5.0, 60.0, YEAR):
        for _ in range(WINDOW.slots):
            use()
            bench.clock.advance(5)
        assert instrument.window.count() == WINDOW.slots - 1  # the first one is exactly 60 seconds old
        bench.clock.advance(silence - 5)
        costs[silence] = [lines_of(use), lines_of(instrument.window.count)]
    writing, reading = zip(*costs.values(), strict=True)
    assert len(set(writing)) == 1
    assert max(reading) == reading[0]  # which was of a full window
    assert instrument.window.count() == 1


def test_reading_a_window_changes_nothing() -> None:
    bench = Bench()
    counter, histogram = (getattr(bench.registry, kind)(kind, window=WINDOW) for kind in ("counter", "histogram"))
    for _ in range(30):
        bench.clock.advance(7)
        counter.inc()
        histogram.observe(1.0)
        assert [counter.window.count(), counter.window.count()] == [counter.window.sum()] * 2
        assert [histogram.window.count(), histogram.window.count()] == [counter.window.count()] * 2
