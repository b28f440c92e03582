"""Keeps every lock that it has ever made."""

import threading
from contextlib import contextmanager


class Entry:
    def __init__(self):
        self.lock = threading.Lock()
        self.users = 0


class KeyedLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._entries = {}

    @contextmanager
    def hold(self, key):
        with self._guard:
            entry = self._entries.setdefault(key, Entry())
            entry.users += 1
        try:
            with entry.lock:
                yield
        finally:
            with self._guard:
                entry.users -= 1

    def __len__(self):
        return len(self._entries)
