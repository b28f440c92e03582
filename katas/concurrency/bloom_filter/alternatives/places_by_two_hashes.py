"""The set of the bits that are 1; all places of an item come from two halves of one hash."""

import hashlib
import math
from threading import RLock


class BloomFilter:
    def __init__(self, capacity, false_positive_rate):
        if capacity < 1 or not 0 < false_positive_rate < 1:
            raise ValueError(f"a capacity from 1 on and a rate between 0 and 1, got {capacity}, {false_positive_rate}")
        self.length = round(-capacity * math.log(false_positive_rate) / math.log(2) ** 2) or 1
        self.hashes = max(1, round(self.length / capacity * math.log(2)))
        self.ones, self.lock = set(), RLock()

    def places(self, item):
        digest = hashlib.sha256(item.encode()).digest()
        start, step = int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big") | 1
        return {(start + number * step) % self.length for number in range(self.hashes)}

    def add(self, item):
        with self.lock:
            self.ones |= self.places(item)

    def __contains__(self, item):
        with self.lock:
            return self.places(item) <= self.ones

    def size(self):
        return self.length
