"""Wakes one of the others, and all at the end."""

import threading


class FizzBuzz:
    def __init__(self, n):
        self._n, self._now = n, 1
        self._changed = threading.Condition()

    def fizz(self, emit):
        self._play((True, False), lambda: emit("fizz"))

    def buzz(self, emit):
        self._play((False, True), lambda: emit("buzz"))

    def fizzbuzz(self, emit):
        self._play((True, True), lambda: emit("fizzbuzz"))

    def number(self, emit):
        self._play((False, False), lambda: emit(self._now))

    def _play(self, mine, say):
        with self._changed:
            while self._now <= self._n:
                if (self._now % 3 == 0, self._now % 5 == 0) == mine:
                    say()
                    self._now += 1
                    self._changed.notify(1 if self._now <= self._n else 3)
                else:
                    self._changed.wait()
