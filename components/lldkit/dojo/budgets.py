"""Ratios: how the cost of a call grows with the number of things inside. No absolute time is ever judged."""

from __future__ import annotations

import gc
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["growth", "run"]

SMALL = 500
ROUNDS = 5
MOST = 8.0  # times as much work for four times as many things: linear is 4, quadratic 16
FEW, LITTLE = 2, 5.0  # after so many rounds, if it is no more than this, it will not be too much
SURE = 2  # measurements that must both be above it: one alone can be spoiled by what else the machine does

fine = time.get_clock_info("thread_time").resolution < 1e-4
clock = time.thread_time if fine else time.perf_counter  # where CPU time comes in ticks, the least real time must do


def growth(workload: Callable[[Any, int], Callable[[], object]], entry: Any, tick: Callable[[], None]) -> float:
    """How many times longer the workload takes for 4n than for n; the least of a few interleaved rounds.

    `workload(entry, n)` prepares and returns what is timed.
    """

    def seconds(size: int) -> float:
        tick()
        work = workload(entry, size)
        tick()
        gc.disable()  # a collection of what the grader itself holds would be charged to whom it hits
        try:
            start = clock()
            work()
            return clock() - start
        finally:
            gc.enable()

    small = large = ratio = float("inf")
    for number in range(1, ROUNDS + 1):
        small, large = min(small, seconds(SMALL)), min(large, seconds(4 * SMALL))
        ratio = large / max(small, 1e-9)
        if number >= FEW and ratio <= LITTLE:
            break
    return ratio


def run(workloads: Sequence[Any], entry: Any, tick: Callable[[], None]) -> dict[str, Any]:
    """Judge every workload; the docstring of one says what it measures."""
    for workload in workloads:
        if all(growth(workload, entry, tick) > MOST for _ in range(SURE)):
            why = " ".join((workload.__doc__ or "").split())
            expected = f"at most {MOST:g} times the work for 4 times as many"
            return {"status": "fail", "why": why, "expected": expected, "actual": "much more: it grows with every one"}
    return {"status": "pass"}
