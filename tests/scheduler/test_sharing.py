"""Two workers in virtual time: a batch that one of them cannot run soon is not kept from the other."""

import asyncio

import pytest

from lldkit.scheduler import Queue, Worker
from lldkit.simulation import VirtualClock, run_virtual

JOINS_AT = 0.01


@pytest.mark.parametrize("hold_seconds", [1.0, 1e6])
def test_fifty_jobs_of_a_second_are_shared_with_a_worker_that_joins(hold_seconds: float) -> None:
    clock = VirtualClock()

    async def main() -> float:
        queue = Queue(clock=clock)

        @queue.task()
        async def work() -> None:
            await clock.asleep(1.0)

        queue.submit([work.call()] * 50)
        workers = [
            Worker(queue, runner="asyncio", concurrency=1, hold_seconds=hold_seconds, ack_within_seconds=1.0)
            for _ in "ab"
        ]
        first = asyncio.create_task(workers[0].arun(until_idle=True))
        await clock.asleep(JOINS_AT)  # it has claimed all of them
        assert queue.stats().running == 50
        await asyncio.gather(first, workers[1].arun(until_idle=True))
        assert queue.stats().succeeded == 50
        return clock.monotonic() - JOINS_AT

    makespan = run_virtual(main(), clock=clock)
    if hold_seconds == 1.0:
        assert makespan <= 27.0 + 1e-9
    else:
        assert makespan >= 50.0 - JOINS_AT - 1e-9  # one after the other, by the first
