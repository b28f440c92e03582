"""What a breaker is given, checked before anything else happens."""

import math

from lldkit.arguments import check_count, check_number
from lldkit.circuit_breaker.core import Policy
from lldkit.circuit_breaker.interface import OpenFor
from lldkit.clock import MICRO

__all__ = ["check_policy"]


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
    return Policy(
        opening,
        check_number("jitter", jitter, most=1),
        check_count("probes", probes, least=1),
        check_count("probe_failures", probe_failures),
        round(check_number("probe_timeout", probe_timeout, above=0) * MICRO),
        round(check_number("ramp_up", ramp_up) * MICRO),
    )
