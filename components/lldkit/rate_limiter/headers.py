"""What a decision says over HTTP: the IETF draft's fields, and the body of a 429.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11, structured fields of RFC 9651; the body is a problem of
RFC 9457.
"""

import json

from lldkit.clock import MICRO
from lldkit.rate_limiter.decision import Decision, ceil_div
from lldkit.rate_limiter.interface import Quota

__all__ = ["QUOTA_EXCEEDED", "ratelimit_fields", "refusal"]

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
"""The problem type of a refused request."""

LARGEST = 999_999_999_999_999  # a structured field's integer has at most 15 digits


def ratelimit_fields(decision: Decision) -> dict[str, str]:
    r"""The HTTP fields of a decision: `RateLimit-Policy` and `RateLimit`, and `Retry-After` when it was refused.

    Both lists have one item per quota. `q` units pass in `w` seconds; a period that is no whole number of seconds is
    told for the next whole one. `r` units remain, and no more can be had within `t` seconds. All are whole numbers;
    seconds are rounded up. A refused call has `Retry-After` >= `t` >= 1, but no `Retry-After` when no wait would help.

    >>> from lldkit.rate_limiter import RateLimiter, per_minute
    >>> fields = ratelimit_fields(RateLimiter(per_minute(60, burst=2, name="user")).acquire("ada"))
    >>> fields["RateLimit-Policy"], fields["RateLimit"]
    ('"user";q=60;w=60', '"user";r=1;t=1')
    """
    told = decision.by_quota
    fields = {"RateLimit-Policy": ", ".join(_policy(each.quota) for each in told)}
    if decision.allowed:
        fields["RateLimit"] = ", ".join(_service_limit(each, _seconds(each.refill_after_us)) for each in told)
        return fields
    wait = decision.retry_after_us
    retry_after = LARGEST if wait is None else max(1, _seconds(wait))
    # A window that was cut short is as true as before, and Retry-After must not point into it.
    windows = [min(retry_after, max(1, _seconds(each.refill_after_us))) for each in told]
    fields["RateLimit"] = ", ".join(map(_service_limit, told, windows))
    if wait is not None:
        fields["Retry-After"] = str(retry_after)
    return fields


def refusal(decision: Decision) -> tuple[dict[str, str], bytes]:
    """The fields and the body of the 429 that answers a refused request: a problem of type quota-exceeded."""
    problem = {
        "type": QUOTA_EXCEEDED,
        "title": "The quota for these requests is used up",
        "status": 429,
        "violated-policies": [each.quota.name for each in decision.by_quota if not each.allowed],
    }
    body = json.dumps(problem).encode()
    content = {"Content-Type": "application/problem+json", "Content-Length": str(len(body))}
    return {**ratelimit_fields(decision), **content}, body


def _policy(quota: Quota) -> str:
    window = ceil_div(quota.period_us, MICRO)
    units = quota.limit * window * MICRO // quota.period_us
    return f"{_string(quota.name)};q={min(units, LARGEST)};w={min(window, LARGEST)}"


def _service_limit(decision: Decision, window: int) -> str:
    return f"{_string(decision.quota.name)};r={min(decision.remaining, LARGEST)};t={window}"


def _seconds(microseconds: int) -> int:
    return min(ceil_div(microseconds, MICRO), LARGEST)


def _string(text: str) -> str:
    """`text`, which is printable ASCII, as a structured field's string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
