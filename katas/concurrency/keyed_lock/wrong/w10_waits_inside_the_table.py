"""The key's lock is found and taken in one step."""

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
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
