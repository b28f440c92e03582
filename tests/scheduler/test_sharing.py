"""Workers in virtual time: one soon gets what another cannot run, or held when it was killed, or nobody told it of."""

import asyncio

import pytest

from lldkit.scheduler import JobState, LeaseRef, MemoryStore, Queue, Worker
from lldkit.simulation import VirtualClock, run_virtual
from scheduler.helpers import wish

JOINS_AT = 0.01
LEASE = 5.0


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


@pytest.mark.parametrize("poll_seconds", [1.0, 3_600.0])
@pytest.mark.parametrize("beats", range(4))
def test_a_job_whose_worker_dies_at_the_worst_moment_runs_again_within_its_lease_and_a_second(
    beats: int, poll_seconds: float
) -> None:
    """The dead one held its lease by `beats` heartbeats, and died right after the last: nobody can know sooner."""
    clock = VirtualClock()
    started: list[float] = []

    async def main() -> tuple[float, Queue]:
        queue = Queue(clock=clock)

        @queue.task()
        async def work() -> None:
            started.append(clock.monotonic())

        work.enqueue()
        (lease,) = queue.store.claim(wish(queue="default", worker="dead", seconds=LEASE))
        worker = Worker(queue, runner="asyncio", lease_seconds=LEASE, poll_seconds=poll_seconds)
        living = asyncio.create_task(worker.arun(until_idle=True))
        for _ in range(beats):
            await clock.asleep(LEASE / 3)
            queue.store.renew([LeaseRef(lease.new.id, lease.fence)], seconds=LEASE)
        killed_at = clock.monotonic()
        await living
        return killed_at, queue

    killed_at, queue = run_virtual(main(), clock=clock)
    (again,) = started
    assert killed_at + LEASE - 1e-6 <= again <= killed_at + LEASE + 1.0
    (job,) = queue.jobs().items
    assert (job.state, job.crashes, job.attempts, job.fence) == (JobState.SUCCEEDED, 1, 1, 2)


class Mute(MemoryStore):
    """Word of a change never arrives."""

    def notify(self) -> None: ...


@pytest.mark.parametrize("poll_seconds", [1.0, 7.0])
def test_a_job_of_which_no_word_has_come_is_found_within_the_poll(poll_seconds: float) -> None:
    clock = VirtualClock()
    waits: list[float] = []

    async def main() -> None:
        queue = Queue(store=Mute(clock=clock), clock=clock)

        @queue.task()
        async def work(enqueued_at: float) -> None:
            waits.append(clock.monotonic() - enqueued_at)

        worker = Worker(queue, runner="asyncio", poll_seconds=poll_seconds)
        working = asyncio.create_task(worker.arun())
        for pause in (0.3, 11.0, 0.9 * poll_seconds, 2.5):
            await clock.asleep(pause)
            work.enqueue(clock.monotonic())
        await clock.asleep(2 * poll_seconds)
        worker.stop()
        await working

    run_virtual(main(), clock=clock)
    assert len(waits) == 4
    assert 0.0 < max(waits) <= poll_seconds + 1e-6
