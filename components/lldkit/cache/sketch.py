"""How often was a key asked for lately: a count-min sketch with small counters that are halved from time to time.

Cormode, Muthukrishnan, "An improved data stream summary: the count-min sketch", 2005; with the aging of Einziger,
Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13(4), 2017.
"""

from collections.abc import Hashable

__all__ = ["FrequencySketch"]

MOST = 15  # what four bits can count; more would say nothing for admission
HALVED = bytes(count // 2 for count in range(256))
GOLDEN = 0x9E3779B97F4A7C15  # odd and without pattern: the golden ratio
PRIME = 0xC2B2AE3D27D4EB4F  # the same; from xxHash
WORD = (1 << 64) - 1


class FrequencySketch:
    """Estimates of 0 to 15 in four counters per key, which others may share, so that an estimate is never too low.

    All counters are halved after every `maxsize` x 10 additions. Takes 8 to 16 bytes per entry of `maxsize`. Not safe
    for threads by itself; every call is O(1) amortised.
    """

    def __init__(self, maxsize: int) -> None:
        width = 1 << max(6, (8 * maxsize - 1).bit_length())
        self._mask = width - 1
        self._counters = bytearray(width)
        self._additions = 0
        self._period = 10 * max(1, maxsize)

    def add(self, key: Hashable) -> None:
        """Count one use of `key`: only the lowest of its counters grow."""
        counters, mask = self._counters, self._mask
        word = hash(key) * GOLDEN & WORD
        other = word * PRIME
        a, b, c, d = word >> 40 & mask, word >> 16 & mask, other >> 40 & mask, other >> 16 & mask
        least = min(counters[a], counters[b], counters[c], counters[d])
        if least < MOST:
            for place in (a, b, c, d):
                if counters[place] == least:
                    counters[place] = least + 1
        self._additions += 1
        if self._additions >= self._period:
            self._counters = counters.translate(HALVED)
            self._additions //= 2

    def estimate(self, key: Hashable) -> int:
        """How often `key` was used lately, 0 to 15."""
        counters, mask = self._counters, self._mask
        word = hash(key) * GOLDEN & WORD
        other = word * PRIME
        return min(
            counters[word >> 40 & mask],
            counters[word >> 16 & mask],
            counters[other >> 40 & mask],
            counters[other >> 16 & mask],
        )
