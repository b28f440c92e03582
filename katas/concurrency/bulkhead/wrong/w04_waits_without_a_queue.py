"""Waits for a permit."""

import threading


class Bulkhead:
    def __init__(self, limit):
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self._permits, self._active = threading.Semaphore(limit), 0
        self._lock = threading.Lock()

    def run(self, fn, *args):
        with self._permits:
            self._count(1)
            try:
                return fn(*args)
            finally:
                self._count(-1)

    def _count(self, change):
        with self._lock:
            self._active += change

    def active(self):
        return self._active
