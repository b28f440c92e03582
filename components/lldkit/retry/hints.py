"""What the server said: a `retry_after` of an exception, or its response's field Retry-After (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

from lldkit.clock import SYSTEM, Clock

__all__ = ["parse_retry_after", "retry_after"]

LONGEST = 1e9  # seconds; what is longer is no longer a matter of digits


def retry_after(exc: BaseException, *, clock: Clock = SYSTEM) -> float | Literal["stop"] | None:
    """What `exc` says: its attribute `retry_after`, else the Retry-After field of its `response`, else None.

    A date in the field is compared with the Date field of the same response, so that the two clocks need not agree, and
    without one with `clock`. An exception that is a response itself (`urllib.error.HTTPError`) is read as one.
    """
    said = getattr(exc, "retry_after", None)
    if said is not None:
        return cast("float", said)
    response = getattr(exc, "response", None)
    headers = getattr(exc if response is None else response, "headers", None)
    field = _field(headers, "retry-after")
    if field is None:
        return None
    now = _date(_field(headers, "date") or "")
    return parse_retry_after(field, now=now or clock.now())


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds from `now` (aware) that a Retry-After field asks for, or None when it is malformed.

    Either digits, or a date in one of RFC 9110's three forms, which is UTC unless it says otherwise; 0 for the past.

    >>> parse_retry_after("120", now=datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> parse_retry_after("Thu, 01 Jan 2026 00:00:30 GMT", now=datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    value = value.strip(" \t")
    if re.fullmatch(r"[0-9]+", value):
        return min(float(value), LONGEST)
    date = _date(value)
    return None if date is None else max(0.0, (date - now).total_seconds())


def _date(value: str) -> datetime | None:
    """The date of an HTTP field, aware; None when it is none."""
    try:
        date = parsedate_to_datetime(value)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _field(headers: Any, name: str) -> str | None:
    """A field of `headers`, whatever mapping that is and in whatever case it keeps its names."""
    if not hasattr(headers, "items"):
        return None
    found = next((value for key, value in headers.items() if str(key).lower() == name), None)
    return found if isinstance(found, str) else None
