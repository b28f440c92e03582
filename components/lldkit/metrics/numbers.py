"""What counts as a number here: finite ones, of any numeric type but bool."""

from math import isfinite
from numbers import Integral, Real

__all__ = ["plain_number"]


def plain_number(value: object) -> float | None:
    """`value` as a plain int or float; None if it is no finite number.

    >>> plain_number(3), plain_number(float("nan")), plain_number(True), plain_number("3")
    (3, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    plain = int(value) if isinstance(value, Integral) else float(value)
    return plain if isinstance(plain, int) or isfinite(plain) else None
