"""No lock at all."""

import threading


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self._total = 0

    def add(self, n=1):
        total = self._total + n
        self._total = total
        return total

    def value(self):
        return self._total

    def reset(self):
        with self._lock:
            total, self._total = self._total, 0
            return total
