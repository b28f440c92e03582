"""The simulation keeps its seed, finds planted bugs, and finds nothing where nothing is planted."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import MICRO, Clock, ManualClock
from lldkit.retry import constant
from lldkit.scheduler import (
    ClaimRequest,
    JobEvent,
    JobState,
    Lease,
    LeaseRef,
    MemoryStore,
    NewJob,
    Outcome,
    Put,
    Queue,
    QueueFull,
    Renewal,
    Schedule,
    current_job,
    every,
    ledger,
)
from lldkit.scheduler.simulate import ClockSkew, Kill, LostReply, Pause, Simulation, StoreDown, explore
from scheduler.shop import make, shop

TESTS = Path(__file__).parent.parent
SEEDS = int(os.environ.get("LLDKIT_SEEDS", "100"))  # the published run has 1,000
PROGRAM = """
from scheduler.shop import make
for seed in range(6):
    print("\\n".join(make()(seed).run().lines()))
"""


def output(hash_seed: str) -> str:
    path = os.pathsep.join(map(str, (TESTS.parent / "components", TESTS)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_seed_gives_the_same_bytes_under_every_hash_seed() -> None:
    first = output("0")
    assert first.count("started, incarnation 1") == 6 * 3
    assert output("1") == output("2") == first


def test_no_seed_breaks_a_promise_of_the_queue() -> None:
    struck = set()
    for seed in range(SEEDS):
        trace = make()(seed).run()
        assert trace.violations == (), (seed, trace.violations)
        struck |= {fired.fault.partition("(")[0] for fired in trace.faults}
    assert struck == {"Kill", "Pause", "Down", "LostReply", "Skew"}


# Planted bugs: stores that break their word, each in the way that is told of hand-made queues.


class PopBeforeRun(MemoryStore):
    """A job is taken out before it has run, so a crash loses it."""

    def claim(self, want: ClaimRequest) -> list[Lease]:
        leases = super().claim(want)
        super().settle([Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True) for lease in leases])
        return leases


class NoFence(MemoryStore):
    """Whoever says that a job has ended is believed."""

    def settle(self, outcomes: Sequence[Outcome], *, connection: Any = None) -> list[bool]:
        newest = [outcome._replace(fence=self.get(outcome.id).fence) for outcome in outcomes]
        return super().settle(newest, connection=connection)


class NoRenewal(MemoryStore):
    """Heartbeats are answered, and change nothing."""

    def renew(self, leases: Sequence[LeaseRef], *, seconds: float) -> list[Renewal]:
        del seconds
        return [Renewal.KEPT for _ in leases]


class NoEndOfLeases(MemoryStore):
    """A lease is for ever, so nobody notices a crash."""

    def claim(self, want: ClaimRequest) -> list[Lease]:
        return super().claim(want._replace(lease=10**9 * MICRO))


class NoCountOfCrashes(MemoryStore):
    """A job that kills its worker is tried again for ever."""

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        endless = [job._replace(max_crashes=10**9) for job in jobs]
        return super().put(endless, capacity=capacity, connection=connection)


class CapacityForRetries(MemoryStore):
    """A full queue refuses also what comes back."""

    def settle(self, outcomes: Sequence[Outcome], *, connection: Any = None) -> list[bool]:
        if self.stats("default").get(JobState.BLOCKED, 0) > 0 and outcomes[0].event is JobEvent.RETRY:
            raise QueueFull(1, 2)
        return super().settle(outcomes, connection=connection)


class NoKeys(MemoryStore):
    """Whether an earlier job of the key has ended is not looked at."""

    def put(self, jobs: Sequence[NewJob], *, capacity: int | None = None, connection: Any = None) -> list[Put]:
        answers = super().put([job._replace(key=None) for job in jobs], capacity=capacity, connection=connection)
        with self._transaction() as table:
            for job in jobs:
                record = table.get([job.id])[job.id]
                table.change(record, record._replace(new=record.new._replace(key=job.key)))
        return answers


class Peek(Exception):
    """Ends a transaction without its changes."""


class SelectThenUpdate(MemoryStore):
    """What is free is looked up in one statement and taken in another, with others in between."""

    async def claim(self, want: ClaimRequest) -> list[Lease]:  # type: ignore[override]
        leases: list[Lease] = []
        with contextlib.suppress(Peek), self._transaction() as table:
            leases = ledger.claim(table, want)
            if leases:
                raise Peek
        await asyncio.sleep(0.002)
        with self._transaction() as table:
            for lease in leases:
                table.change(table.get([lease.new.id])[lease.new.id], lease)
        if leases:
            self.notify()
        return leases


@pytest.mark.parametrize(
    ("store", "promise"),
    [
        (PopBeforeRun, "every job ends"),
        (NoFence, "only the newest fence ends a job"),
        (NoRenewal, "a running lease is given to nobody else"),
        (NoEndOfLeases, "every job ends"),
        (NoCountOfCrashes, "every job ends"),
        (CapacityForRetries, "no worker fails"),
        (NoKeys, "jobs of a key run one at a time"),
        (SelectThenUpdate, "a running lease is given to nobody else"),
    ],
)
def test_a_planted_bug_is_found_within_200_seeds(store: Callable[..., MemoryStore], promise: str) -> None:
    simulation = make(store=lambda clock: store(clock=clock))
    traces = (simulation(seed).run(limit_seconds=600) for seed in range(200))
    found = next(trace.violations for trace in traces if trace.violations)
    assert promise in [violation.name for violation in found]


# A user's own bug: the effect is not idempotent.


def charging(*, is_safe: bool) -> Callable[[int], Simulation]:
    def make(seed: int) -> Simulation:
        queue = Queue(clock=ManualClock())
        charges: list[int] = []

        @queue.task()
        async def charge(order: int) -> None:
            if not is_safe or order not in charges:
                charges.append(order)
            await asyncio.sleep(1)

        for order in range(5):
            charge.enqueue(order)
        return Simulation(queue, seed=seed, check=lambda: sorted(charges) == [0, 1, 2, 3, 4])

    return make


def test_a_task_that_charges_twice_after_a_crash_is_found_and_one_fault_is_enough() -> None:
    seed = explore(charging(is_safe=False), seeds=range(50))
    assert seed is not None
    assert [violation.name for violation in seed.trace.violations] == ["check"]
    assert len(seed.trace.faults) == 1


def test_what_explore_prints_is_a_number_that_replays_the_violation() -> None:
    printed = f"{explore(charging(is_safe=False), seeds=range(50))}"
    again = charging(is_safe=False)(int(printed)).run()
    assert [violation.name for violation in again.violations] == ["check"]
    before = [charging(is_safe=False)(seed).run() for seed in range(int(printed))]
    assert all(trace.violations == () for trace in before)


def test_a_task_that_is_safe_breaks_nothing_in_any_seed() -> None:
    assert explore(charging(is_safe=True), seeds=range(50)) is None


# What a simulation does.


def plain(task: Callable[[Queue], Any], **options: Any) -> Simulation:
    """A simulation of one task, without faults unless they are given."""
    queue = Queue(clock=ManualClock())
    task(queue)
    return Simulation(queue, **{"seed": 0, "faults": (), **options})


def test_faults_strike_whom_and_when_they_say() -> None:
    faults = (Kill(worker=1, at=3.0), Pause(worker=2, at=5.0, seconds=40), StoreDown(8.0, 2.0), LostReply(11.0))
    trace = Simulation(shop(), seed=1, faults=faults).run()
    lines = [" ".join(line.split()) for line in trace.lines()]
    assert "3.000000 worker 1 crashed" in lines
    assert "5.000000 worker 1 started, incarnation 2" in lines
    assert "45.000000 worker 2 resumed" in lines
    assert [fired.fault for fired in trace.faults if fired.where == "store"] == [
        "Down(at=8.0, seconds=2.0)",
        "LostReply(at=11.0)",
    ]
    refused = [event.at for event in trace.events if event.text.endswith("StoreUnavailable")]
    assert all(8.0 <= at < 10.1 for at in refused[:-1])
    assert refused[-1] > 11.0  # the one whose reply was lost


def test_a_skewed_worker_has_a_wrong_calendar_and_the_store_the_right_one() -> None:
    seen: list[tuple[datetime, datetime]] = []

    def task(queue: Queue) -> None:
        @queue.task()
        async def look() -> None:
            seen.append((queue.clock.now(), current_job().job.enqueued_at))

        look.enqueue()

    trace = plain(task, workers=1, faults=(ClockSkew(worker=1, seconds=7_200),)).run()
    assert trace.violations == ()
    [(believed, enqueued)] = seen
    assert timedelta(hours=2) <= believed - enqueued < timedelta(hours=2, seconds=1)


def test_what_a_task_enqueues_runs_in_the_simulation_and_the_queue_is_given_back_as_it_was() -> None:
    queue = shop()
    before = queue.store, queue.clock, queue.rng, queue.new_id
    jobs = [(job.id, job.state) for job in queue.jobs().items]
    trace = Simulation(queue, seed=0, faults=()).run()
    begun = {event.text.split(",")[0] for event in trace.events if event.text.startswith("begins")}
    assert begun == {f"begins job {number}" for number in range(1, 12)}  # ten, and what the parent has enqueued
    assert (queue.store, queue.clock, queue.rng, queue.new_id) == before
    assert [(job.id, job.state) for job in queue.jobs().items] == jobs
    assert Simulation(queue, seed=0, faults=()).run().digest == trace.digest


def test_schedules_emit_in_the_first_half_of_the_time() -> None:
    began: list[datetime] = []

    def task(queue: Queue) -> None:
        @queue.task()
        async def report() -> None:
            began.append(queue.clock.now())

        queue.schedule(Schedule("minutely", every(60, start=queue.clock.now()), report.call()))

    trace = plain(task, seed=3, faults=(Kill(worker=1, at=90.0),)).run(limit_seconds=620)
    assert trace.violations == ()
    assert [at.minute for at in began] == [1, 2, 3, 4, 5]


def test_a_run_that_takes_too_long_is_ended_and_tried_again() -> None:
    runs: list[str] = []

    def task(queue: Queue) -> None:
        @queue.task(timeout_seconds=2, max_attempts=2, backoff=constant(1))
        async def slow() -> None:
            runs.append("slow")
            await asyncio.sleep(60)

        slow.enqueue()

    assert plain(task).run().violations == ()
    assert runs == ["slow", "slow"]


def test_a_check_that_does_not_hold_in_the_end_is_a_violation() -> None:
    trace = plain(lambda queue: queue.task(name="t")(lambda: None).enqueue(), check=lambda: False).run(limit_seconds=60)
    assert [(violation.name, violation.at) for violation in trace.violations] == [("check", 60.0)]


def test_a_job_that_its_owner_has_put_on_hold_may_wait_for_ever() -> None:
    def task(queue: Queue) -> None:
        @queue.task(max_attempts=1)
        async def fail() -> None:
            raise ValueError("no")

        parent = fail.enqueue()
        fail.options(depends_on=[parent.id], on_parent_failure="hold").enqueue()

    assert plain(task).run().violations == ()


def test_a_store_of_the_users_own_is_simulated_too() -> None:
    made: list[Clock] = []

    def store(clock: Clock) -> MemoryStore:
        made.append(clock)
        return MemoryStore(clock=clock)

    plain(lambda queue: queue.task(name="t")(lambda: None).enqueue(), store=store).run()
    assert len(made) == 1


def test_nonsense_is_refused_when_the_simulation_is_made() -> None:
    with pytest.raises(ValueError, match=r"workers are numbered from 1 to 3, got Kill\(worker=4, at=1\)"):
        Simulation(Queue(), seed=0, faults=(Kill(worker=4, at=1),))
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        Simulation(Queue(), seed=0, workers=0)
    with pytest.raises(ValueError, match="lease_seconds must be a finite number > 0"):
        Simulation(Queue(), seed=0, lease_seconds=0)
