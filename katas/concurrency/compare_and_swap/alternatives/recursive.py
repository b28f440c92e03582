"""Tries again by calling itself, with a copy of the dict that nobody has seen yet."""

from interface import Conflict


class CasCounter:
    def __init__(self, ref):
        self.ref = ref

    def add(self, n=1):
        total = self.ref.get()
        return total + n if self.ref.cas(total, total + n) else self.add(n)

    def value(self):
        return self.ref.get()


class VersionedStore:
    def __init__(self, ref):
        self.ref = ref

    def get(self, key):
        entries = self.ref.get()
        return entries[key] if key in entries else (None, 0)

    def put(self, key, value, expected):
        entries = self.ref.get()
        actual = entries[key][1] if key in entries else 0
        if actual != expected:
            raise Conflict(key, expected, actual)
        mine = entries.copy()
        mine[key] = value, actual + 1
        return actual + 1 if self.ref.cas(entries, mine) else self.put(key, value, expected)
