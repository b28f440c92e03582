"""One mapping for ever, of which snapshots are views."""

import threading
from types import MappingProxyType

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self._turn = threading.Lock()  # of those who write
        self._values = dict(values)
        self._snapshot = Snapshot(1, MappingProxyType(self._values))

    def current(self):
        return self._snapshot

    def update(self, changes):
        with self._turn:
            old = self._snapshot
            self._values.update(changes)
            self._snapshot = Snapshot(old.version + 1, MappingProxyType(self._values))
            return self._snapshot
