"""Which bucket a value falls into when bucket bounds are powers of a root of two, and where those bounds are."""

from functools import lru_cache
from math import frexp, inf, ldexp, log2, nextafter

__all__ = ["MAX_SCALE", "MIN_SCALE", "SMALLEST_NORMAL", "bucket_index", "middle", "upper_bound"]

MIN_SCALE, MAX_SCALE = -10, 20
SMALLEST_NORMAL = 2.0**-1022
FRACTION_BITS = 160  # of the fixed-point numbers that decide close calls


def bucket_index(value: float, scale: int) -> int:
    """The bucket of `value` (> 0, finite): the i with base**i < value <= base**(i + 1), base = 2**(2**-scale).

    Right for every float: where the logarithm is too close to a bound to tell, exact arithmetic decides.

    >>> bucket_index(4.0, 0), bucket_index(4.000000000000001, 0), bucket_index(1.0, 20)
    (1, 2, -1)
    """
    mantissa, exponent = frexp(max(SMALLEST_NORMAL, value))
    if mantissa == 0.5:
        return ((exponent - 1) << scale) - 1 if scale >= 0 else (exponent - 2) >> -scale
    if scale <= 0:
        return (exponent - 1) >> -scale
    position = log2(2 * mantissa) * (1 << scale)
    part = int(position)
    if not 1e-6 < position - part < 1 - 1e-6:
        part = _floor_of_log2(2 * mantissa, scale)
    return ((exponent - 1) << scale) + part


def _floor_of_log2(value: float, bits: int) -> int:
    """The floor of log2(value) * 2**bits for 1 < value < 2, bit by bit: squaring doubles the logarithm."""
    fixed = int(value * 2.0**52) << (FRACTION_BITS - 52)
    result = 0
    for _ in range(bits):
        fixed = fixed * fixed >> FRACTION_BITS
        bit = fixed >> (FRACTION_BITS + 1)
        fixed >>= bit
        result = result << 1 | bit
    return result


def upper_bound(index: int, scale: int) -> float:
    """The greatest float in bucket `index` or below: base**(index + 1), rounded down; inf beyond the floats."""
    if scale <= 0:
        whole, mantissa = (index + 1) << -scale, 1.0
    else:
        whole = (index + 1) >> scale
        mantissa = _mantissa_bound((index + 1) & ((1 << scale) - 1), scale)
    return inf if whole > 1023 else ldexp(mantissa, whole)


@lru_cache(maxsize=8192)
def _mantissa_bound(part: int, scale: int) -> float:
    """2**(part / 2**scale), rounded down."""
    if part & 1 == 0 and scale > 0:
        return _mantissa_bound(part >> 1, scale - 1)
    if scale == 0:
        return 1.0
    bound = nextafter(2.0 ** (part / (1 << scale)), inf)
    while bucket_index(bound, scale) >= part:
        bound = nextafter(bound, 0.0)
    return bound


def middle(index: int, scale: int) -> float:
    """The value whose relative distance to both ends of the bucket is the same."""
    if scale <= 0:
        whole, part = index << -scale, 0.0
    else:
        whole, part = index >> scale, (index & ((1 << scale) - 1)) / (1 << scale)
    try:
        return ldexp(2.0**part * 2.0 / (1.0 + 2.0 ** -(2.0**-scale)), whole)
    except OverflowError:  # the last bucket ends beyond the floats
        return ldexp(1.0, 1023) * (2.0 - 2.0**-52)
