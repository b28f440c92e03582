"""Puts a mark into the reference, and whoever finds it there waits until it is gone."""

from interface import Conflict


MINE = "locked"


class CasCounter:
    def __init__(self, ref):
        self._ref = ref

    def add(self, n=1):
        while True:
            seen = self._ref.get()
            if seen is not MINE and self._ref.cas(seen, MINE):
                self._ref.cas(MINE, seen + n)
                return seen + n

    def value(self):
        while (seen := self._ref.get()) is MINE:
            pass
        return seen


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
