"""At 15 fizz, buzz and fizzbuzz all have something to say."""

import threading


class FizzBuzz:
    def __init__(self, n):
        self._n, self._now, self._said = n, 1, set()
        self._changed = threading.Condition()

    def fizz(self, emit):
        self._play("fizz", lambda now: now % 3 == 0, emit)

    def buzz(self, emit):
        self._play("buzz", lambda now: now % 5 == 0, emit)

    def fizzbuzz(self, emit):
        self._play("fizzbuzz", lambda now: now % 15 == 0, emit)

    def number(self, emit):
        self._play("number", lambda now: now % 3 and now % 5, emit)

    def _play(self, me, mine, emit):
        with self._changed:
            while self._now <= self._n:
                if mine(self._now) and me not in self._said:
                    emit(self._now if me == "number" else me)
                    self._said.add(me)
                    if self._now % 15 or len(self._said) == 3:
                        self._now, self._said = self._now + 1, set()
                    self._changed.notify_all()
                else:
                    self._changed.wait()
