"""Instruments, snapshots and decorated functions keep their types; checked, never run."""

from collections.abc import Awaitable, Callable
from typing import assert_type

from lldkit.metrics import Counter, Explicit, Gauge, Histogram, Registry, Snapshot, WindowView

registry = Registry(max_series=None)
latency = registry.histogram("latency", unit="seconds", labels=("route",), buckets=Explicit((1.0,)))


@latency.labels("/pay").time()
def plain(x: int, *, y: str = "") -> float:
    return x + len(y)


@registry.counter("errors").count_exceptions(OSError)
async def later(x: int) -> bytes:
    return bytes(x)


async def use() -> None:
    assert_type(plain(1, y="a"), float)
    assert_type(await later(1), bytes)
    assert_type(registry.counter("c").labels("a"), Counter)
    assert_type(registry.gauge("g").labels(a="b"), Gauge)
    assert_type(latency.labels(1), Histogram)
    assert_type(latency.quantile(0.5), float | None)
    assert_type(latency.window, WindowView)
    assert_type(registry.snapshot(), Snapshot)
    assert_type(registry.reader("delta").read().delta(registry.snapshot()), Snapshot)
    function: Callable[[int], Awaitable[bytes]] = later
    await function(1)
