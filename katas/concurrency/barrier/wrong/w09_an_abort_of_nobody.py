"""An abort is for those who wait."""

import threading

from interface import BrokenBarrier


class Round:
    def __init__(self):
        self.came = 0
        self.ended = None


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError(f"a barrier is for at least one, not for {parties}")
        self._parties = parties
        self._changed = threading.Condition()
        self._round = Round()
        self._broken = False

    def wait(self, timeout=None):
        with self._changed:
            if self._broken:
                raise BrokenBarrier
            mine = self._round
            number = mine.came
            mine.came += 1
            if mine.came == self._parties:
                self._end("full")
            if not self._changed.wait_for(lambda: mine.ended, timeout):
                self._break()
            if mine.ended == "broken":
                raise BrokenBarrier
            return number

    def abort(self):
        with self._changed:
            if self._round.came:
                self._break()

    def reset(self):
        with self._changed:
            self._break()
            self._broken = False

    def _break(self):
        self._broken = True
        self._end("broken")

    def _end(self, how):
        self._round.ended = how
        self._round = Round()
        self._changed.notify_all()
