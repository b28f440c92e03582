"""The reference: read, compute, swap; and from the beginning when somebody was faster."""


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
