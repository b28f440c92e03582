"""Sets the flag, and wakes nobody."""

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
            if not self._changed.wait_for(lambda: self._closed or self._snapshot.version > after, timeout):
                raise TimeoutError(f"no version above {after} for {timeout} s")
            return self._snapshot if self._snapshot.version > after else None

    def close(self):
        with self._changed:
            self._closed = True
