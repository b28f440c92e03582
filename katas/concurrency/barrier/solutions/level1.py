"""The reference: each round is an object; a sleeper looks whether his round is still the present one."""

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
            number = len(mine)
            mine.append(number)
            if len(mine) == self._parties:
                self._round = []
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._round is not mine)
            return number
