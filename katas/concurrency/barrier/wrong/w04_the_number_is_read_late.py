"""Computes the number when the round is over."""

import threading


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError(f"a barrier is for at least one, not for {parties}")
        self._parties = parties
        self._changed = threading.Condition()
        self._round = []

    def wait(self):
        with self._changed:
            mine = self._round
            mine.append(None)
            if len(mine) == self._parties:
                self._round = []
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._round is not mine)
            return len(mine) - 1
