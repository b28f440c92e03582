"""Two fields, published one after the other."""

import threading
from types import MappingProxyType

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self._turn = threading.Lock()  # of those who write
        self._version, self._values = 1, MappingProxyType(dict(values))

    def current(self):
        return Snapshot(self._version, self._values)

    def update(self, changes):
        with self._turn:
            self._version += 1
            self._values = MappingProxyType({**self._values, **changes})
            return Snapshot(self._version, self._values)
