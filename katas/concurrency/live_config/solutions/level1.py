"""The reference: one reference to one immutable snapshot; writers take turns, readers need nothing."""

import threading
from types import MappingProxyType

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self._turn = threading.Lock()  # of those who write
        self._snapshot = Snapshot(1, MappingProxyType(dict(values)))

    def current(self):
        return self._snapshot

    def update(self, changes):
        with self._turn:
            old = self._snapshot
            self._snapshot = Snapshot(old.version + 1, MappingProxyType({**old.values, **changes}))
            return self._snapshot
