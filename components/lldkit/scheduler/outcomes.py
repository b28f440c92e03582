"""What a worker tells the store when a run has ended: pure functions from lease and error to `Outcome`."""

import traceback
from random import Random

from lldkit.clock import MICRO, Clock
from lldkit.retry import Backoff, retry_after
from lldkit.scheduler.codec import encode
from lldkit.scheduler.interface import DeadReason, Discard, Snooze
from lldkit.scheduler.machine import JobEvent
from lldkit.scheduler.store import Lease, Outcome

__all__ = ["buried", "failed", "released", "succeeded", "unknown_task"]

MOST_MESSAGE, MOST_TRACEBACK = 1_000, 4_000  # characters
DAY = 86_400 * MICRO
UNKNOWN_AT_FIRST, UNKNOWN_AT_MOST = MICRO, 600 * MICRO


def succeeded(lease: Lease, result: str | None) -> Outcome:
    """The task has returned; `result` is JSON."""
    return Outcome(lease.new.id, lease.fence, JobEvent.SUCCEED, counts=True, result=result)


def released(lease: Lease, delay: int = 0) -> Outcome:
    """It is given back; nothing is counted."""
    return Outcome(lease.new.id, lease.fence, JobEvent.RELEASE, delay)


def buried(lease: Lease, reason: DeadReason, error: BaseException) -> Outcome:
    """It can never succeed."""
    return Outcome(lease.new.id, lease.fence, JobEvent.BURY, 0, True, reason, _text(error))


def failed(
    lease: Lease,
    error: Exception,
    *,
    backoff: Backoff,
    retry_on: tuple[type[Exception], ...],
    rng: Random,
    clock: Clock,
) -> Outcome:
    """The task has raised: again later, or never again. No wait is drawn after the last attempt.

    A refusal that says when to come back (rate limited, circuit open, `RetryLater`) is heeded instead of the backoff.
    """
    if isinstance(error, Snooze):
        return released(lease, round(error.seconds * MICRO))
    hint = retry_after(error, clock=clock)
    if isinstance(error, Discard) or not isinstance(error, retry_on) or hint == "stop":
        return buried(lease, DeadReason.DISCARDED, error)
    attempts = lease.attempts + 1
    if attempts >= lease.new.max_attempts:
        return buried(lease, DeadReason.EXHAUSTED, error)
    seconds = backoff.delay(attempts, lease.backoff / MICRO, rng) if hint is None else max(0.0, hint)
    return Outcome(lease.new.id, lease.fence, JobEvent.RETRY, round(seconds * MICRO), True, None, _text(error))


def unknown_task(lease: Lease, now: int) -> Outcome:
    """This worker does not know the task; one that is deployed soon may. After a day nobody is expected any more."""
    age = now - lease.enqueued
    if age >= DAY:
        return buried(lease, DeadReason.UNKNOWN_TASK, LookupError(f"no worker knows the task {lease.new.task!r}"))
    return released(lease, min(max(age, UNKNOWN_AT_FIRST), UNKNOWN_AT_MOST))


def _text(error: BaseException) -> str:
    """Type, message and traceback as JSON, cut to what one reads."""
    told = traceback.TracebackException.from_exception(error)  # which survives an exception that has no text
    lines = "".join(told.format())
    parts = [type(error).__qualname__, str(told)[:MOST_MESSAGE], lines[-MOST_TRACEBACK:]]
    return encode(parts, what="error", limit=10**9)
