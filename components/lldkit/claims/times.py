"""Instants as whole microseconds since 1970, which order and add without surprises, and back."""

from datetime import UTC, datetime, timedelta

__all__ = ["to_datetime", "to_micros"]

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Whole microseconds since 1970; a naive datetime is a TypeError."""
    if at.tzinfo is None:
        raise TypeError(f"expected an aware datetime, got {at!r}")
    return (at - _ZERO) // _MICRO


def to_datetime(micros: int) -> datetime:
    """The aware datetime, in UTC."""
    return _ZERO + timedelta(microseconds=micros)
