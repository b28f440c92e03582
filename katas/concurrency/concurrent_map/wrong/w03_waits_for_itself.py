"""Reads under the lock that the update holds."""

import threading
from contextlib import ExitStack


class StripedMap:
    def __init__(self, stripes=16):
        if stripes < 1:
            raise ValueError(f"stripes must be at least 1, got {stripes}")
        self._stripes = [(threading.Lock(), {}) for _ in range(stripes)]

    def _stripe(self, key):
        return self._stripes[hash(key) % len(self._stripes)]

    def get(self, key):
        lock, values = self._stripe(key)
        with lock:
            return values.get(key)

    def put(self, key, value):
        self.update(key, lambda _: value)

    def remove(self, key):
        lock, values = self._stripe(key)
        with lock:
            return values.pop(key, None)

    def update(self, key, fn):
        lock, values = self._stripe(key)
        with lock:
            value = values[key] = fn(values.get(key))
            return value

    def items(self):
        with ExitStack() as held:
            for lock, _ in self._stripes:
                held.enter_context(lock)
            return [pair for _, values in self._stripes for pair in values.items()]

    def __len__(self):
        return len(self.items())
