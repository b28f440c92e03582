"""The reference: one lock around read, addition and write."""

import threading


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self._total = 0

    def add(self, n=1):
        with self._lock:
            self._total += n
            return self._total

    def value(self):
        return self._total

    def reset(self):
        with self._lock:
            total, self._total = self._total, 0
            return total
