"""Looks for the lock, and makes it, in two steps."""

import threading
from contextlib import contextmanager


class KeyedLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._locks = {}

    @contextmanager
    def hold(self, key):
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = threading.Lock()
        with lock:
            yield
