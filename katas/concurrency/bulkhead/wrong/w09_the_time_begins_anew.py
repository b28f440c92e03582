"""Waits for the whole time each time it is woken."""

import threading

from interface import BulkheadFull


class Bulkhead:
    def __init__(self, limit, *, queue=0):
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        if queue < 0:
            raise ValueError(f"queue must be at least 0, got {queue}")
        self._limit, self._queue = limit, queue
        self._active = self._waiting = 0
        self._freed = threading.Condition()

    def run(self, fn, *args, timeout=None):
        with self._freed:
            if self._active == self._limit:
                self._wait(timeout)
            self._active += 1
        try:
            return fn(*args)
        finally:
            with self._freed:
                self._active -= 1
                self._freed.notify_all()

    def _wait(self, timeout):
        if self._waiting == self._queue:
            raise BulkheadFull
        self._waiting += 1
        try:
            while self._active == self._limit:
                if not self._freed.wait(timeout) and self._active == self._limit:
                    raise BulkheadFull
        finally:
            self._waiting -= 1

    def active(self):
        return self._active

    def waiting(self):
        return self._waiting
