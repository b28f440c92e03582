"""The lock of a condition variable, taken and given back by hand."""

from threading import Condition


class Counter:
    def __init__(self):
        self.guard = Condition()
        self.seen = [0]

    def change(self, function):
        self.guard.acquire()
        try:
            before = self.seen[0]
            self.seen[0] = function(before)
            return before
        finally:
            self.guard.release()

    def add(self, n=1):
        return self.change(lambda total: total + n) + n

    def value(self):
        return self.change(lambda total: total)

    def reset(self):
        return self.change(lambda total: 0)
