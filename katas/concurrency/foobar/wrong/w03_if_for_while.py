"""Waits once."""

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
                if self._turn != me:
                    self._changed.wait()
                emit()
                self._turn = other
                self._changed.notify_all()
