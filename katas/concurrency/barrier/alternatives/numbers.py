"""One condition and two numbers: how many rounds have ended, and which of those badly."""

import time
from threading import Condition

from interface import BrokenBarrier


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError("parties must be at least 1")
        self.parties = parties
        self.changed = Condition()
        self.inside, self.ended = 0, 0
        self.bad, self.closed = set(), False

    def over(self, is_bad):
        if is_bad:
            self.bad.add(self.ended)
        self.ended += 1
        self.inside = 0
        self.changed.notify_all()

    def wait(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.changed:
            if self.closed:
                raise BrokenBarrier
            round_, number = self.ended, self.inside
            self.inside += 1
            if self.inside == self.parties:
                self.over(False)
            while self.ended == round_:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    self.closed = True
                    self.over(True)
                else:
                    self.changed.wait(left)
            if round_ in self.bad:
                raise BrokenBarrier
            return number

    def abort(self):
        with self.changed:
            self.closed = True
            self.over(True)

    def reset(self):
        with self.changed:
            self.over(True)
            self.closed = False
