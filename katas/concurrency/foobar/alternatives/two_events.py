"""A bell for each of the two, which the other one rings."""

from threading import Event


class FooBar:
    def __init__(self, n):
        self.n, self.foo_bell, self.bar_bell = n, Event(), Event()
        self.foo_bell.set()

    def foo(self, emit):
        self.play(emit, self.foo_bell, self.bar_bell)

    def bar(self, emit):
        self.play(emit, self.bar_bell, self.foo_bell)

    def play(self, emit, mine, other):
        for _ in range(self.n):
            mine.wait()
            mine.clear()
            emit()
            other.set()
