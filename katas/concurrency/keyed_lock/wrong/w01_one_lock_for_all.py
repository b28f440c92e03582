"""One lock for all keys."""

import threading
from contextlib import contextmanager


class KeyedLock:
    def __init__(self):
        self._lock = threading.RLock()

    @contextmanager
    def hold(self, key):
        with self._lock:
            yield
