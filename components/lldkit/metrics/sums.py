"""Sums that do not lose small addends: a float and what was rounded off it."""

from collections.abc import Sequence
from math import fsum, isfinite

__all__ = ["add_exactly"]


def add_exactly(total: float, lost: float, values: Sequence[float]) -> tuple[float, float]:
    """`total + lost + sum(values)` as a rounded float and the rest that the rounding took (Shewchuk's exact sums).

    >>> total, lost = 1e16, 0.0
    >>> for _ in range(10):
    ...     total, lost = add_exactly(total, lost, [1.0])
    >>> total
    1.000000000000001e+16

    Beyond the largest float the sum is infinite, and stays so.
    """
    try:
        rounded = fsum((total, lost, *values))
    except OverflowError:  # the exact sum, or a step on the way to it, is beyond the floats
        rounded = sum((total, lost, *values))
    if not isfinite(rounded):
        return rounded, 0.0
    try:
        return rounded, fsum((total, lost, *values, -rounded))
    except OverflowError:
        return rounded, 0.0
