"""Tells somebody only when the bulkhead was full."""

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
                if self._active == self._limit:
                    self._freed.notify()
                self._active -= 1

    def _wait(self, timeout):
        if self._waiting == self._queue:
            raise BulkheadFull
        self._waiting += 1
        try:
            if not self._freed.wait_for(lambda: self._active < self._limit, timeout):
                raise BulkheadFull
        finally:
            self._waiting -= 1

    def active(self):
        return self._active

    def waiting(self):
        return self._waiting
