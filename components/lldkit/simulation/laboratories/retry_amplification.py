"""Retries at several tiers multiply: what one request becomes at the bottom of a stack of services."""

from dataclasses import dataclass
from random import Random

from lldkit.simulation.laboratories.report import Report

__all__ = ["Amplification", "retry_amplification"]


@dataclass(frozen=True, slots=True)
class Amplification(Report):
    """`calls_per_request`: calls that reached the backend per request; `success`: share of requests answered."""

    calls_per_request: float
    success: float


def retry_amplification(*, tiers: int, tries: int, failing: float, requests: int = 1, seed: int = 0) -> Amplification:
    """Send `requests` through `tiers` services, each of which tries the next one up to `tries` times in all.

    The backend below the last tier fails with probability `failing`. When it is down a request becomes tries ** tiers
    calls: 243 for five tiers of three (AWS Builders' Library, Timeouts, Retries and Backoff with Jitter).

    >>> retry_amplification(tiers=5, tries=3, failing=1.0).calls_per_request
    243.0
    """
    if tiers < 1 or tries < 1 or requests < 1 or not 0 <= failing <= 1:
        raise ValueError(
            "tiers, tries and requests are at least 1 and failing is a probability, got "
            f"{tiers!r}, {tries!r}, {requests!r}, {failing!r}"
        )
    rng, calls = Random(seed), 0

    def call(tier: int) -> bool:
        nonlocal calls
        if tier == tiers:
            calls += 1
            return rng.random() >= failing
        return any(call(tier + 1) for _ in range(tries))

    answered = sum(call(0) for _ in range(requests))
    return Amplification(calls / requests, answered / requests)
