"""Counts up under the lock, and down as it comes."""

import threading

from interface import BulkheadFull


class Bulkhead:
    def __init__(self, limit):
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self._limit, self._active = limit, 0
        self._lock = threading.Lock()

    def run(self, fn, *args):
        with self._lock:
            if self._active == self._limit:
                raise BulkheadFull
            self._active += 1
        try:
            return fn(*args)
        finally:
            self._active -= 1

    def active(self):
        return self._active
