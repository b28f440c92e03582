"""What the tests of the scheduler share: small builders of jobs, claims and outcomes."""

import itertools
import time
from collections.abc import Callable
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from lldkit.clock import MICRO, ManualClock
from lldkit.scheduler import ClaimRequest, JobEvent, Lease, NewJob, Outcome, Store

PATIENCE = 30.0  # real seconds after which a test gives up; nothing waits for it
numbers = itertools.count(1)


def a_job(job_id: str | None = None, *, queue: str = "q", parents: tuple[str, ...] = (), **fields: Any) -> NewJob:
    """A job of task `t` without arguments."""
    return NewJob(
        job_id or f"job-{next(numbers)}",
        fields.pop("payload", "[[],{}]"),
        fields.pop("unique_key", None),
        parents,
        queue,
        "t",
        **fields,
    )


def wish(limit: int = 50, *, queue: str = "q", worker: str = "w", seconds: float = 30.0, **fields: Any) -> ClaimRequest:
    """A claim by an idle worker."""
    return ClaimRequest(queue, limit, round(seconds * MICRO), worker, fields.pop("idle", True), **fields)


def schema_of(dsn: str) -> str:
    """The schema that the fixture `postgres_dsn` has made for this test."""
    return str(conninfo_to_dict(dsn)["options"]).partition("=")[2]


def ids(leases: list[Lease]) -> list[str]:
    return [lease.new.id for lease in leases]


def end(lease: Lease, event: JobEvent = JobEvent.SUCCEED, **fields: Any) -> Outcome:
    counts = event is not JobEvent.RELEASE
    return Outcome(lease.new.id, lease.fence, event, counts=counts, **fields)


def put(store: Store, *jobs: NewJob, capacity: int | None = None) -> list[str]:
    return [put.record.new.id for put in store.put(jobs, capacity=capacity)]


def micros(clock: ManualClock) -> int:
    return round(clock.now().timestamp() * MICRO)


def eventually(condition: Callable[[], object]) -> None:
    """Wait, in real time, for what other threads do without being asked."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)


def until(clock: ManualClock, condition: Callable[[], object]) -> None:
    """Let virtual time pass, a little at once, until something is so."""

    def a_little_later() -> object:
        clock.advance(0.05)
        return condition()

    eventually(a_little_later)


def let_pass_beating(clock: ManualClock, store: Store, job_id: str, seconds: int, lease: float) -> None:
    """Let time pass, never more than the heartbeat can follow."""
    for _ in range(seconds):
        clock.advance(1.0)
        eventually(lambda: store.get(job_id).lease >= store.now() + (lease - lease / 3 - 2) * MICRO)
