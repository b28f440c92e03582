"""Waits for an even number that never comes."""

import threading


class ZeroEvenOdd:
    def __init__(self, n):
        self._n, self._done = n, 0
        self._changed = threading.Condition()

    def zero(self, emit):
        for number in range(self._n):
            self._emit(2 * number, emit, 0)

    def even(self, emit):
        for number in range(2, self._n + 2, 2):
            self._emit(2 * number - 1, emit, number)

    def odd(self, emit):
        for number in range(1, self._n + 1, 2):
            self._emit(2 * number - 1, emit, number)

    def _emit(self, place, emit, number):
        with self._changed:
            self._changed.wait_for(lambda: self._done == place)
            emit(number)
            self._done += 1
            self._changed.notify_all()
