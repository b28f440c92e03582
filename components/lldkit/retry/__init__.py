"""Retry: try again, but not for ever and not together.

    policy = Retry(on=(ConnectionError, TimeoutError), attempts=4, timeout=10, budget=TokenBudget())

    @policy                                                    # def and async def alike
    async def fetch(url): ...

    order = policy.call(submit, cart)                          # acall for tasks
    for attempt in policy:                                     # a block; `async for` sleeps without blocking the loop
        with attempt:
            order = submit(cart, timeout=attempt.timeout)

    list(policy.schedule(rng=Random(1)))                       # the sleeps it would make

The last error is raised as itself; `gave_up(error)` says why there was no other attempt. `plan` decides, the rest acts.
"""

from lldkit.retry.attempts import Attempt
from lldkit.retry.backoff import Jitter, Proportional, constant, exponential, fibonacci, linear
from lldkit.retry.budget import RatioBudget, TokenBudget
from lldkit.retry.classify import THROTTLED, TRANSIENT
from lldkit.retry.giving_up import gave_up
from lldkit.retry.hedging import Hedge
from lldkit.retry.hints import parse_retry_after, retry_after
from lldkit.retry.interface import (
    AttemptFailed,
    AttemptTimeout,
    Backoff,
    Budget,
    ErrorClass,
    GaveUp,
    GiveUp,
    Hint,
    On,
    Permit,
    Reason,
    Recovered,
    ResultRejected,
    RetryError,
    RetryEvent,
    Sleeping,
    TryAgain,
)
from lldkit.retry.plan import Mode, Rules, State, heeded, planned, refused
from lldkit.retry.policy import Retry
from lldkit.retry.scope import retrying

__all__ = [
    "THROTTLED",
    "TRANSIENT",
    "Attempt",
    "AttemptFailed",
    "AttemptTimeout",
    "Backoff",
    "Budget",
    "ErrorClass",
    "GaveUp",
    "GiveUp",
    "Hedge",
    "Hint",
    "Jitter",
    "Mode",
    "On",
    "Permit",
    "Proportional",
    "RatioBudget",
    "Reason",
    "Recovered",
    "ResultRejected",
    "Retry",
    "RetryError",
    "RetryEvent",
    "Rules",
    "Sleeping",
    "State",
    "TokenBudget",
    "TryAgain",
    "constant",
    "exponential",
    "fibonacci",
    "gave_up",
    "heeded",
    "linear",
    "parse_retry_after",
    "planned",
    "refused",
    "retry_after",
    "retrying",
]
