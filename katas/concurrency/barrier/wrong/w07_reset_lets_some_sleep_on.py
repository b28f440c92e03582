"""One flag says whether the barrier is broken, for those who wait and for those who come; reset clears it."""

import threading

from interface import BrokenBarrier


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError(f"a barrier is for at least one, not for {parties}")
        self._parties = parties
        self._changed = threading.Condition()
        self._round = []
        self._broken = False

    def wait(self, timeout=None):
        with self._changed:
            if self._broken:
                raise BrokenBarrier
            mine = self._round
            number = len(mine)
            mine.append(number)
            if len(mine) == self._parties:
                self._round = []
                self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._round is not mine or self._broken, timeout):
                self._break()
            if self._round is mine:
                raise BrokenBarrier
            return number

    def abort(self):
        with self._changed:
            self._break()

    def reset(self):
        with self._changed:
            self._break()
            self._round.clear()
            self._broken = False

    def _break(self):
        self._broken = True
        self._changed.notify_all()
