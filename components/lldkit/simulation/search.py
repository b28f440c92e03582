"""`search`: the first seed that breaks a promise, with the fewest faults that still do."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from lldkit.simulation.interface import FaultFired, Order
from lldkit.simulation.simulator import FaultPlan, World, simulate
from lldkit.simulation.trace import Trace

__all__ = ["search", "smallest"]

T = TypeVar("T")


def search(
    world: World,
    *,
    seeds: Iterable[int],
    until: float,
    faults: FaultPlan = (),
    swarm: bool = False,
    order: Order | str = Order.FIFO,
    progress: Callable[[int, int], object] | None = None,
) -> Trace | None:
    """Simulate seed after seed until a promise is broken; None if none is.

    The trace returned is that of the first failing seed with its faults shrunk: with any one of `trace.faults` left
    out, the promise that was broken first is kept. `progress(seeds_tried, seed)` is called after each seed.
    """

    def run(seed: int, keep: Iterable[FaultFired] | None = None) -> Trace:
        return simulate(world, seed=seed, until=until, faults=faults, swarm=swarm, order=order, keep=keep)

    for tried, seed in enumerate(seeds, start=1):
        trace = run(seed)
        if progress is not None:
            progress(tried, seed)
        if trace.violations:
            broken = trace.violations[0].name

            def still_fails(kept: Sequence[FaultFired], seed: int = seed, broken: str = broken) -> bool:
                return any(violation.name == broken for violation in run(seed, kept).violations)

            return run(seed, smallest(trace.faults, still_fails))
    return None


def smallest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """A part of `items` that still fails, and no longer does when any one item is left out.

    Halves are left out first, then smaller pieces (delta debugging, Zeller and Hildebrandt 2002). O(n^2) trials.
    """
    size = max(1, len(items))
    while True:
        before, start = len(items), 0
        while start < len(items):
            fewer = [*items[:start], *items[start + size :]]
            if fails(fewer):
                items = fewer
            else:
                start += size
        if size == 1 and len(items) == before:
            return items
        size = max(1, size // 2)
