"""The reference: read, compute, swap; and from the beginning when somebody was faster."""

from interface import Conflict


class CasCounter:
    def __init__(self, ref):
        self._ref = ref

    def add(self, n=1):
        while True:
            seen = self._ref.get()
            if self._ref.cas(seen, seen + n):
                return seen + n

    def value(self):
        return self._ref.get()


class VersionedStore:
    def __init__(self, ref):
        self._ref = ref

    def get(self, key):
        return self._ref.get().get(key, (None, 0))

    def put(self, key, value, expected):
        while True:
            seen = self._ref.get()
            actual = seen.get(key, (None, 0))[1]
            if actual != expected:
                raise Conflict(key, expected, actual)
            if self._ref.cas(seen, {**seen, key: (value, expected + 1)}):
                return expected + 1
