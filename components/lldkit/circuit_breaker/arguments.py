"""What a breaker is given, checked before anything else happens."""

import math

from lldkit.circuit_breaker.core import MICRO, Policy
from lldkit.circuit_breaker.interface import OpenFor
from lldkit.circuit_breaker.windows import check_count

__all__ = ["check_policy", "check_seconds"]


def check_policy(
    *,
    open_for: float | OpenFor,
    jitter: float,
    probes: int,
    probe_failures: int,
    probe_timeout: float,
    ramp_up: float,
) -> Policy:
    """The numbers of a core; a plain `open_for` neither grows nor is capped."""
    opening = open_for if isinstance(open_for, OpenFor) else OpenFor(open_for, factor=1.0, cap=math.inf)
    if not 0 <= jitter <= 1:
        raise ValueError(f"jitter must be a share from 0 to 1, got {jitter!r}")
    if not (math.isfinite(ramp_up) and ramp_up >= 0):
        raise ValueError(f"ramp_up must be a finite number of seconds, or 0 for none, got {ramp_up!r}")
    return Policy(
        opening,
        jitter,
        check_count("probes", probes),
        check_count("probe_failures", probe_failures, least=0),
        round(check_seconds("probe_timeout", probe_timeout) * MICRO),
        round(ramp_up * MICRO),
    )


def check_seconds(what: str, value: float) -> float:
    """A duration above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{what} must be a finite number of seconds above 0, got {value!r}")
    return value
