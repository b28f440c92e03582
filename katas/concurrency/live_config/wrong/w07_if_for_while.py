"""Waits once, and returns what there is."""

import threading
from types import MappingProxyType

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self._changed = threading.Condition()
        self._closed = False
        self._snapshot = Snapshot(1, MappingProxyType(dict(values)))

    def current(self):
        return self._snapshot

    def update(self, changes):
        with self._changed:
            old = self._snapshot
            self._snapshot = Snapshot(old.version + 1, MappingProxyType({**old.values, **changes}))
            self._changed.notify_all()
            return self._snapshot

    def watch(self, after, timeout=None):
        with self._changed:
            if self._snapshot.version > after:
                return self._snapshot
            if not self._closed and not self._changed.wait(timeout):
                raise TimeoutError(f"no version above {after} for {timeout} s")
            return None if self._closed else self._snapshot

    def close(self):
        with self._changed:
            self._closed = True
            self._changed.notify_all()
