"""The reference: a dict of locks, looked up and filled under a lock of its own."""

import threading
from contextlib import contextmanager


class KeyedLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._locks = {}

    @contextmanager
    def hold(self, key):
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield
