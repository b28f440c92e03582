"""Who changes a key holds the lock of this key; what is seen of the map is guarded by one more, held for a moment."""

from threading import Lock


class StripedMap:
    def __init__(self, stripes=16):
        if stripes < 1:
            raise ValueError(f"at least 1 stripe, got {stripes}")
        self.guard, self.locks, self.pairs = Lock(), {}, {}

    def lock_of(self, key):
        with self.guard:
            return self.locks.setdefault(key, Lock())

    def get(self, key):
        with self.guard:
            return self.pairs.get(key)

    def put(self, key, value):
        self.update(key, lambda _: value)

    def remove(self, key):
        with self.lock_of(key), self.guard:
            return self.pairs.pop(key, None)

    def update(self, key, fn):
        with self.lock_of(key):
            value = fn(self.get(key))
            with self.guard:
                self.pairs[key] = value
        return value

    def items(self):
        with self.guard:
            return [*self.pairs.items()]

    def __len__(self):
        return len(self.items())
