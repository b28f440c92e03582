"""One semaphore for the permits, one for the places: a place is taken without waiting, a permit with."""

import threading

from interface import BulkheadFull


class Bulkhead:
    def __init__(self, limit, *, queue=0):
        if limit < 1 or queue < 0:
            raise ValueError((limit, queue))
        self.limit, self.queue = limit, queue
        self.permits = threading.BoundedSemaphore(limit)
        self.places = threading.BoundedSemaphore(queue) if queue else None
        self.count, self.guard = {"inside": 0, "waiting": 0}, threading.Lock()

    def change(self, what, by):
        with self.guard:
            self.count[what] += by

    def enter(self, timeout):
        if self.permits.acquire(blocking=False):
            return
        if self.places is None or not self.places.acquire(blocking=False):
            raise BulkheadFull
        self.change("waiting", 1)
        try:
            if not self.permits.acquire(timeout=timeout):
                raise BulkheadFull
        finally:
            self.change("waiting", -1)
            self.places.release()

    def run(self, fn, *args, timeout=None):
        self.enter(timeout)
        self.change("inside", 1)
        try:
            return fn(*args)
        finally:
            self.change("inside", -1)
            self.permits.release()

    def active(self):
        return self.count["inside"]

    def waiting(self):
        return self.count["waiting"]
