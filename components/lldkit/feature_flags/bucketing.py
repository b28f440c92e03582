"""Where a unit falls: hashes from a seed and a unit to [0, 1), ranges of that interval, and the choice between them.

Everything here is a pure function of its arguments, the same in every process, platform and version. The algorithm's
name and the seed belong to the document, so nothing but an edit of the document moves a unit.
"""

import functools
import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import pairwise

__all__ = [
    "HASHERS",
    "Hasher",
    "choose",
    "equal_weights",
    "fnv1a_32",
    "murmur3_32",
    "prefix",
    "ranges",
    "seeded",
    "shares",
]

Hasher = Callable[[str, str], float]
"""A function of a seed and a unit, to [0, 1)."""

_MASK = 0xFFFFFFFF
_BELOW_ONE = math.nextafter(1.0, 0.0)


def _murmur3_32(data: bytes, seed: int) -> int:
    """The algorithm of Austin Appleby, in Python."""
    state = seed
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        state ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotate(state, 13) * 5 + 0xE6546B64) & _MASK
    state ^= _scramble(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = ((state ^ state >> 16) * 0x85EBCA6B) & _MASK
    state = ((state ^ state >> 13) * 0xC2B2AE35) & _MASK
    return state ^ state >> 16


def _scramble(word: int) -> int:
    return _rotate(word * 0xCC9E2D51 & _MASK, 15) * 0x1B873593 & _MASK


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


_native_murmur3: Callable[[bytes, int], int]
try:
    from mmh3 import mmh3_32_uintdigest
except ImportError:  # not installed, or older than 5
    _native_murmur3 = _murmur3_32
else:
    _native_murmur3 = mmh3_32_uintdigest


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3 x86 32-bit of `data`, unsigned; by the package mmh3 where it is installed, which is faster.

    >>> murmur3_32(b"hello")
    613153351
    """
    return _native_murmur3(data, seed)


def fnv1a_32(data: bytes) -> int:
    """FNV-1a 32-bit of `data`.

    >>> hex(fnv1a_32(b"foobar"))
    '0xbf9cf968'
    """
    state = 0x811C9DC5
    for byte in data:
        state = (state ^ byte) * 0x01000193 & _MASK
    return state


def prefix(seed: str) -> bytes:
    """What `blake2b/1` hashes before the unit: the seed after its length, so that ("ab", "c") is not ("a", "bc")."""
    encoded = seed.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(4, "big") + encoded


def _fraction(digest: bytes) -> float:
    point = int.from_bytes(digest, "big") * 2.0**-64
    return point if point < 1.0 else _BELOW_ONE  # the last few digests would round up to 1


def _blake2b_1(seed: str, unit: str) -> float:
    return _fraction(blake2b(prefix(seed) + unit.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _growthbook_1(seed: str, unit: str) -> float:
    return fnv1a_32((unit + seed).encode("utf-8", "surrogatepass")) % 1000 / 1000


def _growthbook_2(seed: str, unit: str) -> float:
    inner = fnv1a_32((seed + unit).encode("utf-8", "surrogatepass"))
    return fnv1a_32(str(inner).encode()) % 10_000 / 10_000


def _flagd_2(seed: str, unit: str) -> float:
    return murmur3_32((seed + unit).encode("utf-8", "surrogatepass")) / 2**32


def _murmur3_modulo(modulus: int, start: int, seed: str, unit: str) -> float:
    return murmur3_32(f"{seed}:{unit}".encode("utf-8", "surrogatepass"), start) % modulus / modulus


class _Hashers(dict[str, Hasher]):
    """Hashes by name; `murmur3/M/S` is made when it is asked for, because M may be any positive number."""

    def __missing__(self, name: str) -> Hasher:
        match name.split("/"):
            case ["murmur3", modulus, start] if _is_count(modulus) and _is_count(start) and int(modulus):
                return functools.partial(_murmur3_modulo, int(modulus), int(start))
            case _:
                raise KeyError(f"no hash is called {name!r}; there are {', '.join(self)} and murmur3/MODULUS/START")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _MASK


HASHERS = _Hashers(
    {
        "blake2b/1": _blake2b_1,
        "growthbook/1": _growthbook_1,
        "growthbook/2": _growthbook_2,
        "flagd/2": _flagd_2,
    }
)
"""The hashes that a document may name, each from (seed, unit) to [0, 1).

- `blake2b/1`: the 64-bit BLAKE2b (RFC 7693) of the seed's length (4 bytes, big-endian), the seed and the unit, over
  2^64.
- `growthbook/1`: FNV-1a of unit + seed, modulo 1000, over 1000. `growthbook/2`: FNV-1a of the decimal text of the
  FNV-1a of seed + unit, modulo 10,000, over 10,000. Texts are UTF-8; beyond ASCII GrowthBook's own SDKs disagree.
- `flagd/2`: MurmurHash3 of seed + unit, over 2^32.
- `murmur3/M/S`, for any M and S: MurmurHash3, started at S, of seed + ":" + unit, modulo M, over M. Unleash has
  `murmur3/100/0` for a rollout, and for variants their total weight and 86028157.

Raises KeyError for any other name.
"""


def seeded(name: str, seed: str) -> Callable[[str], float]:
    """`HASHERS[name]` with its seed already in place, for a caller that hashes many units. Raises KeyError."""
    if name != "blake2b/1":
        return functools.partial(HASHERS[name], seed)
    prepared = blake2b(prefix(seed), digest_size=8)

    def point(unit: str) -> float:
        state = prepared.copy()
        state.update(unit.encode("utf-8", "surrogatepass"))
        return _fraction(state.digest())

    return point


def equal_weights(n: int) -> list[float]:
    """`n` equal shares of 1; none for a count below 1."""
    return [1 / n] * n if n > 0 else []


def shares(weights: Sequence[float]) -> list[tuple[float, float]]:
    """The neighbouring ranges that divide [0, 1) as `weights` say; only their proportions matter.

    Each boundary is one correctly rounded division, so [1, 1] and [50, 50] agree, moving one boundary moves no other,
    and the last one is exactly 1. Raises ValueError unless all weights are finite and not negative, one being positive.

    >>> shares([1, 2, 1])
    [(0.0, 0.25), (0.25, 0.75), (0.75, 1.0)]
    """
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
        raise ValueError(f"weights are finite, not negative and not all 0, not {list(weights)!r}")
    total = math.fsum(weights)
    ends = [math.fsum(weights[:count]) / total for count in range(len(weights) + 1)]
    return list(pairwise(ends))


def ranges(n: int, coverage: float = 1.0, weights: Sequence[float] | None = None) -> list[tuple[float, float]]:
    """GrowthBook's ranges of `n` variations: each begins where its weight does, and `coverage` of it is in.

    A `coverage` outside [0, 1] is the nearest bound. Weights that are not `n`, or whose sum is not 1 within 0.01, are
    replaced by equal ones.

    >>> ranges(2, 0.5)
    [(0.0, 0.25), (0.5, 0.75)]
    """
    covered = min(max(coverage, 0.0), 1.0)
    if weights is None or len(weights) != n or not 0.99 <= sum(weights) <= 1.01:
        weights = equal_weights(n)
    starts = [math.fsum(weights[:index]) for index in range(n)]
    return [(start, start + covered * weight) for start, weight in zip(starts, weights, strict=True)]


def choose(point: float, ranges: Sequence[tuple[float, float]]) -> int:
    """The index of the first range [start, end) that holds `point`, or -1.

    >>> choose(0.5, [(0.0, 0.5), (0.5, 0.5), (0.5, 1.0)])
    2
    """
    for index, (start, end) in enumerate(ranges):
        if start <= point < end:
            return index
    return -1
