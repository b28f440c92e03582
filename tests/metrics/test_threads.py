"""Every claim of safety for threads: under the deterministic scheduler, and with real threads that meet."""

import threading
from collections.abc import Callable
from typing import Any

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.interleave import YieldingKey, YieldingNumber, hammer
from lldkit.metrics import Explicit, Registry, Window
from metrics.helpers import number

INCLUDE = ["lldkit.metrics"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def registry(**options: Any) -> Registry:
    return Registry(clock=ManualClock(), **options)


def test_no_increment_is_lost() -> None:
    def program() -> Program:
        counter = registry().counter("c")

        def body() -> None:
            counter.inc()
            counter.inc(0.5)

        return {"a": body, "b": body, "c": body}, lambda: counter.value == 4.5

    prove(program)


def test_no_change_of_a_gauge_is_lost() -> None:
    def program() -> Program:
        gauge = registry().gauge("g")

        def body() -> None:
            gauge.inc(2)
            gauge.dec()

        return {"a": body, "b": body}, lambda: gauge.value == 2

    prove(program)


def test_no_observation_is_lost_and_no_snapshot_is_torn() -> None:
    def program() -> Program:
        here, torn = registry(), list[object]()
        histogram = here.histogram("h", buckets=Explicit((1.0, 2.0)), window=Window())

        def body() -> None:
            for _ in range(2):
                histogram.observe(1.0)

        def look() -> None:
            value = histogram.value
            if not value.count == value.sum == sum(value.counts):  # type: ignore[union-attr]
                torn.append(value)

        return {
            "a": body,
            "b": body,
            "look": look,
        }, lambda: not torn and histogram.count == histogram.window.count() == 4

    prove(program)


def test_one_label_set_has_one_child() -> None:
    def program() -> Program:
        counter = registry(max_series=1).counter("c", labels=("a",))

        def body() -> None:
            counter.labels("x").inc()

        return {"a": body, "b": body}, lambda: counter.labels("x").value == 2

    prove(program)


def test_an_increment_that_races_with_expiry_is_kept_or_begins_anew() -> None:
    def program() -> Program:
        clock = ManualClock()
        here = Registry(clock=clock, idle_ttl=10)
        child = here.counter("c", labels=("a",)).labels("x")
        clock.advance(11)

        def body() -> None:
            child.inc()
            child.inc()

        return {"use": body, "expire": here.snapshot}, lambda: number(here.snapshot(), "c", a="x") == 2

    prove(program)


def test_each_increment_is_in_one_delta_of_a_reader_that_threads_share() -> None:
    def program() -> Program:
        here, seen = registry(), list[int]()
        counter, reader = here.counter("c"), here.reader("delta")
        counter.inc(3)

        def body() -> None:
            counter.inc()
            seen.append(number(reader.read(), "c"))

        return {"a": body, "b": body}, lambda: sum(seen) + number(reader.read(), "c") == 5

    prove(program, schedules=30)


def test_snapshots_are_never_torn_under_real_threads() -> None:
    here = Registry()
    histogram = here.histogram("h", buckets=Explicit((1.0, 2.0)))
    stop = threading.Event()

    def observe() -> None:
        while not stop.is_set():
            histogram.observe(1.0)

    thread = threading.Thread(target=observe, daemon=True)
    thread.start()
    try:
        for _ in range(5_000):
            value = histogram.series().value
            assert value.sum == value.count == sum(value.counts)  # type: ignore[union-attr]
    finally:
        stop.set()
        thread.join(10)


def test_operands_and_labels_that_yield_lose_nothing() -> None:
    counter = Registry().counter("c", labels=("a",))
    hammer(lambda: counter.labels(YieldingKey("x")).inc(YieldingNumber(1)), threads=8, rounds=300).assert_ok()
    assert counter.labels("x").value == 2_400


class Standing:
    """A lock whose taker stands at it until it may go on."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self.reached.set()
        assert self.go.wait(20)

    def __exit__(self, *exception: object) -> None:
        pass


def test_a_snapshot_that_stands_at_one_series_holds_up_no_other() -> None:
    here, standing = Registry(), Standing()
    counter = here.counter("c", labels=("a",))
    children = [counter.labels(str(each)) for each in range(3)]
    children[1]._lock = standing  # type: ignore[assignment]

    def use() -> None:
        children[0].inc()
        children[2].inc()
        counter.labels("new").inc()
        here.gauge("another").set(1)

    reading, using = (threading.Thread(target=target, daemon=True) for target in (here.snapshot, use))
    reading.start()
    assert standing.reached.wait(10)
    using.start()
    using.join(10)
    assert not using.is_alive()
    standing.go.set()
    reading.join(10)
    assert not reading.is_alive()


def test_nothing_here_starts_a_thread() -> None:
    before = threading.active_count()
    here = Registry()
    here.histogram("h", window=Window()).observe(1.0)
    here.snapshot()
    assert threading.active_count() == before
