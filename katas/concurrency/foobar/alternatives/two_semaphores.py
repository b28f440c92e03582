"""A permit that the two hand to each other."""

from threading import Semaphore


class FooBar:
    def __init__(self, n):
        self.times, self.foo_may, self.bar_may = n, Semaphore(1), Semaphore(0)

    def foo(self, emit):
        for _ in range(self.times):
            self.foo_may.acquire()
            emit()
            self.bar_may.release()

    def bar(self, emit):
        for _ in range(self.times):
            self.bar_may.acquire()
            emit()
            self.foo_may.release()
