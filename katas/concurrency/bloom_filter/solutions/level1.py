"""The reference: one big number of bits under a lock; a salted hash for each place."""

import hashlib
import math
import threading


class BloomFilter:
    def __init__(self, capacity, false_positive_rate):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        if not 0 < false_positive_rate < 1:
            raise ValueError(f"a rate is between 0 and 1, got {false_positive_rate}")
        self._size = math.ceil(-capacity * math.log(false_positive_rate) / math.log(2) ** 2)
        self._hashes = math.ceil(self._size / capacity * math.log(2))
        self._lock = threading.Lock()
        self._bits = 0

    def _mask(self, item):
        mask = 0
        for salt in range(self._hashes):
            digest = hashlib.blake2b(f"{salt}:{item}".encode()).digest()
            mask |= 1 << int.from_bytes(digest, "big") % self._size
        return mask

    def add(self, item):
        mask = self._mask(item)
        with self._lock:
            self._bits |= mask

    def __contains__(self, item):
        mask = self._mask(item)
        return self._bits & mask == mask

    def size(self):
        return self._size
