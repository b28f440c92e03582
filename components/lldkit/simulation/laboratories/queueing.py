"""A queue before some servers, and two ways to measure it: an open loop, and a closed one that leaves out the worst.

Source of the closed loop's error: G. Tene, How NOT to Measure Latency (coordinated omission).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.report import Report

__all__ = ["Queueing", "queueing"]

POINTS = 200  # of the series


@dataclass(frozen=True, slots=True)
class Queueing(Report):
    """Times in system, waiting and service, in seconds.

    `mean_time` is measured from when a customer was sent, `mean_time_as_planned` from when it was to be sent: in an
    open loop they are the same. `times` holds the means of some 200 groups of customers, by when they were sent.
    """

    mean_time: float
    mean_time_as_planned: float
    times: Series


def queueing(
    *,
    arrival_rate: float,
    service: float | Callable[[Random], float],
    servers: int = 1,
    customers: int,
    clients: int | None = None,
    seed: int = 0,
) -> Queueing:
    """Serve `customers` in order of arrival (Poisson, `arrival_rate` per second).

    `service` is the mean of exponential seconds, or a function that draws them. The loop is open: customers come
    whether or not others are done. With `clients` it is closed: a customer is sent by one of so many clients, each of
    which waits for its answer before it sends the next, as most load generators do. O(log servers) per customer.

    >>> steady = queueing(arrival_rate=0.5, service=lambda rng: 1.0, customers=10_000, seed=1)
    >>> round(steady.mean_time, 1)  # M/D/1: service and half the waiting of M/M/1, 1 + 0.5
    1.5
    """
    draw = service if callable(service) else _exponential(service)
    if not arrival_rate > 0 or servers < 1 or customers < 1 or (clients is not None and clients < 1):
        raise ValueError(
            "arrival_rate, servers, customers and clients are positive, got "
            f"{arrival_rate!r}, {servers!r}, {customers!r}, {clients!r}"
        )
    rng, planned = Random(seed), 0.0
    free = [0.0] * servers  # when each server will be
    ready = [0.0] * clients if clients is not None else None  # when each client will have its answer
    sent, times, as_planned = [], [], 0.0
    for _ in range(customers):
        planned += rng.expovariate(arrival_rate)
        sent_at = planned if ready is None else max(planned, heapq.heappop(ready))
        done = max(sent_at, free[0]) + draw(rng)
        heapq.heapreplace(free, done)
        if ready is not None:
            heapq.heappush(ready, done)
        sent.append(sent_at)
        times.append(done - sent_at)
        as_planned += done - planned
    return Queueing(sum(times) / customers, as_planned / customers, _grouped(sent, times))


def _exponential(mean: float) -> Callable[[Random], float]:
    if not mean > 0:
        raise ValueError(f"service is a mean > 0 in seconds, or a function of a Random, got {mean!r}")
    return lambda rng: rng.expovariate(1.0 / mean)


def _grouped(sent: list[float], times: list[float]) -> Series:
    size = -(-len(sent) // POINTS)
    groups = range(0, len(sent), size)
    means = (sum(times[begin : begin + size]) / len(times[begin : begin + size]) for begin in groups)
    return Series(tuple(sent[begin] for begin in groups), tuple(means))
