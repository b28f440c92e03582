"""The last to leave counts down, and then takes the entry away."""

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
                is_last = not entry.users
            if is_last:
                with self._guard:
                    self._entries.pop(key, None)

    def __len__(self):
        return len(self._entries)
