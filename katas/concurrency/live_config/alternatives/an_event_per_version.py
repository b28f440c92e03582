"""Each version has an event that is set when the next one comes: a linked list that watchers walk along."""

import threading
import time
from types import MappingProxyType

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self.writing, self.closed = threading.Lock(), False
        self.newest = (Snapshot(1, MappingProxyType(dict(values))), threading.Event())

    def current(self):
        return self.newest[0]

    def update(self, changes):
        with self.writing:
            before, replaced = self.newest
            merged = dict(before.values)
            merged.update(changes)
            snapshot = Snapshot(before.version + 1, MappingProxyType(merged))
            self.newest = (snapshot, replaced if self.closed else threading.Event())
        replaced.set()
        return snapshot

    def watch(self, after, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            closed, (snapshot, replaced) = self.closed, self.newest
            if snapshot.version > after:
                return snapshot
            if closed:
                return None
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            replaced.wait(left)

    def close(self):
        with self.writing:
            self.closed = True
            self.newest[1].set()
