"""Each key has an entry with a reentrant lock of its own, which is held while the value is made."""

import threading


class Entry:
    def __init__(self):
        self.turn, self.busy, self.box = threading.RLock(), False, ()


class OnceMap:
    def __init__(self):
        self.entries, self.guard = {}, threading.Lock()

    def get_or_create(self, key, factory):
        with self.guard:
            entry = self.entries.setdefault(key, Entry())
        with entry.turn:
            if entry.busy:  # only its own thread gets in here
                raise RuntimeError(key)
            if not entry.box:
                entry.busy = True
                try:
                    entry.box = (factory(),)
                finally:
                    entry.busy = False
            return entry.box[0]

    def forget(self, key):
        with self.guard:
            self.entries.pop(key, None)
