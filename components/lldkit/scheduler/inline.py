"""A worker without threads, for tests and scripts: run what is ready, here and now."""

import secrets
from typing import TYPE_CHECKING

from lldkit.clock import MICRO
from lldkit.scheduler.running import Running, run_job
from lldkit.scheduler.store import ClaimRequest

if TYPE_CHECKING:
    from lldkit.scheduler.queue import Queue

__all__ = ["run_inline"]

LEASE = 3_600 * MICRO


def run_inline(queue: "Queue") -> int:
    """Run READY jobs one by one until none is left; the number of runs. What a task raises is an outcome, not an error.

    `KeyboardInterrupt` and its kind release the job and go on.
    """
    want = ClaimRequest(queue.name, 1, LEASE, secrets.token_hex(8), True, queue.limits, queue.group_limit)
    runs = 0
    while leases := queue.store.claim(want):
        end = run_job(Running(queue, leases[0]))
        queue.store.settle([end.outcome])
        if end.interrupt is not None:
            raise end.interrupt
        runs += 1
    return runs
