"""Chooses the lock by the identity of the key."""

import threading
from contextlib import contextmanager


class KeyedLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._locks = {}

    @contextmanager
    def hold(self, key):
        with self._guard:
            lock = self._locks.setdefault(id(key), threading.Lock())
        with lock:
            yield
