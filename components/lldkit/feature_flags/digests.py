"""Buckets of blake2b as the bytes of digests: big-endian, they are in the order of the points that they stand for.

So a digest is compared with the boundaries of ranges, and no number is made of it.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from lldkit.feature_flags.bucketing import prefix
from lldkit.feature_flags.context import Context
from lldkit.feature_flags.model import Bucket, Range, unit_text

__all__ = ["digest_of", "edge_of", "has_digests"]

TOP = b"\xff" * 9  # above all digests, which have 8 bytes
BEYOND = b"\xff" * 10


def has_digests(bucket: Bucket, ranges: Sequence[Range]) -> bool:
    """Whether points can stay bytes: of blake2b, in ranges of which each begins where the one before it ends."""
    starts, ends = [start for start, _ in ranges], [0.0, *(end for _, end in ranges)]
    return bucket.hash == "blake2b/1" and len(bucket.by) == 1 and not bucket.random and starts == ends[:-1]


def digest_of(bucket: Bucket) -> Callable[[Context], bytes]:
    """The hash of the unit of a context; beyond all ranges where it has none."""
    copy, by, name = blake2b(prefix(bucket.seed), digest_size=8).copy, bucket.by[0], bucket.by[0][0]
    is_nested = len(by) > 1

    def digest(context: Context) -> bytes:
        unit: Any = context.find(by) if is_nested else context.fields.get(name)
        if type(unit) is not str or not unit:
            unit = unit_text(unit)
            if unit is None:
                return BEYOND
        state = copy()
        state.update(unit.encode("utf-8", "surrogatepass"))
        return state.digest()

    return digest


def edge_of(end: float) -> bytes:
    """The least digest whose point is not below `end`; above all digests where there is none."""
    if end >= 1:
        return TOP
    low, high = 0, 2**64
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle * 2.0**-64 < end else (low, middle)
    return low.to_bytes(8, "big")
