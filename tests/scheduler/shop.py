"""A queue with some of everything, for the simulation: keys, a graph, retries, long jobs, threads, a poisonous job."""

import asyncio
from collections.abc import Callable
from typing import Any

from lldkit.clock import ManualClock
from lldkit.retry import constant, exponential
from lldkit.scheduler import Graph, Queue, current_job
from lldkit.scheduler.simulate import Simulation
from lldkit.simulation import Crash


def shop() -> Queue:
    """A dozen jobs of up to 25 seconds, two and a half leases; `poison` kills its worker whenever it runs."""
    queue = Queue(clock=ManualClock())

    @queue.task(backoff=exponential(base=1, cap=8))
    async def work(seconds: float) -> None:
        await asyncio.sleep(seconds)
        if seconds == 3 and current_job().job.attempts == 0:
            raise ValueError("the first attempt fails")

    @queue.task()
    def in_a_thread(seconds: float) -> None:
        queue.clock.sleep(seconds)

    @queue.task(backoff=constant(1))
    async def parent() -> None:
        await asyncio.sleep(1)
        work.enqueue(2)

    @queue.task(max_crashes=2)
    async def poison() -> None:
        await asyncio.sleep(1)
        raise Crash("out of memory")

    for seconds in (0.5, 1, 3):
        work.options(key="k").enqueue(seconds)
    for seconds in (12, 25):
        work.enqueue(seconds)
    in_a_thread.enqueue(4)
    parent.enqueue()
    graph = Graph()
    first = graph.add(work.call(2))
    graph.add(work.call(1), depends_on=[first])
    queue.submit(graph)
    poison.options(delay_seconds=5).enqueue()
    return queue


def make(**options: Any) -> Callable[[int], Simulation]:
    """The simulation of the shop for each seed."""
    return lambda seed: Simulation(shop(), seed=seed, **options)
