"""The reference: whose turn it is, and a condition to wait for it in."""

import threading


class FooBar:
    def __init__(self, n):
        self._n = n
        self._changed = threading.Condition()
        self._turn = "foo"

    def foo(self, emit):
        self._play("foo", emit, "bar")

    def bar(self, emit):
        self._play("bar", emit, "foo")

    def _play(self, me, emit, other):
        for _ in range(self._n):
            with self._changed:
                self._changed.wait_for(lambda: self._turn == me)
                emit()
                self._turn = other
                self._changed.notify_all()
