"""One condition guards one dict and the keys that are being updated; `fn` runs with no lock held."""

from threading import Condition


class StripedMap:
    def __init__(self, stripes=16):
        if stripes < 1:
            raise ValueError(stripes)
        self.held, self.busy, self.freed = {}, set(), Condition()

    def get(self, key):
        with self.freed:
            return self.held.get(key)

    def put(self, key, value):
        self.update(key, lambda old: value)

    def remove(self, key):
        with self.freed:
            self.freed.wait_for(lambda: key not in self.busy)
            return self.held.pop(key, None)

    def update(self, key, fn):
        with self.freed:
            self.freed.wait_for(lambda: key not in self.busy)
            self.busy.add(key)
            old = self.held.get(key)
        try:
            value = fn(old)
            with self.freed:
                self.held[key] = value
            return value
        finally:
            with self.freed:
                self.busy.discard(key)
                self.freed.notify_all()

    def items(self):
        with self.freed:
            return list(self.held.items())

    def __len__(self):
        with self.freed:
            return len(self.held)
