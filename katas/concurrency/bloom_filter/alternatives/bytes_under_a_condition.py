"""A byte for eight bits, and a hash for each place."""

import hashlib
import math
from threading import Condition


class BloomFilter:
    def __init__(self, capacity, false_positive_rate):
        if capacity < 1 or false_positive_rate <= 0 or false_positive_rate >= 1:
            raise ValueError((capacity, false_positive_rate))
        self.count = math.ceil(capacity * -math.log(false_positive_rate) / math.log(2) ** 2)
        self.rounds = max(1, round(-math.log2(false_positive_rate)))
        self.table, self.guard = bytearray(self.count // 8 + 1), Condition()

    def places(self, item):
        for salt in range(self.rounds):
            digest = hashlib.sha256(f"{salt}:{item}".encode()).digest()
            yield divmod(int.from_bytes(digest[:8], "big") % self.count, 8)

    def add(self, item):
        with self.guard:
            for byte, bit in self.places(item):
                self.table[byte] |= 1 << bit

    def __contains__(self, item):
        with self.guard:
            return all(self.table[byte] & 1 << bit for byte, bit in self.places(item))

    def size(self):
        return self.count
