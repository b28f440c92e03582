"""Frees the lock, and then wakes the first of the line."""

import threading
from collections import deque


class FairLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._holder = None
        self._line = deque()

    def acquire(self, timeout=None):
        me = threading.get_ident()
        with self._guard:
            free = threading.Condition(self._guard)
            if self._holder is not None:
                self._line.append(free)
                served = free.wait_for(lambda: self._holder is None, timeout)
                if free in self._line:
                    self._line.remove(free)
                if not served:
                    return False
            self._holder = me
            return True

    def release(self):
        with self._guard:
            if self._holder != threading.get_ident():
                raise RuntimeError("released by a thread that does not hold it")
            self._holder = None
            if self._line:
                self._line[0].notify()

    def waiting(self):
        return len(self._line)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exception):
        self.release()
