"""One loop for every change: a function from what is there to what shall be there, and its answer."""

from interface import Conflict


def change(ref, function):
    done = False
    while not done:
        before = ref.get()
        after, answer = function(before)
        done = ref.cas(before, after)
    return answer


class CasCounter:
    def __init__(self, ref):
        self.ref = ref

    def add(self, n=1):
        return change(self.ref, lambda total: (total + n, total + n))

    def value(self):
        return self.ref.get()


class VersionedStore:
    def __init__(self, ref):
        self.ref = ref

    def get(self, key):
        return self.ref.get().get(key, (None, 0))

    def put(self, key, value, expected):
        def step(entries):
            _, actual = entries.get(key, (None, 0))
            if actual != expected:
                raise Conflict(key, expected, actual)
            return entries | {key: (value, actual + 1)}, actual + 1

        return change(self.ref, step)
